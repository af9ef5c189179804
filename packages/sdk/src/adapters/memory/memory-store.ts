import type { Change, Pruning, RecordKeys, RecordKind, Records } from '../../ports/changes.ts';
import type { ChatRecord, Place } from '../../ports/chat-record.ts';
import type { CursorRecord, EventRecord } from '../../ports/event-records.ts';
import type {
  GroupIntentRecord,
  GroupKeyRecord,
  GroupMemberRecord,
  GroupRecord,
  SenderKeyRecord,
  SenderKeySharedRecord,
} from '../../ports/group-records.ts';
import type { ChatId, DeviceId, GroupId, MessageId, UserId } from '../../ports/ids.ts';
import type { HeldRecord, HeldUsage } from '../../ports/inbox-records.ts';
import type { PrekeyRecord } from '../../ports/key-records.ts';
import type { MessageRecord, MessageState, ReceiptRecord } from '../../ports/message-record.ts';
import type { OutboxRecord } from '../../ports/outbox-record.ts';
import { recordKey } from '../../ports/record-key.ts';
import type { MessagePage, Store, StoreOpener } from '../../ports/store.ts';
import type { DeclinedRecord, UserRecord } from '../../ports/user-record.ts';
import { SottoError } from '../../sotto-error.ts';
import { MemoryDisk } from './memory-disk.ts';
import { copyRecord } from './record-copy.ts';
import { checkKey, checkRecord } from './record-rules.ts';

type Put<Kind extends RecordKind> = { [K in Kind]: { readonly kind: K; readonly record: Records[K] } }[Kind];
type Delete<Kind extends RecordKind> = { [K in Kind]: { readonly kind: K; readonly key: RecordKeys[K] } }[Kind];

const ownStates: ReadonlySet<MessageState> = new Set(['queued', 'sent', 'expired', 'delivered', 'read', 'failed']);

/** The order of two texts by their code units. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function comparePlaces(a: Place, b: Place): number {
  return a.position - b.position || a.seq - b.seq;
}

function compareMessages(a: MessageRecord, b: MessageRecord): number {
  return comparePlaces(a, b) || compare(a.id, b.id);
}

type HeldPlace = Pick<HeldRecord, 'arrival'>;

function compareHeld(a: HeldPlace, b: HeldPlace): number {
  return a.arrival - b.arrival;
}

function removeWhere<Item>(table: Map<string, Item>, isGone: (record: Item) => boolean): void {
  for (const [key, record] of table) if (isGone(record)) table.delete(key);
}

/** The `Store` as plain maps: what every other one has to agree with. */
class MemoryStore implements Store {
  readonly #disk: MemoryDisk;
  #closed = false;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  async get<Kind extends RecordKind>(kind: Kind, key: RecordKeys[Kind]): Promise<Records[Kind] | undefined> {
    this.#assertOpen();
    checkKey(kind, key);
    return copyRecord(this.#disk.tables[kind].get(recordKey(kind, key)));
  }

  async commit(changes: readonly Change[], ownerEpoch: number): Promise<void> {
    this.#assertOpen();
    if (ownerEpoch !== this.#disk.ownerEpoch) {
      throw new SottoError('store-fenced', 'Another owner has opened this store. Nothing was written; close this one.');
    }
    // What is checked first can't fail half-way.
    for (const change of changes) {
      if (change.type === 'put') checkRecord(change.kind, change.record);
      if (change.type === 'delete') checkKey(change.kind, change.key);
    }
    if (this.#disk.full) {
      throw new SottoError('store-unavailable', 'The disk is full. Nothing was written; make room and try again.', {
        retryable: true,
      });
    }
    for (const change of changes) {
      if (change.type === 'put') this.#put(change);
      else if (change.type === 'delete') this.#delete(change);
      else this.#prune(change);
      this.#count(change);
    }
  }

  async messages(page: MessagePage): Promise<readonly MessageRecord[]> {
    const inChat = this.#all('message').filter((message) => message.chatId === page.chatId);
    if ('after' in page) {
      const { after } = page;
      const later = inChat.filter((message) => after === undefined || comparePlaces(message, after) > 0);
      return later.sort(compareMessages).slice(0, page.limit).map(copyRecord);
    }
    const { before } = page;
    const earlier = inChat.filter((message) => before === undefined || comparePlaces(message, before) < 0);
    return earlier
      .sort((a, b) => compareMessages(b, a))
      .slice(0, page.limit)
      .map(copyRecord);
  }

