import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { open, register } from './raw-client.ts';
import { rawSend } from './raw-stream.ts';
import { startRelay, type TestRelay, unlimitedSends } from './test-relay.ts';

/** A relay of which one call to the mailbox waits for `release`, and tells when it came. */
async function heldRelay(
  held: 'append' | 'recorded',
): Promise<TestRelay & { readonly came: Promise<void>; readonly release: () => void }> {
  const came = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let isFirst = true;
  const relay = await startRelay({
    config: { limits: unlimitedSends },
    wrapStores: (real) => ({
      ...real,
      mailbox: new Proxy(real.mailbox, {
        get(mailbox, name) {
          const value: unknown = Reflect.get(mailbox, name, mailbox);
          if (typeof value !== 'function') return value;
          if (name !== held) return value.bind(mailbox);
          return async (...given: unknown[]) => {
            if (isFirst) {
              isFirst = false;
              came.resolve();
              await gate.promise;
            }
            return value.apply(mailbox, given) as unknown;
          };
        },
      }),
    }),
  });
  return { ...relay, came: came.promise, release: gate.resolve };
}

const tiny = new Uint8Array(1);

describe('superseded sends', () => {
  it('by the thousands are answered without waiting for one another, and a good one among them too', async () => {
    await using relay = await heldRelay('recorded');
    const alice = await register(relay, '+14155550101');
    const bob = await register(relay, '+14155550102');
    const from = await open(relay, alice);
    const astray = () => ({ send: rawSend({ to: bob.keys, lane: randomBytes(8), laneNo: 2, ciphertext: tiny }) });
    const many = () => Array.from({ length: 2_000 }, astray);
    from.send(...many(), { send: rawSend({ to: bob.keys }) }, ...many());
    await relay.came;
    // The first is held, so all of these have come without it.
    const results = await from.take('sendResult', 4_000);
    expect(results.filter(({ refused }) => refused?.code === 'superseded')).toHaveLength(3_999);
    expect(results.filter(({ refused }) => !refused)).toMatchObject([{ recipients: [{ status: 1 }] }]);
    relay.release();
    expect(await from.next('sendResult')).toMatchObject({ refused: { code: 'superseded' } });
  });

  it('wait for the append of the same id, and for no other', async () => {
    await using relay = await heldRelay('append');
    const alice = await register(relay, '+14155550101');
    const bob = await register(relay, '+14155550102');
    const from = await open(relay, alice);
    const lane = randomBytes(8);
    const first = { send: rawSend({ to: bob.keys, lane, laneNo: 1 }) };
    from.send(first, first, { send: rawSend({ to: bob.keys, lane, laneNo: 3 }) });
    await relay.came;
    expect(await from.next('sendResult')).toMatchObject({ refused: { code: 'superseded' } });
    await from.settled();
    expect(from.kinds).not.toContain('sendResult');
    relay.release();
    const results = await from.take('sendResult', 2);
    expect(results).toMatchObject([{ recipients: [{ status: 1 }] }, { recipients: [{ status: 1 }] }]);
    expect(results[0]?.acceptedAt).toBe(results[1]?.acceptedAt);
  });
});
