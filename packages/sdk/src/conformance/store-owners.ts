import { failureCode } from './failure.ts';
import { withStore } from './open-store.ts';
import type { ConformanceRunner } from './runner.ts';
import { chatId, cursorRecord, putCursor } from './store-cases.ts';
import type { MakeStoreHarness } from './store-harness.ts';

/** One owner at a time, and the end of one. */
export function storeOwnerCases({ describe, it, expect }: ConformanceRunner, makeHarness: MakeStoreHarness): void {
  describe('owners', () => {
    it(
      'a second opening is refused while the first lasts, and harms nothing',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch }, harness: { opener, secondOpener } }) => {
        await store.commit([putCursor('a', 1)], ownerEpoch);
        expect(await failureCode(opener.open())).toBe('store-locked');
        expect(await failureCode(secondOpener.open())).toBe('store-locked');
        await store.commit([putCursor('a', 2)], ownerEpoch);
        await store.close();

        const second = await secondOpener.open();
        expect(await second.store.get('cursor', { name: 'a' })).toEqual(cursorRecord('a', 2));
        expect(second.opening.ownerEpoch > ownerEpoch).toBe(true);
        await second.store.close();
      }),
    );

    it(
      'an owner whose lock was lost can write nothing once another has opened the store',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch }, harness }) => {
        await store.commit([putCursor('a', 1)], ownerEpoch);
        await harness.breakLock();
        const second = await harness.secondOpener.open();
        expect(await failureCode(store.commit([putCursor('a', 2), putCursor('b', 1)], ownerEpoch))).toBe(
          'store-fenced',
        );
        await second.store.commit([putCursor('a', 3)], second.opening.ownerEpoch);
        expect(await second.store.get('cursor', { name: 'a' })).toEqual(cursorRecord('a', 3));
        expect(await second.store.get('cursor', { name: 'b' })).toBe(undefined);
        // The end of the first is not the end of the second.
        await store.close();
        await second.store.commit([putCursor('a', 4)], second.opening.ownerEpoch);
        await second.store.close();
      }),
    );

    it(
      'closing twice is fine, and what is called later is told',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        await Promise.all([store.close(), store.close()]);
        const calls: readonly (() => Promise<unknown>)[] = [
          () => store.get('cursor', { name: 'a' }),
          () => store.commit([putCursor('a', 1)], ownerEpoch),
          () => store.messages({ chatId, limit: 1, before: undefined }),
          () => store.unread(chatId, { position: 1, seq: 1 }, 1),
          () => store.expiring('sent', 1, 1),
          () => store.userByNumber('first'),
          () => store.chats(undefined, 1),
          () => store.outbox(chatId, 0, 1),
          () => store.outboxChats(),
          () => store.events(0, 1),
          () => store.slowestCursor(),
          () => store.held(1),
          () => store.prekeys(),
        ];
        for (const call of calls) expect(await failureCode(call())).toBe('store-closed');
      }),
    );

    it(
      'each opening has a higher epoch than all before',
      withStore(makeHarness, async ({ store, opening, harness: { opener } }) => {
        await store.close();
        let epoch = opening.ownerEpoch;
        for (let turn = 0; turn < 3; turn += 1) {
          const again = await opener.open();
          expect(again.opening.ownerEpoch > epoch).toBe(true);
          epoch = again.opening.ownerEpoch;
          await again.store.close();
        }
      }),
    );
  });
}