  async unread(chatId: ChatId, upTo: Place, limit: number): Promise<readonly MessageRecord[]> {
    return this.#all('message')
      .filter((one) => one.chatId === chatId && one.state === 'received' && comparePlaces(one, upTo) <= 0)
      .sort(compareMessages)
      .slice(0, limit)
      .map(copyRecord);
  }

  async expiring(state: MessageState, before: number, limit: number): Promise<readonly MessageRecord[]> {
    return this.#all('message')
      .flatMap((message) => (message.expiresAt === undefined ? [] : [{ message, expiresAt: message.expiresAt }]))
      .filter(({ message, expiresAt }) => message.state === state && ownStates.has(state) && expiresAt < before)
      .sort((a, b) => a.expiresAt - b.expiresAt || compare(a.message.id, b.message.id))
      .slice(0, limit)
      .map(({ message }) => copyRecord(message));
  }

  async receipts(messageId: MessageId): Promise<readonly ReceiptRecord[]> {
    return this.#all('receipt')
      .filter((receipt) => receipt.messageId === messageId)
      .sort((a, b) => compare(a.userId, b.userId))
      .map(copyRecord);
  }

  async userByNumber(number: string): Promise<UserRecord | undefined> {
    const [latest] = this.#all('user')
      .filter((user) => user.number === number && number !== '')
      .sort((a, b) => b.updatedAt - a.updatedAt || compare(b.id, a.id));
    return copyRecord(latest);
  }

  async blockedUsers(): Promise<readonly UserRecord[]> {
    return this.#all('user')
      .flatMap((user) => (user.blockedAt === undefined ? [] : [{ user, blockedAt: user.blockedAt }]))
      .sort((a, b) => b.blockedAt - a.blockedAt || compare(a.user.id, b.user.id))
      .map(({ user }) => copyRecord(user));
  }

  async declined(before: number, limit: number): Promise<readonly DeclinedRecord[]> {
    return this.#all('declined')
      .filter(({ at }) => at < before)
      .sort((a, b) => a.at - b.at || compare(a.userId, b.userId))
      .slice(0, limit)
      .map(copyRecord);
  }

  async chats(below: number | undefined, limit: number): Promise<readonly ChatRecord[]> {
    return this.#all('chat')
      .filter((chat) => below === undefined || chat.activity < below)
      .sort((a, b) => b.activity - a.activity || compare(b.id, a.id))
      .slice(0, limit)
      .map(copyRecord);
  }

  async outbox(chatId: ChatId, after: number, limit: number): Promise<readonly OutboxRecord[]> {
    return this.#all('outbox')
      .filter((item) => item.chatId === chatId && item.id > after)
      .sort((a, b) => a.id - b.id)
      .slice(0, limit)
      .map(copyRecord);
  }

  async outboxOfGroup(messageId: MessageId): Promise<readonly OutboxRecord[]> {
    const rows = this.#all('outbox').filter((item) => item.messageId === messageId && item.groupId !== undefined);
    return rows.sort((a, b) => a.id - b.id).map(copyRecord);
  }

