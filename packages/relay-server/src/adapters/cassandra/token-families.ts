import type { DeviceAddress, DeviceId, UserId } from '../../ports/ids.ts';
import { replacedTokenRetentionMs } from '../retention.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import { unavailable } from './cassandra-failure.ts';
import { untilDone } from './until-done.ts';

/** A device that a refresh token may belong to. */
export interface TokenHolder {
  readonly device: DeviceAddress;
  readonly incarnation: string;
}

/** The family of a device's refresh tokens, seen from one of them. */
export interface TokenFamily {
  /** `undefined` when all its tokens have ended. */
  readonly current: Uint8Array | undefined;
  /** What came after the token in question, when it was replaced and is not forgotten. */
  readonly successor: Uint8Array | undefined;
}

/** Seconds after which the engine itself forgets a replaced token, should nobody sweep: a day more than it is remembered. */
const backstopS = replacedTokenRetentionMs / 1000 + 86_400;

/**
 * Refresh tokens, one partition an incarnation of a device: its static `current` is the truth of the family, and changes by one conditional write that keeps the token before beside it.
 *
 * `refresh_token` only tells where to look: a row in it that no family knows means nothing. So it is written before the family changes, and a crash between the two leaves the old state.
 */
export class TokenFamilies {
  readonly #database: CassandraDatabase;
  readonly #horizon: string;

  constructor(database: CassandraDatabase, realm: string) {
    this.#database = database;
    this.#horizon = `${realm}/replaced-tokens`;
  }

