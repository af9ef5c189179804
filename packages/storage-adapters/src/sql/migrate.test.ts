import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeviceId, MessageId, OutboxRecord, UserId } from '@sotto/sdk/ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { betterSqlite3 } from '../better-sqlite3/better-sqlite3.ts';
import { betterSqlite3Driver } from '../better-sqlite3/better-sqlite3-driver.ts';
import type { SqlDriver, SqlStatement } from '../driver/sql-driver.ts';
import { migrate } from './migrate.ts';
import { migrations } from './migrations.ts';

/** The first version that has this table. */
const versionOf = (table: RegExp) =>
  1 + migrations.findIndex(({ statements }) => statements.some((sql) => table.test(sql)));
const historyFrom = versionOf(/CREATE TABLE outbox\b/);
const groupsFrom = versionOf(/CREATE TABLE user_group\b/);
const membersFrom = versionOf(/CREATE TABLE member\b/);
const resendsFrom = versionOf(/CREATE TABLE resend\b/);
const intentsFrom = versionOf(/CREATE TABLE group_intent\b/);
const noId = <Id extends string>() => '00000000-0000-0000-0000-000000000000' as Id;
const deviceId = 1 as DeviceId;
const secret = Uint8Array.of(9, 9);
const zeros = new Uint8Array(16);

/** Rows of tables that later steps make anew, in columns that they always had. */
const sampleRows: readonly SqlStatement[] = [
  {
    sql: `INSERT INTO account (slot, user_id, device_id, number, username, registration_id, identity_key_pair, device_private_key,
      root_secret, device_list, profile_key, refresh_token, access_token, access_expires_at, created_at, ended)
      VALUES (0, ?, 1, '', 'Ann', 7, ?, ?, ?, ?, ?, ?, '', 1, 1, 0)`,
    params: [zeros, ...Array.from({ length: 6 }, () => secret)],
  },
  ...[1, 2].map((id) => ({
    sql: `INSERT INTO outbox (id, chat_id, recipient, message_id, visible, content, created_at, attempt, send_id, send, sealed_at)
      VALUES (?, ?, ?, ?, 1, ?, 3, ?, ?, ?, ?)`,
    params: [id, zeros, zeros, zeros, secret, id - 1, ...(id === 2 ? [secret, secret, 5] : [null, null, null])],
  })),
];

const sampleGroup = (version: number): readonly SqlStatement[] => [
  {
    sql: `INSERT INTO "group" (id, title, admin_id, created_at, updated_at) VALUES (?, 'Old', ?, 1, 1)`,
    params: [zeros, zeros],
  },
  version < membersFrom
    ? { sql: 'INSERT INTO user_group (id, user_id, group_id) VALUES (?, ?, ?)', params: [zeros, zeros, zeros] }
    : {
        sql: 'INSERT INTO user_group (id, user_id, group_id, joined_at) VALUES (?, ?, ?, 1)',
        params: [zeros, zeros, zeros],
      },
];

const keptRow = (id: number, sealed: OutboxRecord['sealed']): OutboxRecord => ({
  id,
  chatId: noId(),
  recipient: noId(),
  groupId: undefined,
  messageId: noId(),
  kind: 'content',
  visible: true,
  content: secret,
  partId: undefined,
  createdAt: 3,
  attempt: id - 1,
  sealed,
});

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sotto-migrate-'));
  path = join(folder, 'client.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function withDriver<Result>(body: (driver: SqlDriver) => Promise<Result>): Promise<Result> {
  const driver = await betterSqlite3Driver(path).open();
  try {
    return await body(driver);
  } finally {
    await driver.close();
  }
}

const schemaOf = (driver: SqlDriver) =>
  driver.query("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name", []);

