import type { Clock } from '../../ports/clock.ts';
import type { DeviceId, UserId } from '../../ports/ids.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import { type DueEntry, DueList } from './due-list.ts';
import type { TokenHolder } from './token-families.ts';

/** An access token as it is kept. */
export interface AccessToken extends TokenHolder {
  readonly expiresAt: number;
}

const minuteMs = 60_000;
const some = 1000;
const atOnce = 32;

/** Access tokens by their hash. Each names the incarnation for which it was given; whether that still has a session is not known here. The engine forgets them a day after their end by itself. */
export class AccessTokens {
  readonly #database: CassandraDatabase;
  readonly #clock: Clock;
  readonly #ends: DueList;

  constructor(database: CassandraDatabase, realm: string, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
    this.#ends = new DueList(database, realm, { name: 'access-tokens', slotMs: minuteMs, shards: 16 });
  }

  async grant({ device, incarnation }: TokenHolder, access: Uint8Array, expiresAt: number): Promise<void> {
    const backstopS = Math.max(0, Math.ceil((expiresAt - this.#clock.now()) / 1000)) + 86_400;
    await this.#ends.add({ at: expiresAt, item: Buffer.from(access).toString('hex') });
    await this.#database.write(
      `INSERT INTO access_token (hash, incarnation, user_id, device_id, expires_at) VALUES (?, ?, ?, ?, ?)
       USING TTL ?`,
      [access, incarnation, device.userId, device.deviceId, expiresAt, backstopS],
    );
  }

  async find(access: Uint8Array): Promise<AccessToken | undefined> {
    const row = await this.#database.row<{
      incarnation: unknown;
      user_id: unknown;
      device_id: number;
      expires_at: Date;
    }>('SELECT incarnation, user_id, device_id, expires_at FROM access_token WHERE hash = ?', [access]);
    return (
      row && {
        device: { userId: String(row.user_id) as UserId, deviceId: row.device_id as DeviceId },
        incarnation: String(row.incarnation),
        expiresAt: row.expires_at.getTime(),
      }
    );
  }

  /** Deletes those that ended before a time; how many. */
  async sweep(now: number): Promise<number> {
    let swept = 0;
    for (;;) {
      const entries = await this.#ends.before(now, some);
      if (entries.length === 0) break;
      for (let from = 0; from < entries.length; from += atOnce) {
        await Promise.all(entries.slice(from, from + atOnce).map((entry) => this.#drop(entry)));
      }
      swept += entries.length;
    }
    await this.#ends.dropEmpty(now);
    return swept;
  }

  async #drop(entry: DueEntry): Promise<void> {
    await this.#database.write('DELETE FROM access_token WHERE hash = ?', [Buffer.from(entry.item, 'hex')]);
    await this.#ends.remove(entry);
  }
}