  /** Begins the family of an incarnation that nobody knows yet. */
  async begin({ device, incarnation }: TokenHolder, refresh: Uint8Array, joinKey?: Uint8Array): Promise<void> {
    await this.#point(refresh, { device, incarnation });
    const outcome = await this.#database.conditionalTogether([
      {
        cql: 'UPDATE token_family SET current = ?, is_ended = false, join_key = ? WHERE incarnation = ? IF current = null',
        values: [refresh, joinKey, incarnation],
      },
    ]);
    if (outcome.status !== 'applied') throw unavailable(outcome.status === 'unknown' ? outcome.cause : undefined);
  }

  /** Whose token it may be. */
  async holders(refresh: Uint8Array): Promise<TokenHolder[]> {
    const rows = await this.#database.rows<{ incarnation: unknown; user_id: unknown; device_id: number }>(
      'SELECT incarnation, user_id, device_id FROM refresh_token WHERE hash = ?',
      [refresh],
    );
    return rows.map(({ incarnation, user_id, device_id }) => ({
      device: { userId: String(user_id) as UserId, deviceId: device_id as DeviceId },
      incarnation: String(incarnation),
    }));
  }

  /** A family as it is, for one of its tokens if one is named. */
  async find(incarnation: string, refresh?: Uint8Array): Promise<TokenFamily | undefined> {
    const family = await this.#database.row<{ current: Buffer | null; is_ended: boolean | null }>(
      'SELECT DISTINCT incarnation, current, is_ended FROM token_family WHERE incarnation = ?',
      [incarnation],
    );
    if (family === undefined) return undefined;
    const { current, is_ended } = family;
    if (current === null || is_ended === true) return { current: undefined, successor: undefined };
    if (refresh === undefined || current.equals(refresh)) return { current, successor: undefined };
    // After the current one: a token that is so no more has its successor by then.
    const replaced = await this.#database.row<{ successor: Buffer | null; replaced_at: Date | null }>(
      'SELECT successor, replaced_at FROM token_family WHERE incarnation = ? AND hash = ?',
      [incarnation, refresh],
    );
    const { successor, replaced_at } = replaced ?? {};
    if (successor == null || replaced_at == null) return { current, successor: undefined };
    const isForgotten = replaced_at.getTime() < (await this.#sweptUntil()) - replacedTokenRetentionMs;
    return { current, successor: isForgotten ? undefined : successor };
  }

  /** Makes `next` the current token if `refresh` is; false when it is not. */
  async replace(holder: TokenHolder, refresh: Uint8Array, next: Uint8Array, now: number): Promise<boolean> {
    const { incarnation } = holder;
    await this.#point(next, holder);
    const outcome = await this.#database.conditionalTogether([
      {
        cql: 'UPDATE token_family SET current = ? WHERE incarnation = ? IF current = ? AND is_ended = false',
        values: [next, incarnation, refresh],
      },
      {
        cql: `INSERT INTO token_family (incarnation, hash, successor, replaced_at) VALUES (?, ?, ?, ?)
          USING TTL ${backstopS}`,
        values: [incarnation, refresh, next, now],
      },
    ]);
    if (outcome.status === 'refused') return false;
    if (outcome.status === 'unknown') {
      const current = await this.#currentSettled(incarnation);
      if (current?.equals(refresh)) return false;
      if (!current?.equals(next)) throw unavailable(outcome.cause);
    }
    await this.#database.write(
      `INSERT INTO refresh_token (hash, incarnation, user_id, device_id) VALUES (?, ?, ?, ?) USING TTL ${backstopS}`,
      [refresh, incarnation, holder.device.userId, holder.device.deviceId],
    );
    return true;
  }

  /** Ends all tokens of a device. */
  async end(incarnation: string): Promise<void> {
    const outcome = await this.#database.conditional(
      'UPDATE token_family SET is_ended = true WHERE incarnation = ? IF is_ended = false',
      [incarnation],
    );
    if (outcome.status === 'unknown') throw unavailable(outcome.cause);
  }

  /** Forgets what was replaced 60 days before. */
  async forgetBefore(now: number): Promise<void> {
    // The latest time wins, whoever writes last.
    await this.#database.write('INSERT INTO horizon (name, at) VALUES (?, ?) USING TIMESTAMP ?', [
      this.#horizon,
      now,
      BigInt(now) * 1000n,
    ]);
  }

  /** What is to be kept, or found, of a family that is to be dropped: its last refresh token, if it had not ended, and the request by which the device joined. */
  async last(incarnation: string): Promise<{ current: Uint8Array | undefined; joinKey: Uint8Array | undefined }> {
    const row = await this.#database.row<{
      current: Buffer | null;
      is_ended: boolean | null;
      join_key: Buffer | null;
    }>(
      'SELECT DISTINCT incarnation, current, is_ended, join_key FROM token_family WHERE incarnation = ?',
      [incarnation],
      'serial',
    );
    return {
      current: row?.is_ended === true ? undefined : (row?.current ?? undefined),
      joinKey: row?.join_key ?? undefined,
    };
  }

  /** Deletes a family, after what is to be kept of it was written elsewhere. */
  drop(incarnation: string): Promise<void> {
    return untilDone(async () => {
      const rows = await this.#database.rows<{ hash: Buffer | null; current: Buffer | null; is_ended: boolean | null }>(
        'SELECT hash, current, is_ended FROM token_family WHERE incarnation = ?',
        [incarnation],
        'serial',
      );
      const [family] = rows;
      if (family === undefined || (family.current === null && family.is_ended === null)) return undefined;
      const hashes = rows.flatMap(({ hash }) => hash ?? []);
      for (const hash of family.current === null ? hashes : [family.current, ...hashes]) {
        await this.#database.write('DELETE FROM refresh_token WHERE hash = ? AND incarnation = ?', [hash, incarnation]);
      }
      const outcome = await this.#database.conditionalTogether([
        {
          cql: `UPDATE token_family SET current = null, is_ended = null, join_key = null WHERE incarnation = ?
            IF current = ?`,
          values: [incarnation, family.current],
        },
        ...hashes.map((hash) => ({
          cql: 'DELETE FROM token_family WHERE incarnation = ? AND hash = ?',
          values: [incarnation, hash],
        })),
      ]);
      if (outcome.status === 'unknown') throw unavailable(outcome.cause);
      return outcome.status === 'applied' ? undefined : 'outrun';
    });
  }

  async #point(hash: Uint8Array, { device, incarnation }: TokenHolder): Promise<void> {
    await this.#database.write(
      'INSERT INTO refresh_token (hash, incarnation, user_id, device_id) VALUES (?, ?, ?, ?)',
      [hash, incarnation, device.userId, device.deviceId],
    );
  }

  async #currentSettled(incarnation: string): Promise<Buffer | undefined> {
    const row = await this.#database.row<{ current: Buffer | null }>(
      'SELECT DISTINCT incarnation, current FROM token_family WHERE incarnation = ?',
      [incarnation],
      'serial',
    );
    return row?.current ?? undefined;
  }

  async #sweptUntil(): Promise<number> {
    const row = await this.#database.row<{ at: Date | null }>('SELECT at FROM horizon WHERE name = ?', [this.#horizon]);
    return row?.at?.getTime() ?? 0;
  }
}
