import type { Change, RecordKeys, RecordKind, Records } from '../ports/changes.ts';
import type { Place } from '../ports/chat-record.ts';
import type { HeldRecord } from '../ports/inbox-records.ts';
import type { MessageRecord } from '../ports/message-record.ts';
import { recordKey } from '../ports/record-key.ts';
import type { Store, StoreCounters } from '../ports/store.ts';

/** A record with its kind. */
export type KeyedRecord<Kind extends RecordKind = RecordKind> = {
  [K in Kind]: { readonly kind: K; readonly record: Records[K] };
}[Kind];
type Delete<Kind extends RecordKind> = { [K in Kind]: { readonly kind: K; readonly key: RecordKeys[K] } }[Kind];
type Tables = { readonly [Kind in RecordKind]: Map<string, Records[Kind]> };

/** Every kind of record. */
export const recordKinds: readonly RecordKind[] = [
  'account',
  'registration',
  'user',
  'deviceList',
  'namedList',
  'declined',
  'identity',
  'session',
  'prekey',
  'kyberUse',
  'chat',
  'stream',
  'message',
  'receipt',
  'outbox',
  'outboxPart',
  'seen',
  'held',
  'event',
  'cursor',
  'resend',
  'repair',
  'ephemeralSecret',
  'group',
  'groupMember',
  'groupKey',
  'groupHead',
  'groupIntent',
  'senderKey',
  'ownChain',
  'senderKeyShared',
  'ownDevice',
  'listIntent',
  'certificate',
];

/** The order of records by a text of theirs. */
function by<Item>(textOf: (record: Item) => string): (a: Item, b: Item) => number {
  return (a, b) => (textOf(a) < textOf(b) ? -1 : textOf(a) > textOf(b) ? 1 : 0);
}

const byDigest = by<HeldRecord>((held) => recordKey('held', held));

function byPlace(a: MessageRecord, b: MessageRecord): number {
  return a.position - b.position || a.seq - b.seq;
}

function isBefore(a: Place, b: Place): boolean {
  return a.position < b.position || (a.position === b.position && a.seq < b.seq);
}

/** What a store has to hold after a row of commits, kept in the plainest way. */
export class StoreModel {
  readonly tables: Tables = {
    account: new Map(),
    registration: new Map(),
    user: new Map(),
    deviceList: new Map(),
    namedList: new Map(),
    declined: new Map(),
    identity: new Map(),
    session: new Map(),
    prekey: new Map(),
    kyberUse: new Map(),
    chat: new Map(),
    stream: new Map(),
    message: new Map(),
    receipt: new Map(),
    outbox: new Map(),
    outboxPart: new Map(),
    seen: new Map(),
    held: new Map(),
    event: new Map(),
    cursor: new Map(),
    resend: new Map(),
    repair: new Map(),
    ephemeralSecret: new Map(),
    group: new Map(),
    groupMember: new Map(),
    groupKey: new Map(),
    groupHead: new Map(),
    groupIntent: new Map(),
    senderKey: new Map(),
    ownChain: new Map(),
    senderKeyShared: new Map(),
    ownDevice: new Map(),
    listIntent: new Map(),
    certificate: new Map(),
  };
  counters: StoreCounters = { position: 0, outbox: 0, changeSeq: 0 };

  apply(changes: readonly Change[]): void {
    for (const change of changes) {
      this.#count(change);
      if (change.type === 'put') this.#put(change);
      else if (change.type === 'delete') this.#delete(change);
      else if (change.kind === 'seen') this.#prune('seen', ({ at }) => at < change.before);
      else if (change.kind === 'kyberUse') this.#prune('kyberUse', ({ usedAt }) => usedAt < change.before);
      else if (change.kind === 'resend') this.#prune('resend', ({ at }) => at < change.before);
      else if (change.kind === 'event') this.#prune('event', ({ changeSeq }) => changeSeq <= change.before);
      else if (change.kind === 'groupHead') {
        const { groupId, before } = change;
        this.#prune('groupHead', (head) => head.groupId === groupId && head.revision < before);
      } else if (change.kind === 'senderKeyShared') {
        const { distributionId } = change;
        this.#prune('senderKeyShared', (shared) => shared.distributionId === distributionId);
      }
    }
  }

