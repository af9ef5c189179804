import { describe, expect, it } from 'vitest';
import { chatIdOf, userIdOf } from '../../test/numbered-uuid.ts';
import { type OpenExecutor, openExecutor } from '../../test/open-executor.ts';
import { delivered } from '../../test/receiving-device.ts';
import { twoSided } from '../../test/two-sided.ts';
import { mostGroupRequests } from '../groups/group-requests.ts';
import { newUser } from '../people/blocked.ts';
import type { ChatRecord } from '../ports/chat-record.ts';
import type { GroupRecord } from '../ports/group-records.ts';
import type { DeviceId, GroupId } from '../ports/ids.ts';
import { chatWith, openGroupChat } from './chat-state.ts';
import { mostOfRequest, mostRequests, Requests } from './requests.ts';

const nobody = () => {
  throw new Error('own other devices are told nothing');
};
const groupIdOf = (number: number) => userIdOf(1_000 + number) as string as GroupId;

describe('a request', () => {
  it('that is declined is gone with its messages, and what comes next is a new one', async () => {
    const { alice, bob, sender, inbox, hear, hearTexts, facts } = await twoSided();
    const { userId } = alice.account;
    await hearTexts(1, 2);
    const chat = sender.chat(userId);
    const first = (await chat.history()).messages[0];
    await chat.decline();
    await chat.decline();
    expect(await bob.store.get('chat', { id: chat.id })).toBeUndefined();
    expect((await chat.history()).messages).toEqual([]);
    expect(first && (await bob.store.get('message', { id: first.id }))).toBeUndefined();
    expect(await bob.store.outboxChats()).toEqual([]);
    await hear({ seq: 3, text: { body: 'again' } });
    expect(await inbox.texts(alice)).toEqual(['again']);
    expect(facts('message.received').at(-1)).toMatchObject({ request: true, late: false });
    expect(facts('chat.created', 'chat.removed').map(({ type }) => type)).toEqual([
      'chat.created',
      'chat.removed',
      'chat.created',
    ]);
  });

  it('leaves nothing of a stranger some time later but what blocks a replay, unless they come again', async () => {
    const { alice, bob, sender, inbox, hear, hearTexts } = await twoSided();
    const { userId } = alice.account;
    const device = { userId, deviceId: 1 as DeviceId };
    const requests = new Requests({ ...bob, origin: nobody });
    const known = async () => {
      const { store } = bob;
      const [session, identity] = [await store.get('session', device), await store.get('identity', { userId })];
      const stream = await store.get('stream', { chatId: chatWith(userId), ...device });
      const rest = [await store.get('user', { id: userId }), await store.get('deviceList', { userId })];
      return [session, identity, stream, ...rest].filter((one) => one !== undefined).length;
    };
    const later = async (days: number) => {
      bob.clock.advance(days * 86_400_000);
      await requests.sweep();
      return known();
    };
    await hearTexts(1, 1);
    const replay = await delivered(alice, bob, { seq: 2, text: { body: 'old' } });
    await inbox.deliver(replay);
    await sender.chat(userId).decline();
    const before = await known();
    expect(before).toBeGreaterThan(2);
    expect(await later(31)).toBe(before);
    await hear({ seq: 3, text: { body: 'again' } });
    expect(await inbox.texts(alice)).toEqual(['again']);
    expect(await later(1)).toBe(before);
    await sender.chat(userId).decline();
    expect(await later(31)).toBe(before);
    expect(await later(1)).toBe(0);
    expect(await bob.store.declined(Number.MAX_SAFE_INTEGER, 9)).toEqual([]);
    await inbox.deliver(replay);
    expect([await inbox.texts(alice), await known()]).toEqual([[], 0]);
  });

  it('does not come back by another attempt of what was in it', async () => {
    const { alice, bob, sender, inbox, hear } = await twoSided();
    const nonce = new Uint8Array(16).fill(9);
    const attempt = (number: number) =>
      delivered(alice, bob, { seq: 1, text: { body: 'hello' } }, { nonce, envelope: { attempt: number } });
    await inbox.deliver(await attempt(1));
    await sender.chat(alice.account.userId).decline();
    await inbox.deliver(await attempt(2));
    expect(await inbox.texts(alice)).toEqual([]);
    await hear({ seq: 2, text: { body: 'new' } });
    expect(await inbox.texts(alice)).toEqual(['new']);
  });

  it('that was accepted can not be declined', async () => {
    const { alice, sender, inbox, hearTexts } = await twoSided();
    await hearTexts(1, 1);
    const chat = sender.chat(alice.account.userId);
    await chat.accept();
    await expect(chat.decline()).rejects.toMatchObject({ code: 'argument-invalid' });
    expect(await inbox.texts(alice)).toEqual(['1']);
  });

  it('keeps its latest messages, and all once it is accepted', async () => {
    const { alice, bob, sender, inbox, hearTexts } = await twoSided();
    const chat = sender.chat(alice.account.userId);
    await hearTexts(1, mostOfRequest + 30);
    const texts = await inbox.texts(alice);
    expect(texts).toHaveLength(mostOfRequest);
    expect([texts[0], texts.at(-1)]).toEqual(['31', '130']);
    expect(await bob.store.get('chat', { id: chat.id })).toMatchObject({ unread: mostOfRequest });
    await chat.accept();
    await hearTexts(mostOfRequest + 31, mostOfRequest + 40);
    expect(await inbox.texts(alice)).toHaveLength(mostOfRequest + 10);
  });

  it('keeps all on a device that was not told yet whom its user accepts, for a month', async () => {
    const { alice, bob, inbox, hearTexts } = await twoSided();
    await bob.executor.run([], async (overlay) => {
      const account = await overlay.get('account', {});
      if (account) overlay.put('account', { ...account, createdAt: bob.clock.now(), hasSnapshot: false });
    });
    await hearTexts(1, mostOfRequest + 30);
    expect(await inbox.texts(alice)).toHaveLength(mostOfRequest + 30);
    bob.clock.advance(30 * 86_400_000);
    await hearTexts(mostOfRequest + 31, mostOfRequest + 31);
    expect(await inbox.texts(alice)).toHaveLength(mostOfRequest);
  });
});

