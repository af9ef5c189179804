import type { Change } from '../ports/changes.ts';
import type { CursorRecord } from '../ports/event-records.ts';
import type { UserId } from '../ports/ids.ts';
import type { PrekeyRecord } from '../ports/key-records.ts';
import type { MessageRecord } from '../ports/message-record.ts';
import type { Store } from '../ports/store.ts';
import { withStore } from './open-store.ts';
import type { ConformanceRunner } from './runner.ts';
import { chat, chatId, chatIdOf, me, message, messageIdOf, outboxItem, peer, putMessage } from './store-cases.ts';
import type { MakeStoreHarness } from './store-harness.ts';

function cursor(name: string, changeSeq: number): CursorRecord {
  return { name, changeSeq, usedAt: changeSeq, expired: false };
}

/** Walks all pages of a chat. */
async function walk(store: Store, direction: 'before' | 'after', limit: number): Promise<readonly MessageRecord[]> {
  const found: MessageRecord[] = [];
  for (;;) {
    const at = found.at(-1);
    const page = await store.messages(
      direction === 'before' ? { chatId, limit, before: at } : { chatId, limit, after: at },
    );
    found.push(...page);
    if (page.length < limit) return found;
  }
}

/** Reads over many records, in their order. */
export function storeQueryCases({ describe, it, expect }: ConformanceRunner, makeHarness: MakeStoreHarness): void {
  describe('queries', () => {
    it(
      'answer an empty store',
      withStore(makeHarness, async ({ store }) => {
        expect(await store.messages({ chatId, limit: 10, before: undefined })).toEqual([]);
        expect(await store.unread(chatId, { position: 10, seq: 10 }, 10)).toEqual([]);
        expect(await store.expiring('sent', 10, 10)).toEqual([]);
        expect(await store.userByNumber('')).toBe(undefined);
        expect(await store.blockedUsers()).toEqual([]);
        expect(await store.declined(Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
        expect(await store.chats(undefined, 10)).toEqual([]);
        expect(await store.outbox(chatId, 0, 10)).toEqual([]);
        expect(await store.outboxChats()).toEqual([]);
        expect(await store.events(0, 10)).toEqual([]);
        expect(await store.slowestCursor()).toBe(undefined);
        expect(await store.held(10)).toEqual([]);
        expect(await store.heldUsage()).toEqual([]);
        expect(await store.heldOf(undefined, 10)).toEqual([]);
        expect(await store.heldAttempts(messageIdOf(1), 10)).toEqual([]);
        expect(await store.heldRequests(10)).toEqual([]);
        expect(await store.idleCursors(10, 10)).toEqual([]);
        expect(await store.prekeys()).toEqual([]);
      }),
    );

    it(
      'pages of messages walk both ways by position, then seq, and miss nothing',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        const places = Array.from({ length: 60 }, (_, index) => ({
          position: 1 + Math.floor(index / 7),
          seq: index % 7,
        }));
        const messages = places.map((place, index) => message(index, place));
        const elsewhere = message(900, { chatId: chatIdOf(1), position: 4, seq: 3 });
        // Not in their order: the order is that of the place.
        const shuffled = messages.toSorted((a, b) => ((a.createdAt * 37) % 61) - ((b.createdAt * 37) % 61));
        await store.commit([...shuffled, elsewhere].map(putMessage), ownerEpoch);
        for (const limit of [1, 7, 15, 60, 100]) {
          expect(await walk(store, 'after', limit)).toEqual(messages);
          expect(await walk(store, 'before', limit)).toEqual(messages.toReversed());
        }
        const place = { position: 3, seq: 2 };
        const [earlier] = await store.messages({ chatId, limit: 1, before: place });
        const [later] = await store.messages({ chatId, limit: 1, after: place });
        expect([earlier?.seq, later?.seq]).toEqual([1, 3]);
      }),
    );

    it(
      'unread ones: of this chat, received, up to the place and with it, oldest first',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        const records = [
          message(1, { position: 1, seq: 1 }),
          message(2, { position: 2, seq: 1, state: 'seen' }),
          message(3, { position: 2, seq: 2 }),
          message(4, { position: 2, seq: 3, state: 'sent', senderId: me, receiverId: peer }),
          message(5, { position: 2, seq: 4 }),
          message(6, { position: 2, seq: 5 }),
          message(7, { position: 1, seq: 0, chatId: chatIdOf(1) }),
        ];
        await store.commit(records.map(putMessage), ownerEpoch);
        const unread = await store.unread(chatId, { position: 2, seq: 4 }, 10);
        expect(unread.map(({ id }) => id)).toEqual([messageIdOf(1), messageIdOf(3), messageIdOf(5)]);
        expect(await store.unread(chatId, { position: 2, seq: 4 }, 2)).toEqual(unread.slice(0, 2));
        await store.commit([putMessage(message(3, { position: 2, seq: 2, state: 'seen' }))], ownerEpoch);
        expect((await store.unread(chatId, { position: 2, seq: 4 }, 10)).length).toBe(2);
      }),
    );

    it(
      'expiring ones: own, in that state, with an end before the time given, oldest first',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        const own = { senderId: me, receiverId: peer } as const;
        const records = [
          message(1, { ...own, state: 'sent', expiresAt: 30 }),
          message(2, { ...own, state: 'sent', expiresAt: 10 }),
          message(3, { ...own, state: 'sent', expiresAt: 20 }),
          message(4, { ...own, state: 'sent' }),
          message(5, { ...own, state: 'delivered', expiresAt: 5 }),
          message(6, { state: 'received', expiresAt: 5 }),
        ];
        await store.commit(records.map(putMessage), ownerEpoch);
        const ids = async (before: number, limit: number) =>
          (await store.expiring('sent', before, limit)).map(({ id }) => id);
        expect(await ids(30, 10)).toEqual([messageIdOf(2), messageIdOf(3)]);
        expect(await ids(31, 10)).toEqual([messageIdOf(2), messageIdOf(3), messageIdOf(1)]);
        expect(await ids(31, 1)).toEqual([messageIdOf(2)]);
        expect(await store.expiring('received', 100, 10)).toEqual([]);
      }),
    );

    it(
      'the user of a number is the one whose record changed last',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        const user = (id: UserId, number: string, updatedAt: number): Change => ({
          type: 'put',
          kind: 'user',
          record: {
            id,
            number,
            username: '',
            profileKey: undefined,
            profileKeyAt: undefined,
            avatarHash: undefined,
            returnsReceipts: false,
            blockedAt: undefined,
            createdAt: 1,
            updatedAt,
          },
        });
        await store.commit([user(me, 'first', 1), user(peer, 'first', 2)], ownerEpoch);
        expect((await store.userByNumber('first'))?.id).toBe(peer);
        await store.commit([user(peer, '', 3)], ownerEpoch);
        expect((await store.userByNumber('first'))?.id).toBe(me);
        expect(await store.userByNumber('')).toBe(undefined);
        expect(await store.userByNumber('second')).toBe(undefined);
      }),
    );

    it(
      'those who are blocked, the last one first',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        const user = (id: UserId, blockedAt: number | undefined): Change => ({
          type: 'put',
          kind: 'user',
          record: {
            id,
            number: '',
            username: '',
            profileKey: undefined,
            profileKeyAt: undefined,
            avatarHash: undefined,
            returnsReceipts: false,
            blockedAt,
            createdAt: 1,
            updatedAt: 1,
          },
        });
        await store.commit([user(me, 1), user(peer, 2)], ownerEpoch);
        expect((await store.blockedUsers()).map(({ id, blockedAt }) => [id, blockedAt])).toEqual([
          [peer, 2],
          [me, 1],
        ]);
        await store.commit([user(peer, undefined)], ownerEpoch);
        expect((await store.blockedUsers()).map(({ id }) => id)).toEqual([me]);
      }),
    );

    it(
      'pages of chats walk by activity, latest first',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        const chats = Array.from({ length: 40 }, (_, index) => chat(index, { activity: (index * 7) % 41 }));
        await store.commit(
          chats.map((record): Change => ({ type: 'put', kind: 'chat', record })),
          ownerEpoch,
        );
        const latestFirst = chats.toSorted((a, b) => b.activity - a.activity);
        const first = await store.chats(undefined, 15);
        const second = await store.chats(first.at(-1)?.activity, 15);
        const third = await store.chats(second.at(-1)?.activity, 15);
        expect([...first, ...second, ...third]).toEqual(latestFirst);
        expect(third.length).toBe(10);
      }),
    );

    it(
      'what rows of the outbox have in common, as long as one of them is there',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        const part = { id: 7, content: Uint8Array.of(1, 2, 3) };
        const items = [8, 9].map((id) => outboxItem(id, { partId: part.id }));
        const puts = [...items, outboxItem(10)].map((record): Change => ({ type: 'put', kind: 'outbox', record }));
        await store.commit([{ type: 'put', kind: 'outboxPart', record: part }, ...puts], ownerEpoch);
        const remove = (id: number) => store.commit([{ type: 'delete', kind: 'outbox', key: { id } }], ownerEpoch);
        await remove(8);
        await remove(10);
        expect(await store.get('outboxPart', { id: 7 })).toEqual(part);
        await remove(9);
        expect(await store.get('outboxPart', { id: 7 })).toBe(undefined);
      }),
    );

    it(
      'the outbox, by chat and in the order of ids',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        const items = [5, 3, 9, 1].map((id) => outboxItem(id));
        const elsewhere = outboxItem(4, { chatId: chatIdOf(1) });
        await store.commit(
          [...items, elsewhere].map((record): Change => ({ type: 'put', kind: 'outbox', record })),
          ownerEpoch,
        );
        const ids = async (after: number, limit: number) =>
          (await store.outbox(chatId, after, limit)).map(({ id }) => id);
        expect(await ids(0, 10)).toEqual([1, 3, 5, 9]);
        expect(await ids(3, 1)).toEqual([5]);
        expect([...(await store.outboxChats())].sort()).toEqual([chatId, chatIdOf(1)].sort());
        await store.commit([{ type: 'delete', kind: 'outbox', key: { id: 4 } }], ownerEpoch);
        expect(await store.outboxChats()).toEqual([chatId]);
      }),
    );

    it(
      'events after a cursor, the slowest cursor, what is held, and prekeys, in their orders',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        const fact = { type: 'chat.created', chatId } as const;
        const prekey = (id: number, createdAt: number): PrekeyRecord => ({
          kind: 'ec',
          id,
          record: Uint8Array.of(id),
          createdAt,
          replacedAt: undefined,
          uploaded: true,
        });
        await store.commit(
          [
            ...[3, 1, 2].flatMap((number): readonly Change[] => [
              { type: 'put', kind: 'event', record: { changeSeq: number, at: 0, fact } },
              { type: 'put', kind: 'cursor', record: cursor(`${number}`, 10 + number) },
              { type: 'put', kind: 'prekey', record: prekey(number, 10 - number) },
            ]),
            ...[30, 10, 20].map(
              (arrival): Change => ({
                type: 'put',
                kind: 'held',
                record: {
                  digest: Uint8Array.of(50 - arrival),
                  envelope: Uint8Array.of(1),
                  reason: 'no-session',
                  heldAt: 50,
                  arrival,
                  retries: 0,
                  sender: arrival === 10 ? undefined : peer,
                  messageId: messageIdOf(arrival),
                  groupId: undefined,
                  mendable: arrival === 30,
                  requests: 0,
                  requestAt: arrival === 10 ? undefined : 100 - arrival,
                },
              }),
            ),
          ],
          ownerEpoch,
        );
        expect((await store.events(1, 10)).map(({ changeSeq }) => changeSeq)).toEqual([2, 3]);
        expect((await store.events(0, 1)).map(({ changeSeq }) => changeSeq)).toEqual([1]);
        expect(await store.slowestCursor()).toBe(11);
        const held = await store.held(2);
        expect(held.map(({ arrival }) => arrival)).toEqual([10, 20]);
        expect((await store.held(2, held[1])).map(({ arrival }) => arrival)).toEqual([30]);
        expect((await store.held(9, held[0])).map(({ arrival }) => arrival)).toEqual([20, 30]);
        const times = (records: readonly { readonly arrival: number }[]) => records.map(({ arrival }) => arrival);
        expect(times(await store.heldOf(peer, 9))).toEqual([20, 30]);
        expect(times(await store.heldOf(peer, 1))).toEqual([20]);
        expect(times(await store.heldOf(undefined, 9))).toEqual([10]);
        expect(times(await store.heldAttempts(messageIdOf(30), 9))).toEqual([30]);
        expect(times(await store.heldRequests(9))).toEqual([30, 20]);
        const usage = await store.heldUsage();
        expect(usage.find(({ sender }) => sender === peer)).toEqual({ sender: peer, count: 2, bytes: 2 });
        expect(usage.length).toBe(2);
        await store.commit(
          [{ type: 'put', kind: 'cursor', record: { ...cursor('1', 11), expired: true } }],
          ownerEpoch,
        );
        expect(await store.slowestCursor()).toBe(12);
        expect((await store.idleCursors(13, 9)).map(({ name }) => name)).toEqual(['2']);
        expect((await store.prekeys()).map(({ id }) => id)).toEqual([3, 2, 1]);
      }),
    );
  });
}
