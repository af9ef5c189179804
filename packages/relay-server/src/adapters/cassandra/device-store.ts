import { dayMs, dayOf } from '../../platform/utc-day.ts';
import type { DeviceSighting, DeviceStore, JoinedDevice, JoinOutcome, NewDevice } from '../../ports/device-store.ts';
import type { DeviceAddress, DeviceId, UserId } from '../../ports/ids.ts';
import { RelayError } from '../../relay-error.ts';
import { userTurn } from './account-store.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import type { DayRows, SilentDevice } from './day-rows.ts';
import type { ListChanges } from './list-changes.ts';
import type { Turns } from './turns.ts';
import { untilDone } from './until-done.ts';
import { byDeviceId, devicesValue, type UserRow } from './user-row.ts';
import type { Users } from './users.ts';

/** What the store of devices works on. */
export interface DeviceStoreParts {
  readonly database: CassandraDatabase;
  readonly turns: Turns;
  readonly users: Users;
  readonly days: DayRows;
  readonly lists: ListChanges;
}

/** Devices that are looked up at once. */
const atOnce = 32;

/**
 * Devices of accounts in Cassandra. A join is a change of the list, see {@link ListChanges}; a request by which one joined counts while the account lists that very incarnation.
 *
 * Who is idle stands in the account's row; days are written without a condition. Both look at the other's after their own write, so that a device that is heard of while it is marked does not stay marked.
 */
export class CassandraDeviceStore implements DeviceStore {
  readonly #parts: DeviceStoreParts;

  constructor(parts: DeviceStoreParts) {
    this.#parts = parts;
  }

