import type {
  Change,
  ChatId,
  ChatRecord,
  CursorRecord,
  DeclinedRecord,
  DeviceId,
  EventRecord,
  GroupId,
  GroupIntentRecord,
  GroupKeyRecord,
  GroupMemberRecord,
  GroupRecord,
  HeldRecord,
  HeldUsage,
  MessageId,
  MessagePage,
  MessageRecord,
  MessageState,
  OutboxRecord,
  Place,
  PrekeyRecord,
  ReceiptRecord,
  RecordKeys,
  RecordKind,
  Records,
  SenderKeyRecord,
  SenderKeySharedRecord,
  Store,
  StoreOpener,
  UserId,
  UserRecord,
} from '@sotto/sdk/ports';
import type { SqlDriver, SqlDriverOpener, SqlValue } from '../driver/sql-driver.ts';
import { changeStatements } from './changes-sql.ts';
import { id, idOrNone, idOrNoneBytes, integer } from './columns.ts';
import { migrate } from './migrate.ts';
import { migrations } from './migrations.ts';
import { guardCommit, takeOwnership } from './owner.ts';
import type { RecordTable } from './record-table.ts';
import { recordTables } from './record-tables.ts';
import { storeSql } from './store-sql.ts';
import { uuidBytes } from './uuid.ts';

class SqlStore implements Store {
  readonly #driver: SqlDriver;

  constructor(driver: SqlDriver) {
    this.#driver = driver;
  }

  async get<Kind extends RecordKind>(kind: Kind, key: RecordKeys[Kind]): Promise<Records[Kind] | undefined> {
    const table: RecordTable<Kind> = recordTables[kind];
    const { sql, params } = table.find(key);
    const [row] = await this.#driver.query(sql, params);
    return row === undefined ? undefined : table.read(row);
  }

  async commit(changes: readonly Change[], ownerEpoch: number): Promise<void> {
    await this.#driver.commit([guardCommit(changes, ownerEpoch), ...changeStatements(changes)]);
  }

  async messages(page: MessagePage): Promise<readonly MessageRecord[]> {
    const chat = uuidBytes(page.chatId);
    if ('after' in page) {
      const { position, seq } = page.after ?? { position: -Infinity, seq: 0 };
      return this.#all('message', storeSql.messagesAfter, [chat, position, seq, page.limit]);
    }
    const { position, seq } = page.before ?? { position: Infinity, seq: 0 };
    return this.#all('message', storeSql.messagesBefore, [chat, position, seq, page.limit]);
  }

  async unread(chatId: ChatId, upTo: Place, limit: number): Promise<readonly MessageRecord[]> {
    return this.#all('message', storeSql.unread, [uuidBytes(chatId), upTo.position, upTo.seq, limit]);
  }

  async expiring(state: MessageState, before: number, limit: number): Promise<readonly MessageRecord[]> {
    const isOwn = state !== 'received' && state !== 'seen';
    return isOwn ? this.#all('message', storeSql.expiring, [state, before, limit]) : [];
  }

  async receipts(messageId: MessageId): Promise<readonly ReceiptRecord[]> {
    return this.#all('receipt', storeSql.receipts, [uuidBytes(messageId)]);
  }

  async userByNumber(number: string): Promise<UserRecord | undefined> {
    const [user] = await this.#all('user', storeSql.userByNumber, [number]);
    return user;
  }

  async blockedUsers(): Promise<readonly UserRecord[]> {
    return this.#all('user', storeSql.blockedUsers, []);
  }

  async declined(before: number, limit: number): Promise<readonly DeclinedRecord[]> {
    return this.#all('declined', storeSql.declined, [before, limit]);
  }

  async chats(below: number | undefined, limit: number): Promise<readonly ChatRecord[]> {
    return this.#all('chat', storeSql.chats, [below ?? Infinity, limit]);
  }

  async outbox(chatId: ChatId, after: number, limit: number): Promise<readonly OutboxRecord[]> {
    return this.#all('outbox', storeSql.outbox, [uuidBytes(chatId), after, limit]);
  }

  async outboxOfGroup(messageId: MessageId): Promise<readonly OutboxRecord[]> {
    return this.#all('outbox', storeSql.outboxOfGroup, [uuidBytes(messageId)]);
  }

  async outboxChats(): Promise<readonly ChatId[]> {
    const rows = await this.#driver.query(storeSql.outboxChats, []);
    return rows.map((row) => id(row, 'chat_id'));
  }

  async events(after: number, limit: number): Promise<readonly EventRecord[]> {
    return this.#all('event', storeSql.events, [after, limit]);
  }