/** Chats that strangers began, the second of each ten accepted; activity counts up from 1. */
async function withChats(count: number): Promise<OpenExecutor & { readonly requests: Requests }> {
  const open = await openExecutor();
  await open.executor.run([], (overlay) => {
    for (let at = 1; at <= count; at++) {
      const chat: ChatRecord = {
        id: chatIdOf(at),
        userId: userIdOf(at),
        groupId: undefined,
        accepted: at % 10 === 2,
        identityPolicy: undefined,
        nextSeq: 1,
        activity: at,
        lastMessageId: undefined,
        unread: 0,
        readUpTo: { position: 0, seq: 0 },
        mutedUntil: undefined,
        receipts: undefined,
        createdAt: 1,
        updatedAt: 1,
      };
      overlay.put('chat', chat);
    }
  });
  return { ...open, requests: new Requests({ ...open, origin: nobody }) };
}

describe('requests', () => {
  it('come in pages, latest first, without the accepted ones and those of people who are blocked', async () => {
    const { executor, requests } = await withChats(40);
    await executor.run([], (overlay) => overlay.put('user', { ...newUser(userIdOf(39), 1), blockedAt: 1 }));
    const seen: number[] = [];
    for (let below: number | undefined; ; ) {
      const { records, next } = await requests.page(below, 15);
      seen.push(...records.map(({ activity }) => activity));
      if (next === undefined) break;
      expect(records).toHaveLength(15);
      below = next;
    }
    const expected = Array.from({ length: 40 }, (_, at) => 40 - at).filter((at) => at % 10 !== 2 && at !== 39);
    expect(seen).toEqual(expected);
  });

  it('are bounded: those that were quiet longest go', async () => {
    const count = 1_115;
    const { requests, store, published } = await withChats(count);
    await requests.sweep();
    const chats = await store.chats(undefined, count);
    const left = chats.filter(({ accepted }) => !accepted);
    expect(left).toHaveLength(mostRequests);
    expect(chats).toHaveLength(mostRequests + 112);
    expect(left.at(-1)?.activity).toBeGreaterThan(chats.at(-1)?.activity ?? 0);
    const removed = published.flat().filter(({ fact }) => fact.type === 'chat.removed');
    expect(removed).toHaveLength(3);
    expect(await store.get('chat', { id: chatWith(userIdOf(1)) })).toBeUndefined();
    expect(await store.get('chat', { id: chatWith(userIdOf(2)) })).toMatchObject({ accepted: true });
  });
});

describe('groups of strangers that the user is out of again', () => {
  it('are bounded: the oldest go with all that was kept of them; those that they are in stay', async () => {
    const { executor, store, clock, published } = await openExecutor();
    const like: GroupRecord = {
      id: groupIdOf(0),
      wireId: new Uint8Array(32),
      title: 'Rowers',
      avatar: undefined,
      adminId: userIdOf(1),
      state: new Uint8Array(1),
      head: new Uint8Array(32),
      revision: 1,
      knownRevision: 1,
      standing: 'removed',
      addedBy: userIdOf(1),
      fork: undefined,
      checkpointRevision: 0,
      checkpointEpoch: 0,
      waitingFor: undefined,
      createdAt: 1,
      updatedAt: 1,
    };
    const first = groupIdOf(1);
    await executor.run([], async (overlay) => {
      for (let number = 0; number < mostGroupRequests + 3; number++) {
        const id = groupIdOf(number);
        overlay.put('group', { ...like, id, standing: number === 0 ? 'member' : 'removed' });
        await openGroupChat(overlay, id, 1);
      }
      const gone = { leftAt: 2, leftSeenAt: 1, passedUpTo: 0, goneAt: undefined };
      overlay.put('groupMember', { id: userIdOf(7), groupId: first, userId: userIdOf(1), joinedAt: 1, ...gone });
      const key = { keyEpoch: 1, keyCommitment: new Uint8Array(32), key: new Uint8Array(32), evaluated: true };
      overlay.put('groupKey', { groupId: first, ...key });
      overlay.put('groupHead', { groupId: first, revision: 1, head: new Uint8Array(32), saidBy: undefined });
    });
    await new Requests({ executor, store, clock, origin: nobody }).sweep();
    const left = (await store.groups(undefined, 500)).map(({ id }) => id);
    expect(left).toHaveLength(mostGroupRequests + 1);
    expect(left).toContain(groupIdOf(0));
    expect(left).not.toContain(first);
    expect(await store.groupMembers(first)).toEqual([]);
    expect(await store.groupKeys(first)).toEqual([]);
    expect(await store.get('groupHead', { groupId: first, revision: 1 })).toBeUndefined();
    expect(await store.groupRequests(500)).toHaveLength(mostGroupRequests + 1);
    expect(published.flat().filter(({ fact }) => fact.type === 'chat.removed')).toHaveLength(2);
  });
});
