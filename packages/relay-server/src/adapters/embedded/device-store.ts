import type { Statement } from 'better-sqlite3';
import { dayMs, dayOf } from '../../platform/utc-day.ts';
import type { DeviceSighting, DeviceStore, JoinedDevice, JoinOutcome, NewDevice } from '../../ports/device-store.ts';
import type { DeviceAddress, DeviceId, UserId } from '../../ports/ids.ts';
import { userIdFromBytes, userIdToBytes } from '../user-id-bytes.ts';
import type { DeviceRows } from './device-rows.ts';
import type { ListRows } from './list-rows.ts';
import type { PrekeyRows } from './prekey-rows.ts';
import type { RelayDatabase } from './relay-database.ts';
import type { TokenRows } from './token-rows.ts';

interface JoinRow {
  readonly userId: Buffer;
  readonly deviceId: number;
  readonly requestHash: Buffer;
}

interface AddressRow {
  readonly userId: Buffer;
  readonly deviceId: number;
}

/** The rows that a device's store works on. */
export interface DeviceStoreRows {
  readonly devices: DeviceRows;
  readonly lists: ListRows;
  readonly prekeys: PrekeyRows;
  readonly tokens: TokenRows;
}

/** Devices of accounts in SQLite. */
export class EmbeddedDeviceStore implements DeviceStore {
  readonly #database: RelayDatabase;
  readonly #rows: DeviceStoreRows;
  readonly #joined: Statement<[Uint8Array], JoinRow>;
  readonly #join: Statement<[Uint8Array, Uint8Array, number]>;
  readonly #seenFirst: Statement<[number, Buffer]>;
  readonly #see: Statement<[number, number, number]>;
  readonly #wasIdle: Statement<[number]>;
  readonly #sightings: Statement<[Buffer], { deviceId: number; day: number | null }>;
  readonly #markIdle: Statement<[number], AddressRow>;

  constructor(database: RelayDatabase, rows: DeviceStoreRows) {
    const { sql } = database;
    this.#database = database;
    this.#rows = rows;
    this.#joined = sql.prepare(
      `SELECT device.user_id AS userId, device.device_id AS deviceId, device_join.request_hash AS requestHash
       FROM device_join JOIN device ON device.id = device_join.device WHERE device_join.idempotency_key = ?`,
    );
    this.#join = sql.prepare('INSERT INTO device_join (idempotency_key, request_hash, device) VALUES (?, ?, ?)');
    this.#seenFirst = sql.prepare(
      'UPDATE device SET seen_day = max(coalesce(seen_day, 0), ?) WHERE user_id = ? AND registration_id IS NOT NULL',
    );
    this.#see = sql.prepare(
      `UPDATE device SET seen_day = max(coalesce(seen_day, 0), ?), is_idle = 0
       WHERE id = ? AND (seen_day IS NULL OR seen_day < ? OR is_idle = 1) AND EXISTS (
         SELECT 1 FROM device AS other
         WHERE other.user_id = device.user_id AND other.id <> device.id AND other.registration_id IS NOT NULL)`,
    );
    this.#wasIdle = sql.prepare('SELECT 1 FROM device WHERE id = ? AND is_idle = 1');
    this.#sightings = sql.prepare(
      `SELECT device_id AS deviceId, seen_day AS day FROM device
       WHERE user_id = ? AND registration_id IS NOT NULL ORDER BY device_id`,
    );
    this.#markIdle = sql.prepare(
      `UPDATE device SET is_idle = 1
       WHERE seen_day < ? AND is_idle = 0 AND registration_id IS NOT NULL AND EXISTS (
         SELECT 1 FROM device AS other
         WHERE other.user_id = device.user_id AND other.device_id < device.device_id
           AND other.registration_id IS NOT NULL)
       RETURNING user_id AS userId, device_id AS deviceId`,
    );
  }

  joined(idempotencyKey: Uint8Array): Promise<JoinedDevice | undefined> {
    return this.#database.read(() => {
      const row = this.#joined.get(idempotencyKey);
      return row === undefined ? undefined : { device: addressOf(row), requestHash: row.requestHash };
    });
  }

  join(joining: NewDevice): Promise<JoinOutcome> {
    return this.#database.write('registration', (): JoinOutcome => {
      const { devices, lists, prekeys, tokens } = this.#rows;
      const { idempotencyKey, requestHash, device, deviceList, now } = joining;
      const earlier = this.#joined.get(idempotencyKey);
      if (earlier !== undefined) return earlier.requestHash.equals(requestHash) ? 'repeated' : 'idempotency-mismatch';
      const version = lists.versionOf(device.userId);
      if (version === undefined) return 'unknown';
      if (version !== deviceList.version - 1) return 'conflict';
      tokens.checkNew(joining.refreshTokenHash);
      prekeys.checkSet(joining.prekeys);

      lists.replace(device.userId, deviceList);
      const row = devices.intern(device);
      prekeys.store(row, joining.prekeys);
      devices.setKeyless(row, false);
      tokens.begin(row, joining.refreshTokenHash);
      this.#join.run(idempotencyKey, requestHash, row);
      this.#seenFirst.run(dayOf(now), userIdToBytes(device.userId));
      return 'joined';
    });
  }

  heard(heard: readonly DeviceAddress[], now: number): Promise<readonly DeviceAddress[]> {
    return this.#database.write('other', () => {
      const day = dayOf(now);
      return heard.filter((device) => {
        const row = this.#rows.devices.findListed(device);
        if (row === undefined) return false;
        const wasIdle = this.#wasIdle.get(row) !== undefined;
        this.#see.run(day, row, day);
        return wasIdle;
      });
    });
  }

  sightings(userId: UserId): Promise<readonly DeviceSighting[]> {
    return this.#database.read(() =>
      this.#sightings.all(userIdToBytes(userId)).map(({ deviceId, day }) => ({
        deviceId,
        lastSeenDay: day === null ? undefined : day * dayMs,
      })),
    );
  }

  markIdle(since: number): Promise<readonly DeviceAddress[]> {
    return this.#database.write('other', () => this.#markIdle.all(dayOf(since)).map(addressOf));
  }
}

function addressOf(row: AddressRow): DeviceAddress {
  return { userId: userIdFromBytes(row.userId), deviceId: row.deviceId as DeviceId };
}
