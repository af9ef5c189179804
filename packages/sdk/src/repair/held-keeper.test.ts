import { Envelope } from '@sotto/proto';
import { expect, it } from 'vitest';
import { userIdOf } from '../../test/numbered-uuid.ts';
import { openExecutor } from '../../test/open-executor.ts';
import type { HeldRecord } from '../ports/inbox-records.ts';
import { HeldKeeper } from './held-keeper.ts';

const [flooder, friend] = [userIdOf(1), userIdOf(2)];

async function holding(
  records: readonly Partial<HeldRecord>[],
  limits: Partial<ConstructorParameters<typeof HeldKeeper>[0]['limits'] & object>,
) {
  const { executor, store, clock, published } = await openExecutor();
  const heldAt = clock.now();
  await executor.run([], (overlay) => {
    for (const [at, record] of records.entries()) {
      const envelope = Envelope.encode({ suite: 1, attempt: at + 1, ciphertext: new Uint8Array(90) });
      const digest = Uint8Array.of(at >> 8, at & 255);
      const plain = {
        digest,
        envelope,
        reason: 'undecryptable',
        heldAt: heldAt + at,
        arrival: at,
        retries: 0,
      } as const;
      const asked = { messageId: undefined, groupId: undefined, mendable: true, requests: 0, requestAt: undefined };
      overlay.put('held', { ...plain, ...asked, sender: flooder, ...record });
    }
  });
  const bounds = { count: 1_000, bytes: 1e9, countInAll: 1_000, bytesInAll: 1e9, age: 1_000_000, ...limits };
  const keeper = new HeldKeeper({ executor, store, clock, limits: bounds });
  const left = async () => (await store.held(1_000)).map(({ digest }) => (digest[0] ?? 0) * 256 + (digest[1] ?? 0));
  const dropped = () => published.flat().filter(({ fact }) => fact.type === 'envelope.dropped').length;
  return { keeper, left, dropped, clock };
}

it('drops of a sender who has too much what can not be mended, then the oldest, and tells  [security: poison]', async () => {
  const records = Array.from({ length: 300 }, (_, at) => ({
    mendable: at !== 290,
    sender: at === 0 ? friend : flooder,
  }));
  const { keeper, left, dropped } = await holding(records, { count: 5 });
  await keeper.trim();
  expect(await left()).toEqual([0, 295, 296, 297, 298, 299]);
  expect(dropped()).toBe(294);
});

it('takes from whoever has most when all together have too much, by count and by bytes', async () => {
  const records = Array.from({ length: 20 }, (_, at) => ({ sender: at < 3 ? friend : flooder }));
  const byCount = await holding(records, { countInAll: 6 });
  await byCount.keeper.trim();
  expect(await byCount.left()).toEqual([0, 1, 2, 17, 18, 19]);
  const byBytes = await holding(records, { bytesInAll: 1_000 });
  await byBytes.keeper.trim();
  const left = await byBytes.left();
  expect(left.slice(0, 3)).toEqual([0, 1, 2]);
  expect(left.at(-1)).toBe(19);
  expect(left.length).toBeLessThan(11);
});

it('gives up what is too old', async () => {
  const { keeper, left, clock } = await holding([{}, {}], { age: 100 });
  clock.advance(101);
  await keeper.sweep();
  expect(await left()).toEqual([1]);
});