  async outboxChats(): Promise<readonly ChatId[]> {
    return [...new Set(this.#all('outbox').map((item) => item.chatId))].sort(compare);
  }

  async events(after: number, limit: number): Promise<readonly EventRecord[]> {
    return this.#all('event')
      .filter((event) => event.changeSeq > after)
      .sort((a, b) => a.changeSeq - b.changeSeq)
      .slice(0, limit)
      .map(copyRecord);
  }

  async slowestCursor(): Promise<number | undefined> {
    const places = this.#all('cursor').flatMap((cursor) => (cursor.expired ? [] : [cursor.changeSeq]));
    return places.length === 0 ? undefined : Math.min(...places);
  }

  async held(limit: number, after?: HeldPlace): Promise<readonly HeldRecord[]> {
    return this.#all('held')
      .filter((held) => after === undefined || compareHeld(held, after) > 0)
      .sort(compareHeld)
      .slice(0, limit)
      .map(copyRecord);
  }

  async heldUsage(): Promise<readonly HeldUsage[]> {
    const usage = new Map<UserId | undefined, HeldUsage>();
    for (const { sender, envelope } of this.#all('held')) {
      const known = usage.get(sender);
      usage.set(sender, {
        sender,
        count: (known?.count ?? 0) + 1,
        bytes: (known?.bytes ?? 0) + envelope.length,
      });
    }
    return [...usage.values()];
  }

  async heldOf(sender: UserId | undefined, limit: number): Promise<readonly HeldRecord[]> {
    return this.#all('held')
      .filter((held) => held.sender === sender)
      .sort((a, b) => Number(a.mendable) - Number(b.mendable) || compareHeld(a, b))
      .slice(0, limit)
      .map(copyRecord);
  }

  async heldAttempts(messageId: MessageId, limit: number): Promise<readonly HeldRecord[]> {
    return this.#all('held')
      .filter((held) => held.messageId === messageId)
      .sort((a, b) => compare(recordKey('held', a), recordKey('held', b)))
      .slice(0, limit)
      .map(copyRecord);
  }

  async heldRequests(limit: number): Promise<readonly HeldRecord[]> {
    return this.#all('held')
      .flatMap((held) => (held.requestAt === undefined ? [] : [{ held, requestAt: held.requestAt }]))
      .sort((a, b) => a.requestAt - b.requestAt || compare(recordKey('held', a.held), recordKey('held', b.held)))
      .slice(0, limit)
      .map(({ held }) => copyRecord(held));
  }

  async idleCursors(before: number, limit: number): Promise<readonly CursorRecord[]> {
    return this.#all('cursor')
      .filter((cursor) => !cursor.expired && cursor.usedAt < before)
      .sort((a, b) => a.usedAt - b.usedAt || compare(a.name, b.name))
      .slice(0, limit)
      .map(copyRecord);
  }

  async prekeys(): Promise<readonly PrekeyRecord[]> {
    return this.#all('prekey')
      .sort((a, b) => a.createdAt - b.createdAt || compare(a.kind, b.kind) || a.id - b.id)
      .map(copyRecord);
  }

  async groups(after: GroupId | undefined, limit: number): Promise<readonly GroupRecord[]> {
    return this.#all('group')
      .filter((group) => after === undefined || group.id > after)
      .sort((a, b) => compare(a.id, b.id))
      .slice(0, limit)
      .map(copyRecord);
  }

  async groupRequests(limit: number): Promise<readonly ChatRecord[]> {
    return this.#all('chat')
      .filter((chat) => chat.groupId !== undefined && !chat.accepted)
      .sort((a, b) => b.activity - a.activity || compare(b.id, a.id))
      .slice(0, limit)
      .map(copyRecord);
  }

  async groupsBehind(): Promise<readonly GroupRecord[]> {
    return this.#all('group')
      .filter((group) => group.knownRevision > group.revision || group.waitingFor !== undefined)
      .map(copyRecord);
  }

  async groupMembers(groupId: GroupId): Promise<readonly GroupMemberRecord[]> {
    return this.#all('groupMember')
      .filter((member) => member.groupId === groupId)
      .sort((a, b) => compare(a.userId, b.userId))
      .map(copyRecord);
  }

  async groupsWith(userId: UserId): Promise<readonly GroupMemberRecord[]> {
    return this.#all('groupMember')
      .filter((member) => member.userId === userId)
      .sort((a, b) => compare(a.groupId, b.groupId))
      .map(copyRecord);
  }

  async groupKeys(groupId: GroupId): Promise<readonly GroupKeyRecord[]> {
    return this.#all('groupKey')
      .filter((key) => key.groupId === groupId)
      .sort((a, b) => a.keyEpoch - b.keyEpoch || compare(recordKey('groupKey', a), recordKey('groupKey', b)))
      .map(copyRecord);
  }

  async groupIntents(): Promise<readonly GroupIntentRecord[]> {
    return this.#all('groupIntent')
      .sort((a, b) => compare(a.groupId, b.groupId))
      .map(copyRecord);
  }

  async senderKeys(groupId: GroupId, userId: UserId, deviceId: DeviceId): Promise<readonly SenderKeyRecord[]> {
    return this.#all('senderKey')
      .filter((key) => key.groupId === groupId && key.userId === userId && key.deviceId === deviceId)
      .sort((a, b) => a.createdAt - b.createdAt || compare(a.distributionId, b.distributionId))
      .map(copyRecord);
  }

  async senderKeyShared(distributionId: string): Promise<readonly SenderKeySharedRecord[]> {
    return this.#all('senderKeyShared')
      .filter((shared) => shared.distributionId === distributionId)
      .sort((a, b) => compare(a.userId, b.userId) || a.deviceId - b.deviceId)
      .map(copyRecord);
  }

  async heldOfGroup(groupId: GroupId, limit: number, after?: HeldPlace): Promise<readonly HeldRecord[]> {
    return this.#all('held')
      .filter((held) => held.groupId === groupId && (after === undefined || compareHeld(held, after) > 0))
      .sort(compareHeld)
      .slice(0, limit)
      .map(copyRecord);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#disk.unlock(this);
  }

  #put<Kind extends RecordKind>({ kind, record }: Put<Kind>): void {
    const table: Map<string, Records[Kind]> = this.#disk.tables[kind];
    table.set(recordKey(kind, record), copyRecord(record));
  }

  #delete<Kind extends RecordKind>({ kind, key }: Delete<Kind>): void {
    const { tables } = this.#disk;
    const table: Map<string, Records[Kind]> = tables[kind];
    const name = recordKey(kind, key);
    const partId = kind === 'outbox' ? tables.outbox.get(name)?.partId : undefined;
    table.delete(name);
    if (partId === undefined) return;
    for (const row of tables.outbox.values()) if (row.partId === partId) return;
    tables.outboxPart.delete(recordKey('outboxPart', { id: partId }));
  }

