import type { Change } from '../ports/changes.ts';
import type { GroupId, MessageId } from '../ports/ids.ts';
import { failureCode } from './failure.ts';
import { withStore } from './open-store.ts';
import type { ConformanceRunner } from './runner.ts';
import {
  chat,
  chatIdOf,
  cursorRecord,
  message,
  messageIdOf,
  outboxItem,
  peer,
  putCursor,
  putMessage,
} from './store-cases.ts';
import type { MakeStoreHarness } from './store-harness.ts';

/** Records that no store takes, by the rule that they break. */
const refused: Readonly<Record<string, Change>> = {
  'both receiver and group': putMessage(message(9, { groupId: peer as string as GroupId })),
  'neither receiver nor group': putMessage(message(9, { receiverId: undefined })),
  'no text, no files, nothing unknown': putMessage(message(9, { text: '' })),
  'a message id that is no UUID': putMessage(message(9, { id: 'message' as MessageId })),
  'a nonce of 15 bytes': putMessage(message(9, { nonce: new Uint8Array(15) })),
  'a seq that is no integer': putMessage(message(9, { seq: 1.5 })),
  'a position that is no number': putMessage(message(9, { position: Number.NaN })),
  'a position over 2^53 - 1': putMessage(message(9, { position: 2 ** 53 })),
  'both user and group of a chat': {
    type: 'put',
    kind: 'chat',
    record: chat(9, { groupId: peer as string as GroupId }),
  },
  'neither user nor group of a chat': { type: 'put', kind: 'chat', record: chat(9, { userId: undefined }) },
};

