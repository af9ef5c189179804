import { describe, expect, it } from 'vitest';
import { ManualTimers } from '../../test/manual-timers.ts';
import { Departures } from './departures.ts';
import { KeyDelivery } from './key-delivery.ts';

/** Waits for rows 1 to `count`, of which `gone` have left before. */
async function waitingFor(count: number, gone: readonly number[] = []) {
  const timers = new ManualTimers();
  const departures = new Departures();
  const there = new Set(Array.from({ length: count }, (_, at) => at + 1).filter((row) => !gone.includes(row)));
  const store = { get: async (_: string, { id }: { id: number }) => (there.has(id) ? { id } : undefined) };
  const ending = new AbortController();
  const rows = Array.from({ length: count }, (_, at) => at + 1);
  let ended: unknown;
  const delivery = new KeyDelivery({ store: store as never, departures, timers });
  void delivery.wait(rows, ending.signal).then(
    () => {
      ended = 'delivered';
    },
    (error: unknown) => {
      ended = error;
    },
  );
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  await settle();
  const outcome = async () => {
    await settle();
    return ended;
  };
  return { timers, departures, ending, outcome };
}

describe('the keys of a record', () => {
  it('are all waited for, and nothing is waited for that has left before', async () => {
    const { departures, timers, outcome } = await waitingFor(4, [2]);
    for (const row of [1, 3]) departures.left(row, 'taken');
    expect(await outcome()).toBeUndefined();
    departures.left(4, 'taken');
    expect([await outcome(), timers.delays]).toEqual(['delivered', []]);
    expect(await (await waitingFor(0)).outcome()).toBe('delivered');
    expect(await (await waitingFor(2, [1, 2])).outcome()).toBe('delivered');
  });

  it('are enough with three after two seconds, also if the third leaves later', async () => {
    const { departures, timers, outcome } = await waitingFor(5);
    for (const row of [5, 1]) departures.left(row, 'taken');
    expect(timers.delays).toEqual([2_000, 10_000]);
    timers.runUpTo(2_000);
    expect(await outcome()).toBeUndefined();
    departures.left(3, 'taken');
    expect([await outcome(), timers.delays]).toEqual(['delivered', []]);
  });

  it('of one or two people are waited for longer, and of nobody for ever', async () => {
    const { departures, timers, outcome } = await waitingFor(2);
    departures.left(1, 'taken');
    timers.runUpTo(2_000);
    expect([await outcome(), timers.delays]).toEqual([undefined, [10_000]]);
    timers.runAll();
    expect(await outcome()).toBe('delivered');
  });

  it('are with nobody when their rows have failed: such do not count towards the three', async () => {
    const { departures, timers, outcome } = await waitingFor(7, [7]);
    for (const row of [1, 2, 3]) departures.left(row, 'gone');
    timers.runUpTo(2_000);
    expect([await outcome(), timers.delays]).toEqual([undefined, [10_000]]);
    for (const row of [4, 5]) departures.left(row, 'taken');
    expect(await outcome()).toBeUndefined();
    departures.left(6, 'gone');
    expect([await outcome(), timers.delays]).toEqual(['delivered', []]);
  });

  it('are waited for no more by a client that stops', async () => {
    const { ending, timers, outcome } = await waitingFor(2);
    ending.abort(new Error('stopped'));
    expect([await outcome(), timers.delays]).toEqual([new Error('stopped'), []]);
  });
});