  all<Kind extends RecordKind>(kind: Kind): Records[Kind][] {
    return [...this.tables[kind].values()];
  }

  /** Every query that a store answers, with the answer of the model beside it. */
  *queries(
    store: Store,
    limit: number,
    place: Place,
  ): Generator<{ name: string; actual: Promise<unknown>; expected: unknown }> {
    const messages = this.all('message').sort(byPlace);
    const chats = this.all('chat').sort((a, b) => b.activity - a.activity);
    const { seq: some } = place;
    for (const { id: chatId } of [...chats, { id: messages[0]?.chatId }]) {
      if (chatId === undefined) continue;
      const inChat = messages.filter((message) => message.chatId === chatId);
      const earlier = inChat.filter((message) => isBefore(message, place)).reverse();
      const later = inChat.filter((message) => isBefore(place, message));
      const upTo = inChat.filter((message) => !isBefore(place, message));
      const unread = upTo.filter(({ state }) => state === 'received').slice(0, limit);
      const outbox = this.all('outbox').filter((item) => item.chatId === chatId && item.id > some);
      yield {
        name: 'before',
        actual: store.messages({ chatId, limit, before: place }),
        expected: earlier.slice(0, limit),
      };
      yield { name: 'after', actual: store.messages({ chatId, limit, after: place }), expected: later.slice(0, limit) };
      yield {
        name: 'latest',
        actual: store.messages({ chatId, limit, before: undefined }),
        expected: inChat.toReversed().slice(0, limit),
      };
      yield {
        name: 'first',
        actual: store.messages({ chatId, limit, after: undefined }),
        expected: inChat.slice(0, limit),
      };
      yield { name: 'unread', actual: store.unread(chatId, place, limit), expected: unread };
      yield {
        name: 'outbox',
        actual: store.outbox(chatId, some, limit),
        expected: outbox.sort((a, b) => a.id - b.id).slice(0, limit),
      };
    }
    const later = chats.filter(({ activity }) => activity < place.position);
    yield { name: 'chats', actual: store.chats(undefined, limit), expected: chats.slice(0, limit) };
    yield { name: 'chats below', actual: store.chats(place.position, limit), expected: later.slice(0, limit) };
    const messageId = this.all('outbox').at(-1)?.messageId;
    if (messageId !== undefined) {
      const ofGroup = this.all('outbox').filter((item) => item.messageId === messageId && item.groupId !== undefined);
      yield {
        name: 'outboxOfGroup',
        actual: store.outboxOfGroup(messageId),
        expected: ofGroup.sort((a, b) => a.id - b.id),
      };
    }
    const outboxChats = new Set(this.all('outbox').map(({ chatId }) => chatId));
    yield {
      name: 'outboxChats',
      actual: store.outboxChats().then((ids) => [...ids].sort()),
      expected: [...outboxChats].sort(),
    };
    const events = this.all('event').filter(({ changeSeq }) => changeSeq > some);
    yield {
      name: 'events',
      actual: store.events(some, limit),
      expected: events.sort((a, b) => a.changeSeq - b.changeSeq).slice(0, limit),
    };
    const cursors = this.all('cursor').flatMap(({ changeSeq, expired }) => (expired ? [] : [changeSeq]));
    yield { name: 'slowestCursor', actual: store.slowestCursor(), expected: cursors.sort((a, b) => a - b)[0] };
    const held = this.all('held');
    for (const sender of new Set(held.map((one) => one.sender))) {
      const own = held.filter((one) => one.sender === sender);
      const bytes = own.reduce((sum, { envelope }) => sum + envelope.length, 0);
      yield {
        name: 'heldUsage',
        actual: store.heldUsage().then((all) => all.find((usage) => usage.sender === sender)),
        expected: { sender, count: own.length, bytes },
      };
      const inOrder = own.sort((a, b) => Number(a.mendable) - Number(b.mendable) || a.arrival - b.arrival);
      yield { name: 'heldOf', actual: store.heldOf(sender, limit), expected: inOrder.slice(0, limit) };
    }
    for (const messageId of new Set(held.map((one) => one.messageId))) {
      if (messageId === undefined) continue;
      const attempts = held.filter((one) => one.messageId === messageId).sort(byDigest);
      yield {
        name: 'heldAttempts',
        actual: store.heldAttempts(messageId, limit),
        expected: attempts.slice(0, limit),
      };
    }
    const due = held.filter(({ requestAt }) => requestAt !== undefined);
    due.sort((a, b) => (a.requestAt ?? 0) - (b.requestAt ?? 0) || byDigest(a, b));
    yield { name: 'heldRequests', actual: store.heldRequests(limit), expected: due.slice(0, limit) };
    const idle = this.all('cursor').filter(({ usedAt, expired }) => !expired && usedAt < some);
    idle.sort((a, b) => a.usedAt - b.usedAt || (a.name < b.name ? -1 : 1));
    yield { name: 'idleCursors', actual: store.idleCursors(some, limit), expected: idle.slice(0, limit) };
  }