/** All of a commit, or nothing. */
export function storeCommitCases({ describe, it, expect }: ConformanceRunner, makeHarness: MakeStoreHarness): void {
  describe('commits', () => {
    for (const [rule, bad] of Object.entries(refused)) {
      it(
        `a record that breaks a rule in the middle leaves nothing: ${rule}`,
        withStore(makeHarness, async ({ store, opening: { ownerEpoch }, harness: { opener } }) => {
          await store.commit([putCursor('kept', 1)], ownerEpoch);
          const event = { changeSeq: 7, at: 1, fact: { type: 'chat.created', chatId: chatIdOf(1) } } as const;
          const changes: readonly Change[] = [
            putCursor('kept', 2),
            putMessage(message(1)),
            { type: 'put', kind: 'event', record: event },
            bad,
            putCursor('after', 1),
          ];
          expect(await failureCode(store.commit(changes, ownerEpoch))).toBe('argument-invalid');
          expect(await store.get('cursor', { name: 'kept' })).toEqual(cursorRecord('kept', 1));
          expect(await store.get('cursor', { name: 'after' })).toBe(undefined);
          expect(await store.get('message', { id: messageIdOf(1) })).toBe(undefined);
          expect(await store.events(0, 10)).toEqual([]);
          await store.commit([putCursor('kept', 3)], ownerEpoch);
          await store.close();

          const again = await opener.open();
          expect(again.opening.counters).toEqual({ position: 0, outbox: 0, changeSeq: 0 });
          expect(await again.store.slowestCursor()).toBe(3);
          await again.store.close();
        }),
      );
    }

    it(
      'a put that names what it changes writes that, and adds a record that is not there',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        const progress = ['state', 'updatedAt', 'expiresAt'] as const;
        const before = message(1);
        await store.commit([putMessage(before)], ownerEpoch);
        const after = { ...before, state: 'seen', updatedAt: before.updatedAt + 5, expiresAt: 77 } as const;
        const fresh = message(2);
        await store.commit(
          [
            { type: 'put', kind: 'message', record: after, changed: progress },
            { type: 'put', kind: 'message', record: fresh, changed: progress },
          ],
          ownerEpoch,
        );
        expect(await store.get('message', { id: before.id })).toEqual(after);
        expect(await store.get('message', { id: fresh.id })).toEqual(fresh);
        const open = { ...outboxItem(1), attempt: 0, sealed: undefined };
        const sealing = { sendId: Uint8Array.of(1), send: Uint8Array.of(2, 3), sealedAt: 4 };
        const sealed = { ...open, attempt: 1, sealed: sealing };
        await store.commit([{ type: 'put', kind: 'outbox', record: open }], ownerEpoch);
        await store.commit(
          [{ type: 'put', kind: 'outbox', record: sealed, changed: ['attempt', 'sealed'] }],
          ownerEpoch,
        );
        expect(await store.get('outbox', { id: sealed.id })).toEqual(sealed);
      }),
    );

    it(
      'changes of one commit apply in their order',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        await store.commit(
          [
            putCursor('a', 1),
            putCursor('a', 2),
            { type: 'delete', kind: 'cursor', key: { name: 'a' } },
            putCursor('b', 1),
            { type: 'delete', kind: 'cursor', key: { name: 'b' } },
            putCursor('b', 5),
          ],
          ownerEpoch,
        );
        expect(await store.get('cursor', { name: 'a' })).toBe(undefined);
        expect(await store.get('cursor', { name: 'b' })).toEqual(cursorRecord('b', 5));
      }),
    );

    it(
      'commits that are not waited for apply in the order of their calls',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        const commits = Array.from({ length: 50 }, (_, index) =>
          store.commit([putCursor('latest', index), putCursor(`${index}`, index)], ownerEpoch),
        );
        await Promise.all(commits);
        expect(await store.get('cursor', { name: 'latest' })).toEqual(cursorRecord('latest', 49));
        expect(await store.get('cursor', { name: '0' })).toEqual(cursorRecord('0', 0));
      }),
    );

    it(
      'a commit of nothing is fine, and is guarded too',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        await store.commit([], ownerEpoch);
        expect(await failureCode(store.commit([], ownerEpoch + 1))).toBe('store-fenced');
      }),
    );

    it(
      'prunes what is older, up to the event named',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        const numbers = [1, 2, 3, 4];
        const fact = { type: 'chat.created', chatId: chatIdOf(1) } as const;
        await store.commit(
          numbers.flatMap((number): readonly Change[] => [
            { type: 'put', kind: 'seen', record: { key: Uint8Array.of(number), at: number } },
            {
              type: 'put',
              kind: 'kyberUse',
              record: { kyberId: 1, signedId: 1, baseKey: Uint8Array.of(number), usedAt: number },
            },
            { type: 'put', kind: 'event', record: { changeSeq: number, at: number, fact } },
          ]),
          ownerEpoch,
        );
        await store.commit(
          [
            { type: 'prune', kind: 'seen', before: 3 },
            { type: 'prune', kind: 'kyberUse', before: 3 },
            { type: 'prune', kind: 'event', before: 3 },
          ],
          ownerEpoch,
        );
        const left = { seen: [] as number[], kyberUse: [] as number[] };
        for (const number of numbers) {
          const key = Uint8Array.of(number);
          if (await store.get('seen', { key })) left.seen.push(number);
          if (await store.get('kyberUse', { kyberId: 1, signedId: 1, baseKey: key })) left.kyberUse.push(number);
        }
        expect(left).toEqual({ seen: [3, 4], kyberUse: [3, 4] });
        expect((await store.events(0, 10)).map(({ changeSeq }) => changeSeq)).toEqual([4]);
      }),
    );

    it(
      'counters outlive what raised them, and a reopening',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch, counters }, harness: { opener } }) => {
        expect(counters).toEqual({ position: 0, outbox: 0, changeSeq: 0 });
        const fact = { type: 'chat.created', chatId: chatIdOf(1) } as const;
        await store.commit(
          [
            putMessage(message(12)),
            { type: 'put', kind: 'chat', record: chat(1, { activity: 30 }) },
            { type: 'put', kind: 'outbox', record: outboxItem(40) },
            { type: 'put', kind: 'event', record: { changeSeq: 50, at: 1, fact } },
            { type: 'put', kind: 'event', record: { changeSeq: 49, at: 1, fact } },
          ],
          ownerEpoch,
        );
        await store.commit(
          [
            { type: 'delete', kind: 'message', key: { id: messageIdOf(12) } },
            { type: 'delete', kind: 'chat', key: { id: chatIdOf(1) } },
            { type: 'delete', kind: 'outbox', key: { id: 40 } },
            { type: 'prune', kind: 'event', before: 50 },
          ],
          ownerEpoch,
        );
        await store.close();
        const again = await opener.open();
        await again.store.close();
        expect(again.opening.counters).toEqual({ position: 30, outbox: 40, changeSeq: 50 });
        expect(again.opening.ownerEpoch > ownerEpoch).toBe(true);
      }),
    );

    it(
      'a full disk fails a commit as a whole, and works again once there is room',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch }, harness: { disk } }) => {
        if ('skipped' in disk) return;
        const bulk = (first: number) =>
          Array.from({ length: 200 }, (_, index) => putMessage(message(first + index, { text: 'x'.repeat(2_000) })));
        await store.commit(bulk(0), ownerEpoch);
        await disk.fill();
        expect(await failureCode(store.commit([putCursor('a', 1), ...bulk(1_000)], ownerEpoch))).toBe(
          'store-unavailable',
        );
        expect(await store.get('cursor', { name: 'a' })).toBe(undefined);
        expect(await store.get('message', { id: messageIdOf(1_000) })).toBe(undefined);
        expect((await store.get('message', { id: messageIdOf(199) }))?.seq).toBe(199);
        await disk.free();
        await store.commit([putCursor('a', 1), ...bulk(1_000)], ownerEpoch);
        expect((await store.get('message', { id: messageIdOf(1_199) }))?.seq).toBe(1_199);
      }),
    );
  });
}
