import type { Statement } from 'better-sqlite3';
import type { DeviceAddress, DeviceId } from '../../ports/ids.ts';
import type { MailDevice } from '../../ports/mailbox.ts';
import type { RotationOutcome, Session, TokenEnd, TokenRotation, TokenStore } from '../../ports/token-store.ts';
import { endedTokenRetentionMs, replacedTokenRetentionMs } from '../retention.ts';
import { userIdFromBytes } from '../user-id-bytes.ts';
import type { DeviceRows } from './device-rows.ts';
import type { RelayDatabase } from './relay-database.ts';
import type { TokenRows } from './token-rows.ts';

interface RefreshRow {
  readonly device: number;
  readonly userId: Buffer;
  readonly deviceId: number;
  readonly successor: Buffer | null;
}

interface SessionRow {
  readonly userId: Buffer;
  readonly deviceId: number;
  readonly expiresAt: number;
}

/** Token hashes in SQLite. */
export class EmbeddedTokenStore implements TokenStore {
  readonly #database: RelayDatabase;
  readonly #devices: DeviceRows;
  readonly #rows: TokenRows;
  readonly #hasFamily: Statement<[number]>;
  readonly #grant: Statement<[Uint8Array, number, number]>;
  readonly #session: Statement<[Uint8Array, number], SessionRow>;
  readonly #refresh: Statement<[Uint8Array], RefreshRow>;
  readonly #replace: Statement<[Uint8Array, number, Uint8Array]>;
  readonly #heard: Statement<[number, Buffer]>;
  readonly #endRefresh: Statement<[number]>;
  readonly #endAccess: Statement<[number]>;
  readonly #sweepAccess: Statement<[number]>;
  readonly #sweepReplaced: Statement<[number]>;
  readonly #ended: Statement<[Uint8Array], { reason: TokenEnd }>;
  readonly #findEnded: Statement<[number]>;
  readonly #sweepEnded: Statement<[number]>;

  constructor(database: RelayDatabase, devices: DeviceRows, rows: TokenRows) {
    const { sql } = database;
    this.#database = database;
    this.#devices = devices;
    this.#rows = rows;
    this.#hasFamily = sql.prepare('SELECT 1 FROM refresh_token WHERE device = ? LIMIT 1');
    this.#grant = sql.prepare('INSERT OR REPLACE INTO access_token (hash, device, expires_at) VALUES (?, ?, ?)');
    this.#session = sql.prepare(
      `SELECT device.user_id AS userId, device.device_id AS deviceId, access_token.expires_at AS expiresAt
       FROM access_token JOIN device ON device.id = access_token.device
       WHERE access_token.hash = ? AND access_token.expires_at > ?`,
    );
    this.#refresh = sql.prepare(
      `SELECT refresh_token.device, device.user_id AS userId, device.device_id AS deviceId, refresh_token.successor
       FROM refresh_token JOIN device ON device.id = refresh_token.device WHERE refresh_token.hash = ?`,
    );
    this.#replace = sql.prepare('UPDATE refresh_token SET successor = ?, replaced_at = ? WHERE hash = ?');
    this.#heard = sql.prepare('UPDATE account SET heard_at = max(coalesce(heard_at, created_at), ?) WHERE user_id = ?');
    this.#endRefresh = sql.prepare('DELETE FROM refresh_token WHERE device = ?');
    this.#endAccess = sql.prepare('DELETE FROM access_token WHERE device = ?');
    this.#sweepAccess = sql.prepare('DELETE FROM access_token WHERE expires_at < ?');
    this.#sweepReplaced = sql.prepare('DELETE FROM refresh_token WHERE replaced_at < ?');
    this.#ended = sql.prepare('SELECT reason FROM ended_token WHERE hash = ?');
    this.#findEnded = sql.prepare('UPDATE ended_token SET found_at = ? WHERE found_at IS NULL');
    this.#sweepEnded = sql.prepare('DELETE FROM ended_token WHERE found_at < ?');
  }

  grant(device: DeviceAddress, access: Uint8Array, expiresAt: number): Promise<void> {
    return this.#database.write('token', () => {
      const id = this.#devices.find(device);
      if (id === undefined || this.#hasFamily.get(id) === undefined) return;
      this.#grant.run(access, id, expiresAt);
    });
  }

  session(access: Uint8Array, now: number): Promise<Session | undefined> {
    return this.#database.read(() => {
      const row = this.#session.get(access, now);
      return row === undefined ? undefined : { device: addressOf(row), expiresAt: row.expiresAt };
    });
  }

  rotate(rotation: TokenRotation): Promise<RotationOutcome> {
    return this.#database.write('token', () => {
      const { refresh, next, access, accessExpiresAt, now } = rotation;
      const row = this.#refresh.get(refresh);
      if (row === undefined) {
        const end = this.#ended.get(refresh);
        return end === undefined ? { status: 'unknown' } : { status: 'ended', reason: end.reason };
      }
      const device = addressOf(row);
      if (row.successor === null) {
        if (this.#rows.isKnown(next)) return { status: 'unknown' };
        this.#replace.run(next, now, refresh);
        this.#rows.begin(row.device, next);
        this.#heard.run(now, row.userId);
        this.#grant.run(access, row.device, accessExpiresAt);
        return { status: 'rotated', device };
      }
      if (!row.successor.equals(next)) {
        this.#end(row.device);
        return { status: 'reused', device };
      }
      // A pair of long ago opens nothing: an old backup holds both of its tokens.
      if (this.#refresh.get(next)?.successor !== null) return { status: 'unknown' };
      this.#grant.run(access, row.device, accessExpiresAt);
      return { status: 'repeated', device };
    });
  }

  hasSession(device: MailDevice): Promise<boolean> {
    return this.#database.read(() => {
      const id = this.#devices.find(device);
      return id !== undefined && this.#hasFamily.get(id) !== undefined;
    });
  }

  revoke(device: DeviceAddress): Promise<void> {
    return this.#database.write('token', () => {
      const id = this.#devices.find(device);
      if (id !== undefined) this.#end(id);
    });
  }

  sweep(now: number): Promise<number> {
    return this.#database.write('other', () => {
      this.#sweepReplaced.run(now - replacedTokenRetentionMs);
      this.#findEnded.run(now);
      this.#sweepEnded.run(now - endedTokenRetentionMs);
      return this.#sweepAccess.run(now).changes;
    });
  }

  #end(device: number): void {
    this.#endRefresh.run(device);
    this.#endAccess.run(device);
  }
}

function addressOf(row: { readonly userId: Buffer; readonly deviceId: number }): DeviceAddress {
  return { userId: userIdFromBytes(row.userId), deviceId: row.deviceId as DeviceId };
}