  #prune(old: Pruning): void {
    const { seen, kyberUse, event, resend, groupHead, senderKeyShared } = this.#disk.tables;
    if (old.kind === 'seen') removeWhere(seen, ({ at }) => at < old.before);
    if (old.kind === 'kyberUse') removeWhere(kyberUse, ({ usedAt }) => usedAt < old.before);
    if (old.kind === 'resend') removeWhere(resend, ({ at }) => at < old.before);
    if (old.kind === 'event') removeWhere(event, ({ changeSeq }) => changeSeq <= old.before);
    if (old.kind === 'groupHead') {
      removeWhere(groupHead, ({ groupId, revision }) => groupId === old.groupId && revision < old.before);
    }
    if (old.kind === 'senderKeyShared') {
      removeWhere(senderKeyShared, ({ distributionId }) => distributionId === old.distributionId);
    }
  }

  /** The counters outlive the records that raised them: a number is never given twice. */
  #count(change: Change): void {
    if (change.type !== 'put') return;
    let { position, outbox, changeSeq } = this.#disk.counters;
    if (change.kind === 'message') position = Math.max(position, change.record.position);
    if (change.kind === 'chat') position = Math.max(position, change.record.activity);
    if (change.kind === 'held') position = Math.max(position, change.record.arrival);
    if (change.kind === 'outbox') outbox = Math.max(outbox, change.record.id);
    if (change.kind === 'event') changeSeq = Math.max(changeSeq, change.record.changeSeq);
    this.#disk.counters = { position, outbox, changeSeq };
  }

  #all<Kind extends RecordKind>(kind: Kind): Records[Kind][] {
    this.#assertOpen();
    return [...this.#disk.tables[kind].values()];
  }

  #assertOpen(): void {
    if (this.#closed) throw new SottoError('store-closed', 'This store was closed. Open it again before using it.');
  }
}

/**
 * A store in memory, for tests and for throwing away.
 *
 * What it holds lives as long as the opener (or the disk given to it), so that a client can be stopped and opened again.
 * @param disk share one to open the same data by another opener
 */
export function memoryStore(disk: MemoryDisk = new MemoryDisk()): StoreOpener {
  return {
    async open() {
      const store = new MemoryStore(disk);
      if (!disk.lock(store)) {
        throw new SottoError(
          'store-locked',
          'This store is open already. Close the other owner first, or use that one.',
          {
            retryable: true,
          },
        );
      }
      disk.ownerEpoch += 1;
      return { store, opening: { ownerEpoch: disk.ownerEpoch, counters: disk.counters } };
    },
  };
}