describe('migrate', () => {
  it('numbers its steps from 1 without a hole', () => {
    expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_, index) => index + 1));
  });

  it.each(migrations.map(({ version }) => version - 1))(
    'comes from version %i to the schema of a new store, and keeps what was stored',
    async (from) => {
      await withDriver(async (driver) => {
        if (from > 0) await migrate(driver, migrations.slice(0, from));
        if (from > 0)
          await driver.commit([{ sql: 'UPDATE owner SET epoch = 41, position = 7', params: [], expectRows: 1 }]);
        if (from > 1) {
          await driver.commit([{ sql: 'INSERT INTO cursor (name, change_seq) VALUES (?, ?)', params: ['ui', 3] }]);
        }
        if (from >= historyFrom) await driver.commit(sampleRows);
        if (from >= groupsFrom) await driver.commit(sampleGroup(from));
        if (from >= resendsFrom) {
          const sql = 'INSERT INTO resend (message_id, user_id, device_id, count, at) VALUES (?, ?, 1, 2, 3)';
          await driver.commit([{ sql, params: [new Uint8Array(16), new Uint8Array(16)] }]);
        }
        if (from >= intentsFrom) {
          const sql = `INSERT INTO group_intent (group_id, revision, key_epoch, created_at, welcomed, added, removed, operations, record)
            VALUES (?, 2, 1, 3, ?, ?, ?, ?, ?)`;
          const none = new Uint8Array();
          await driver.commit([{ sql, params: [zeros, none, none, none, none, secret] }]);
        }
      });
      const { store, opening } = await betterSqlite3(path).open();
      expect(opening.ownerEpoch).toBe(from > 0 ? 42 : 1);
      expect(opening.counters.position).toBe(from > 0 ? 7 : 0);
      expect(await store.slowestCursor()).toBe(from > 1 ? 3 : undefined);
      const resend = await store.get('resend', { messageId: noId<MessageId>(), userId: noId<UserId>(), deviceId });
      expect(resend?.replaces).toEqual(from >= resendsFrom ? [] : undefined);
      expect((await store.get('account', {}))?.rootSecret).toEqual(from >= historyFrom ? secret : undefined);
      expect(await store.outbox(noId(), 0, 9)).toEqual(
        from >= historyFrom ? [keptRow(1, undefined), keptRow(2, { sendId: secret, send: secret, sealedAt: 5 })] : [],
      );
      const members = (await store.groupMembers(noId())).map(({ userId, joinedAt }) => ({ userId, joinedAt }));
      expect(members).toEqual(from >= groupsFrom ? [{ userId: noId<UserId>(), joinedAt: 1 }] : []);
      expect((await store.groups(undefined, 9)).map(({ title }) => title)).toEqual(from >= groupsFrom ? ['Old'] : []);
      const intent = await store.get('groupIntent', { groupId: noId() });
      expect(intent?.keyRows).toEqual(from >= intentsFrom ? [] : undefined);
      await store.close();
      const schema = await withDriver(schemaOf);

      rmSync(path);
      await (await betterSqlite3(path).open()).store.close();
      expect(schema).toEqual(await withDriver(schemaOf));
    },
  );

  it('is done whole or not at all', async () => {
    const broken = {
      version: migrations.length + 1,
      statements: ['CREATE TABLE late (id INTEGER)', 'CREATE TABLE late (id INTEGER)'],
    };
    const before = await withDriver(async (driver) => {
      await migrate(driver, migrations);
      return schemaOf(driver);
    });
    await withDriver(async (driver) => {
      await expect(migrate(driver, [...migrations, broken])).rejects.toMatchObject({ name: 'SottoError' });
      expect(await schemaOf(driver)).toEqual(before);
      await migrate(driver, migrations);
    });
  });

  it('holds the rules of the study by itself', async () => {
    await withDriver(async (driver) => {
      await migrate(driver, migrations);
      const id = new Uint8Array(16);
      const refused: readonly (readonly [string, readonly (string | number | Uint8Array | null)[]])[] = [
        [
          'INSERT INTO "group" (id, title, admin_id, created_at, updated_at) VALUES (?, ?, ?, 1, 1)',
          [id, 'x'.repeat(26), id],
        ],
        [
          'INSERT INTO user (id, username, number, created_at, updated_at, returns_receipts) VALUES (?, ?, ?, 1, 1, 0)',
          [id, 'x'.repeat(51), ''],
        ],
        [
          'INSERT INTO user (id, username, number, created_at, updated_at, returns_receipts) VALUES (?, NULL, ?, 1, 1, 0)',
          [id, ''],
        ],
        [
          'INSERT INTO call_history (id, caller_id, receiver_id, type, duration, created_at) VALUES (?, ?, ?, ?, 1, 1)',
          [id, id, id, 'fax'],
        ],
        [
          'INSERT INTO call_history (id, caller_id, receiver_id, type, duration, created_at) VALUES (?, ?, ?, ?, 0, 1)',
          [id, id, id, 'audio'],
        ],
        [
          'INSERT INTO photo_metadata (id, url, title, format, size, width, height) VALUES (?, ?, ?, ?, 1, 0, 1)',
          [id, 'u', 't', 'png'],
        ],
        [
          'INSERT INTO video_metadata (id, url, title, format, size, duration) VALUES (?, ?, ?, ?, 0, 1)',
          [id, 'u', 't', 'mp4'],
        ],
        ['INSERT INTO voice_message_metadata (id, url, size, duration) VALUES (?, NULL, 1, 1)', [id]],
        ['INSERT INTO message_file (id, message_id, file_id) VALUES (?, ?, ?)', [id, id, id]],
        ['INSERT INTO user_group (id, user_id, group_id) VALUES (?, ?, ?)', [new Uint8Array(15), id, id]],
      ];
      for (const [sql, params] of refused) {
        await expect(driver.commit([{ sql, params }]), sql).rejects.toMatchObject({ code: 'argument-invalid' });
      }
      await driver.commit([
        {
          sql: 'INSERT INTO "group" (id, title, admin_id, created_at, updated_at) VALUES (?, ?, ?, 1, 1)',
          params: [id, '👩‍👩'.repeat(8), id],
        },
      ]);
    });
  });
});
