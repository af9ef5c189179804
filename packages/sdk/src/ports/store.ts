import type { Change, RecordKeys, RecordKind, Records } from './changes.ts';
import type { ChatRecord, Place } from './chat-record.ts';
import type { CursorRecord, EventRecord } from './event-records.ts';
import type { GroupQueries } from './group-queries.ts';
import type { ChatId, MessageId, UserId } from './ids.ts';
import type { HeldRecord, HeldUsage } from './inbox-records.ts';
import type { PrekeyRecord } from './key-records.ts';
import type { MessageRecord, MessageState, ReceiptRecord } from './message-record.ts';
import type { OutboxRecord } from './outbox-record.ts';
import type { DeclinedRecord, UserRecord } from './user-record.ts';

/** Where the counters of a store stand: the highest given so far, 0 in an empty store. */
export interface StoreCounters {
  readonly position: number;
  readonly outbox: number;
  readonly changeSeq: number;
}

/** Who owns an open store, and what it found. */
export interface StoreOpening {
  /** Counts the openings; each commit is guarded by it. */
  readonly ownerEpoch: number;
  readonly counters: StoreCounters;
}

/** A page of a chat's messages: those before `before` (newest first), or after `after` (oldest first); both ends excluded. */
export type MessagePage = { readonly chatId: ChatId; readonly limit: number } & (
  | { readonly before: Place | undefined }
  | { readonly after: Place | undefined }
);

/** Reads over many records; all of them in the order of an index. */
export interface StoreQueries extends GroupQueries {
  messages(page: MessagePage): Promise<readonly MessageRecord[]>;
  /** Others' messages with state `received` up to a place, oldest first. */
  unread(chatId: ChatId, upTo: Place, limit: number): Promise<readonly MessageRecord[]>;
  /** Own messages in a state whose `expiresAt` is before `before`, oldest first. */
  expiring(state: MessageState, before: number, limit: number): Promise<readonly MessageRecord[]>;
  /** How far each recipient is with an own message, by user id. */
  receipts(messageId: MessageId): Promise<readonly ReceiptRecord[]>;
  /** The person who has this number (E.164), as far as this device knows: the one whose record changed last. */
  userByNumber(number: string): Promise<UserRecord | undefined>;
  /** People whom this user has blocked (`blockedAt` is set), those who were blocked last first, then by id. */
  blockedUsers(): Promise<readonly UserRecord[]>;
  /** Whose request was declined before `before`, those longest ago first, then by id. */
  declined(before: number, limit: number): Promise<readonly DeclinedRecord[]>;
  /** By activity, latest first; those whose activity is below `below`. */
  chats(below: number | undefined, limit: number): Promise<readonly ChatRecord[]>;
  /** The outbox of one chat by id, those after `after`. */
  outbox(chatId: ChatId, after: number, limit: number): Promise<readonly OutboxRecord[]>;
  /** What waits of a group under this message id, in whatever queue: the row for all, and copies; by id. */
  outboxOfGroup(messageId: MessageId): Promise<readonly OutboxRecord[]>;
  /** The chats that have something in the outbox. */
  outboxChats(): Promise<readonly ChatId[]>;
  /** By changeSeq, those after `after`. */
  events(after: number, limit: number): Promise<readonly EventRecord[]>;
  /** The changeSeq of the named consumer that is furthest behind, those that have expired aside. */
  slowestCursor(): Promise<number | undefined>;
  /** In the order in which they came, by `arrival`; those after `after`. */
  held(limit: number, after?: Pick<HeldRecord, 'arrival'>): Promise<readonly HeldRecord[]>;
  /** What is held of each sender, in any order. */
  heldUsage(): Promise<readonly HeldUsage[]>;
  /** What is held of one sender: what can't be mended first, then in the order in which it came (`arrival`). */
  heldOf(sender: UserId | undefined, limit: number): Promise<readonly HeldRecord[]>;
  /** The attempts of one message that are held. */
  heldAttempts(messageId: MessageId, limit: number): Promise<readonly HeldRecord[]>;
  /** What is to be asked for again, by `requestAt`, earliest first. */
  heldRequests(limit: number): Promise<readonly HeldRecord[]>;
  /** Named consumers that have not expired and were last used before `before`. */
  idleCursors(before: number, limit: number): Promise<readonly CursorRecord[]>;
  /** All own prekeys, oldest first. */
  prekeys(): Promise<readonly PrekeyRecord[]>;
}

/**
 * All that a client keeps: reads, and one way to write.
 *
 * One owner at a time. A commit is all or nothing and durable when it resolves; reads see every commit that resolved before.
 * @throws {SottoError} from every method: `store-closed`, `store-corrupt`, `store-unavailable` (retryable: disk full, read-only, input/output error)
 */
export interface Store extends StoreQueries {
  get<Kind extends RecordKind>(kind: Kind, key: RecordKeys[Kind]): Promise<Records[Kind] | undefined>;
  /**
   * Applies the changes in their order, all or none. Commits that are not waited for apply in the order of their calls.
   * @throws {SottoError} `store-fenced` when the store was opened by another owner since; `argument-invalid` when a record breaks a
   * rule (an id that is no UUID, a number that is no safe integer, a message with both receiver and group, an outbox record with neither): nothing was written
   */
  commit(changes: readonly Change[], ownerEpoch: number): Promise<void>;
  /** Lets go of everything, the lock too. Idempotent. */
  close(): Promise<void>;
}

/** Opens one store. What `betterSqlite3('alice.db')` or `memoryStore()` give. */
export interface StoreOpener {
  /**
   * Takes the lock, migrates, and raises the owner epoch.
   * @throws {SottoError} `store-locked` (another owner has it open), `store-newer` (made by a later version), `store-corrupt`, `store-unavailable`
   */
  open(): Promise<{ readonly store: Store; readonly opening: StoreOpening }>;
}