  async joined(idempotencyKey: Uint8Array): Promise<JoinedDevice | undefined> {
    const rows = await this.#parts.database.rows<{
      incarnation: unknown;
      user_id: unknown;
      device_id: number;
      request_hash: Buffer;
    }>('SELECT incarnation, user_id, device_id, request_hash FROM device_join WHERE idempotency_key = ?', [
      idempotencyKey,
    ]);
    for (const { incarnation, user_id, device_id, request_hash } of rows) {
      const userId = String(user_id) as UserId;
      const row = await this.#parts.users.find(userId);
      if (row?.devices.get(device_id)?.incarnation !== String(incarnation)) continue;
      return { device: { userId, deviceId: device_id as DeviceId }, requestHash: request_hash };
    }
    return undefined;
  }

  join(joining: NewDevice): Promise<JoinOutcome> {
    const request = `join ${Buffer.from(joining.idempotencyKey).toString('hex')}`;
    return this.#parts.turns.take([userTurn(joining.device.userId), request], () =>
      untilDone(async () => (await this.#earlier(joining)) ?? this.#attempt(joining)),
    );
  }

  async heard(devices: readonly DeviceAddress[], now: number): Promise<readonly DeviceAddress[]> {
    const woken: DeviceAddress[] = [];
    for (let from = 0; from < devices.length; from += atOnce) {
      const some = devices.slice(from, from + atOnce);
      const were = await Promise.all(some.map((device) => this.#hear(device, now)));
      woken.push(...some.filter((_, at) => were[at]));
    }
    return woken;
  }

  async sightings(userId: UserId): Promise<readonly DeviceSighting[]> {
    const row = await this.#parts.users.find(userId);
    if (row === undefined) return [];
    const days = row.devices.size > 1 ? await this.#parts.days.of(row.daysKey) : new Map<string, number>();
    return byDeviceId(row.devices).map(([deviceId, { incarnation }]) => {
      const day = days.get(incarnation);
      return { deviceId, lastSeenDay: day === undefined ? undefined : day * dayMs };
    });
  }

  async markIdle(since: number): Promise<readonly DeviceAddress[]> {
    const { days } = this.#parts;
    const before = dayOf(since);
    const marked: DeviceAddress[] = [];
    for (;;) {
      const silent = await days.before(before);
      if (silent.length === 0) break;
      for (let from = 0; from < silent.length; from += atOnce) {
        const some = silent.slice(from, from + atOnce);
        const were = await Promise.all(some.map((device) => this.#mark(device, before)));
        for (const { userId, deviceId } of some.filter((_, at) => were[at])) {
          marked.push({ userId, deviceId: deviceId as DeviceId });
        }
        await Promise.all(some.map((device) => days.done(device)));
      }
    }
    await days.dropEmpty(before);
    return marked;
  }

  /** One try. What stands in its way may be this very request, as another node carries it out: that is seen afterwards at the latest. */
  async #attempt(joining: NewDevice): Promise<JoinOutcome | 'outrun'> {
    try {
      const outcome = await this.#parts.lists.join(joining);
      return outcome === 'conflict' ? ((await this.#earlier(joining)) ?? outcome) : outcome;
    } catch (error) {
      if (!(error instanceof RelayError) || error.code !== 'request-malformed') throw error;
      const earlier = await this.#earlier(joining);
      if (earlier !== undefined) return earlier;
      throw error;
    }
  }

  /** What became of a request with the same key. */
  async #earlier({ idempotencyKey, requestHash }: NewDevice): Promise<JoinOutcome | undefined> {
    const earlier = await this.joined(idempotencyKey);
    if (earlier === undefined) return undefined;
    return Buffer.compare(earlier.requestHash, requestHash) === 0 ? 'repeated' : 'idempotency-mismatch';
  }

  /** Notes that a device is connected; whether it was idle. */
  async #hear({ userId, deviceId }: DeviceAddress, now: number): Promise<boolean> {
    const { users, days } = this.#parts;
    const row = await users.find(userId);
    const entry = row?.devices.get(deviceId);
    if (row === undefined || entry === undefined || row.devices.size < 2) return false;
    const { incarnation } = entry;
    const day = (await days.of(row.daysKey)).get(incarnation);
    if (day === undefined || day < dayOf(now)) await days.see({ userId, deviceId, incarnation }, row.daysKey, now);
    return this.#setIdle(userId, deviceId, incarnation, false);
  }

  /** Marks a device as idle, if it was not seen since, is not the primary and has company; whether it was not before. */
  async #mark({ userId, deviceId, incarnation }: SilentDevice, before: number): Promise<boolean> {
    const { users } = this.#parts;
    const row = await users.find(userId);
    if (row?.devices.get(deviceId)?.incarnation !== incarnation || !(await this.#isSilent(row, incarnation, before))) {
      return false;
    }
    if (!(await this.#setIdle(userId, deviceId, incarnation, true))) return false;
    if (await this.#isSilent(row, incarnation, before)) return true;
    await this.#setIdle(userId, deviceId, incarnation, false);
    return false;
  }

  async #isSilent({ daysKey }: UserRow, incarnation: string, before: number): Promise<boolean> {
    const day = (await this.#parts.days.of(daysKey)).get(incarnation);
    return day !== undefined && day < before;
  }

  /** Whether it was otherwise before. */
  #setIdle(userId: UserId, deviceId: number, incarnation: string, isIdle: boolean): Promise<boolean> {
    const { turns, users } = this.#parts;
    return turns.take([userTurn(userId)], () =>
      untilDone(async (): Promise<boolean | 'outrun'> => {
        const seen = await users.find(userId);
        const isPrimary = Math.min(...(seen?.devices.keys() ?? [])) === deviceId;
        const now = seen?.devices.get(deviceId);
        if (now?.incarnation !== incarnation || now.isIdle === isIdle || (isIdle && isPrimary)) return false;
        const row = await users.settled(userId);
        const entry = row?.devices.get(deviceId);
        if (row?.state !== 'live' || entry?.incarnation !== incarnation || entry.isIdle === isIdle) return 'outrun';
        const devices = new Map(row.devices).set(deviceId, { ...entry, isIdle });
        return (await users.change(row, { devices: devicesValue(devices) })) ? true : 'outrun';
      }),
    );
  }
}