  async slowestCursor(): Promise<number | undefined> {
    const [row] = await this.#driver.query(storeSql.slowestCursor, []);
    return row === undefined ? undefined : integer(row, 'change_seq');
  }

  async held(limit: number, after?: Pick<HeldRecord, 'arrival'>): Promise<readonly HeldRecord[]> {
    return this.#all('held', storeSql.held, [after?.arrival ?? -Infinity, limit]);
  }

  async heldUsage(): Promise<readonly HeldUsage[]> {
    const rows = await this.#driver.query(storeSql.heldUsage, []);
    return rows.map((row) => ({
      sender: idOrNone<UserId>(row, 'sender'),
      count: integer(row, 'count'),
      bytes: integer(row, 'bytes'),
    }));
  }

  async heldOf(sender: UserId | undefined, limit: number): Promise<readonly HeldRecord[]> {
    return this.#all('held', storeSql.heldOf, [idOrNoneBytes(sender), limit]);
  }

  async heldAttempts(messageId: MessageId, limit: number): Promise<readonly HeldRecord[]> {
    return this.#all('held', storeSql.heldAttempts, [uuidBytes(messageId), limit]);
  }

  async heldRequests(limit: number): Promise<readonly HeldRecord[]> {
    return this.#all('held', storeSql.heldRequests, [limit]);
  }

  async idleCursors(before: number, limit: number): Promise<readonly CursorRecord[]> {
    return this.#all('cursor', storeSql.idleCursors, [before, limit]);
  }

  async prekeys(): Promise<readonly PrekeyRecord[]> {
    return this.#all('prekey', storeSql.prekeys, []);
  }

  async groups(after: GroupId | undefined, limit: number): Promise<readonly GroupRecord[]> {
    return this.#all('group', storeSql.groups, [idOrNoneBytes(after), limit]);
  }

  async groupRequests(limit: number): Promise<readonly ChatRecord[]> {
    return this.#all('chat', storeSql.groupRequests, [limit]);
  }

  async groupsBehind(): Promise<readonly GroupRecord[]> {
    return this.#all('group', storeSql.groupsBehind, []);
  }

  async groupMembers(groupId: GroupId): Promise<readonly GroupMemberRecord[]> {
    return this.#all('groupMember', storeSql.groupMembers, [uuidBytes(groupId)]);
  }

  async groupsWith(userId: UserId): Promise<readonly GroupMemberRecord[]> {
    return this.#all('groupMember', storeSql.groupsWith, [uuidBytes(userId)]);
  }

  async groupKeys(groupId: GroupId): Promise<readonly GroupKeyRecord[]> {
    return this.#all('groupKey', storeSql.groupKeys, [uuidBytes(groupId)]);
  }

  async groupIntents(): Promise<readonly GroupIntentRecord[]> {
    return this.#all('groupIntent', storeSql.groupIntents, []);
  }

  async senderKeys(groupId: GroupId, userId: UserId, deviceId: DeviceId): Promise<readonly SenderKeyRecord[]> {
    return this.#all('senderKey', storeSql.senderKeys, [uuidBytes(groupId), uuidBytes(userId), deviceId]);
  }

  async senderKeyShared(distributionId: string): Promise<readonly SenderKeySharedRecord[]> {
    return this.#all('senderKeyShared', storeSql.senderKeyShared, [uuidBytes(distributionId)]);
  }

  async heldOfGroup(
    groupId: GroupId,
    limit: number,
    after?: Pick<HeldRecord, 'arrival'>,
  ): Promise<readonly HeldRecord[]> {
    return this.#all('held', storeSql.heldOfGroup, [uuidBytes(groupId), after?.arrival ?? -Infinity, limit]);
  }

  async close(): Promise<void> {
    await this.#driver.close();
  }

  async #all<Kind extends RecordKind>(
    kind: Kind,
    sql: string,
    params: readonly SqlValue[],
  ): Promise<readonly Records[Kind][]> {
    const table: RecordTable<Kind> = recordTables[kind];
    const rows = await this.#driver.query(sql, params);
    return rows.map((row) => table.read(row));
  }
}

/** Keeps a client's history in an SQLite database, wherever the driver has it: all of SQL that a new SQLite binding needs. */
export function sqlStore(opener: SqlDriverOpener): StoreOpener {
  return {
    async open() {
      const driver = await opener.open();
      try {
        await migrate(driver, migrations);
        return { store: new SqlStore(driver), opening: await takeOwnership(driver) };
      } catch (error) {
        await driver.close();
        throw error;
      }
    },
  };
}