  /** The queries over groups, likewise. */
  *groupQueries(
    store: Store,
    limit: number,
    place: Place,
  ): Generator<{ name: string; actual: Promise<unknown>; expected: unknown }> {
    const groups = this.all('group').sort(by(({ id }) => id));
    yield { name: 'groups', actual: store.groups(undefined, limit), expected: groups.slice(0, limit) };
    const [first] = groups;
    if (first !== undefined) {
      yield { name: 'groups after', actual: store.groups(first.id, limit), expected: groups.slice(1, 1 + limit) };
    }
    const requests = this.all('chat').filter(({ groupId, accepted }) => groupId !== undefined && !accepted);
    requests.sort((a, b) => b.activity - a.activity);
    yield { name: 'groupRequests', actual: store.groupRequests(limit), expected: requests.slice(0, limit) };
    const behind = groups.filter((group) => group.knownRevision > group.revision || group.waitingFor !== undefined);
    yield {
      name: 'groupsBehind',
      actual: store.groupsBehind().then((found) => [...found].sort(by(({ id }) => id))),
      expected: behind,
    };
    const blocked = this.all('user').filter(({ blockedAt }) => blockedAt !== undefined);
    blocked.sort((a, b) => (b.blockedAt ?? 0) - (a.blockedAt ?? 0) || by<typeof a>(({ id }) => id)(a, b));
    yield { name: 'blockedUsers', actual: store.blockedUsers(), expected: blocked };
    const declined = this.all('declined').filter(({ at }) => at < place.seq);
    declined.sort((a, b) => a.at - b.at || by<typeof a>(({ userId }) => userId)(a, b));
    yield { name: 'declined', actual: store.declined(place.seq, limit), expected: declined.slice(0, limit) };
    const intents = this.all('groupIntent').sort(by(({ groupId }) => groupId));
    yield { name: 'groupIntents', actual: store.groupIntents(), expected: intents };
    for (const shared of this.all('senderKeyShared')) {
      const { distributionId } = shared;
      const all = this.all('senderKeyShared').filter((one) => one.distributionId === distributionId);
      yield {
        name: 'senderKeyShared',
        actual: store.senderKeyShared(distributionId),
        expected: all.sort((a, b) => by<typeof a>(({ userId }) => userId)(a, b) || a.deviceId - b.deviceId),
      };
    }
    for (const { groupId, userId, deviceId } of this.all('senderKey')) {
      const all = this.all('senderKey').filter((key) => key.groupId === groupId);
      const own = all.filter((key) => key.userId === userId && key.deviceId === deviceId);
      yield {
        name: 'senderKeys',
        actual: store.senderKeys(groupId, userId, deviceId),
        expected: own.sort((a, b) => a.createdAt - b.createdAt || (a.distributionId < b.distributionId ? -1 : 1)),
      };
    }
    for (const { messageId } of this.all('receipt')) {
      const all = this.all('receipt').filter((receipt) => receipt.messageId === messageId);
      yield { name: 'receipts', actual: store.receipts(messageId), expected: all.sort(by(({ userId }) => userId)) };
    }
    for (const { userId } of this.all('groupMember')) {
      const all = this.all('groupMember').filter((member) => member.userId === userId);
      yield { name: 'groupsWith', actual: store.groupsWith(userId), expected: all.sort(by(({ groupId }) => groupId)) };
    }
    const named = [...this.all('groupMember'), ...this.all('groupKey'), ...this.all('held')];
    for (const groupId of new Set(named.map((record) => record.groupId))) {
      if (groupId === undefined) continue;
      const members = this.all('groupMember').filter((member) => member.groupId === groupId);
      yield {
        name: 'groupMembers',
        actual: store.groupMembers(groupId),
        expected: members.sort(by(({ userId }) => userId)),
      };
      const keys = this.all('groupKey').filter((key) => key.groupId === groupId);
      keys.sort((a, b) => a.keyEpoch - b.keyEpoch || by<typeof a>((key) => recordKey('groupKey', key))(a, b));
      yield { name: 'groupKeys', actual: store.groupKeys(groupId), expected: keys };
      const held = this.all('held').filter((one) => one.groupId === groupId);
      held.sort((a, b) => a.arrival - b.arrival);
      yield { name: 'heldOfGroup', actual: store.heldOfGroup(groupId, limit), expected: held.slice(0, limit) };
      const [earliest] = held.filter(({ arrival }) => arrival >= place.seq);
      if (earliest === undefined) continue;
      const at = held.indexOf(earliest) + 1;
      yield {
        name: 'heldOfGroup after',
        actual: store.heldOfGroup(groupId, limit, earliest),
        expected: held.slice(at, at + limit),
      };
    }
  }

