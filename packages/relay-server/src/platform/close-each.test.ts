import { describe, expect, it } from 'vitest';
import { RelayError } from '../relay-error.ts';
import { closeEach } from './close-each.ts';

describe('closeEach', () => {
  it('takes every step in its order, whatever fails, and throws all that failed', async () => {
    const taken: number[] = [];
    const step = (at: number, end: () => unknown) => () => {
      taken.push(at);
      return end();
    };
    const fails = (name: string) => () => {
      throw new Error(name);
    };
    const closing = closeEach([
      step(1, () => undefined),
      step(2, async () => fails('second')()),
      step(3, fails('third')),
      step(4, async () => taken.push(5)),
    ]);
    const failure = await closing.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(AggregateError);
    expect(failure).toMatchObject({ message: 'second third', errors: [{ message: 'second' }, { message: 'third' }] });
    expect(taken).toEqual([1, 2, 3, 4, 5]);
    await closeEach([]);
  });

  it('throws one failure as it is, and of several of the relay one that says them all', async () => {
    const away = new RelayError('store-unavailable', 'Kafka is away.', { retryable: true });
    const broken = new RelayError('store-corrupt', 'The mailbox is broken.');
    const fails = (error: Error) => () => Promise.reject(error);
    expect(await closeEach([fails(away)]).catch((error: unknown) => error)).toBe(away);
    const both = await closeEach([fails(away), fails(broken)]).catch((error: unknown) => error);
    expect(both).toBeInstanceOf(RelayError);
    expect(both).toMatchObject({
      code: 'store-unavailable',
      message: 'Kafka is away. The mailbox is broken.',
      retryable: false,
      cause: { errors: [away, broken] },
    });
  });
});