  #put<Kind extends RecordKind>({ kind, record }: KeyedRecord<Kind>): void {
    const table: Map<string, Records[Kind]> = this.tables[kind];
    table.set(recordKey(kind, record), record);
  }

  #count(change: Change): void {
    if (change.type !== 'put') return;
    const { position, outbox, changeSeq } = this.counters;
    const { kind, record } = change;
    if (kind === 'message') this.counters = { ...this.counters, position: Math.max(position, record.position) };
    if (kind === 'chat') this.counters = { ...this.counters, position: Math.max(position, record.activity) };
    if (kind === 'held') this.counters = { ...this.counters, position: Math.max(position, record.arrival) };
    if (kind === 'outbox') this.counters = { ...this.counters, outbox: Math.max(outbox, record.id) };
    if (kind === 'event') this.counters = { ...this.counters, changeSeq: Math.max(changeSeq, record.changeSeq) };
  }

  #delete<Kind extends RecordKind>({ kind, key }: Delete<Kind>): void {
    const name = recordKey(kind, key);
    const partId = kind === 'outbox' ? this.tables.outbox.get(name)?.partId : undefined;
    this.tables[kind].delete(name);
    if (partId === undefined || this.all('outbox').some((row) => row.partId === partId)) return;
    this.tables.outboxPart.delete(recordKey('outboxPart', { id: partId }));
  }

  #prune<Kind extends RecordKind>(kind: Kind, isOld: (record: Records[Kind]) => boolean): void {
    for (const [key, record] of this.tables[kind]) if (isOld(record)) this.tables[kind].delete(key);
  }
}
