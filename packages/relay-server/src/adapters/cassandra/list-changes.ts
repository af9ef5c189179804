import type { PrekeyRenewal, StoredDeviceList } from '../../ports/account-store.ts';
import type { Clock } from '../../ports/clock.ts';
import type { JoinOutcome, NewDevice } from '../../ports/device-store.ts';
import type { UserId } from '../../ports/ids.ts';
import { RelayError } from '../../relay-error.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import type { CleanUp, CleanUpEntry, CleanUpList } from './clean-up-list.ts';
import type { Cleaner } from './cleaner.ts';
import type { DayRows } from './day-rows.ts';
import type { PrekeyRows } from './prekey-rows.ts';
import { checkSet } from './registrations.ts';
import type { TokenFamilies } from './token-families.ts';
import { isKnownToken, usedToken } from './token-store.ts';
import { untilDone } from './until-done.ts';
import {
  devicesValue,
  formerValue,
  listChange,
  type NextDevices,
  nextDevices,
  type UserChange,
  type UserRow,
} from './user-row.ts';
import type { Users } from './users.ts';

/** What changes of lists work on. */
export interface ListChangeParts {
  readonly database: CassandraDatabase;
  readonly clock: Clock;
  readonly users: Users;
  readonly prekeys: PrekeyRows;
  readonly families: TokenFamilies;
  readonly days: DayRows;
  readonly cleanUps: CleanUpList;
  readonly cleaner: Cleaner;
}

/**
 * How the device list of an account changes: one conditional write of its row, which names the incarnations of the devices and the epoch of their prekeys, so that what others had is out of reach at once.
 *
 * What comes with the list is written before under names that nobody knows, what goes with it is deleted afterwards; both are written down first. A crash before that write leaves the old list, after it the new one.
 */
export class ListChanges {
  readonly #parts: ListChangeParts;

  constructor(parts: ListChangeParts) {
    this.#parts = parts;
  }

  /** One try to make a list the account's. */
  async replace(
    userId: UserId,
    list: StoredDeviceList,
    renewal: PrekeyRenewal | undefined,
  ): Promise<'stored' | 'conflict' | 'unknown' | 'outrun'> {
    const before = await this.#parts.users.settled(userId);
    if (before?.state !== 'live') return 'unknown';
    if (before.list.version !== list.version - 1) return 'conflict';
    const next = this.#next(before, list);
    const { devices, keyEpoch } = next;
    const entry = this.#entry(before, next, renewal && [renewal.deviceId]);
    if (entry !== undefined) await this.#parts.cleanUps.add(entry);
    const renewed = renewal && (await this.#renew(before, next, renewal));
    if (renewed === 'outrun') return 'outrun';
    const kept = renewed === undefined ? next : { ...next, devices: withKeys(devices, renewed) };
    const isChanged = await this.#parts.users.change(before, columnsOf(list, kept));
    if (isChanged && renewal !== undefined && keyEpoch === before.keyEpoch) {
      await this.#addKeys(userId, renewal);
    }
    if (entry !== undefined) await this.#parts.cleaner.soon(entry);
    return isChanged ? 'stored' : 'outrun';
  }

  /** One try to have a device join an account; its request was not carried out before. */
  async join(joining: NewDevice): Promise<JoinOutcome | 'outrun'> {
    const { users, families, prekeys, days, database, cleanUps, cleaner } = this.#parts;
    const { device, deviceList } = joining;
    const before = await users.settled(device.userId);
    if (before?.state !== 'live') return 'unknown';
    if (before.list.version !== deviceList.version - 1) return 'conflict';
    if (await isKnownToken({ users, families }, joining.refreshTokenHash)) throw usedToken();
    checkSet(joining);
    const next = this.#next(before, deviceList, device.deviceId);
    const incarnation = next.devices.get(device.deviceId)?.incarnation;
    const entry = this.#entry(before, next, [device.deviceId]);
    if (entry !== undefined) await cleanUps.add(entry);
    if (incarnation !== undefined) {
      await database.write(
        'INSERT INTO device_join (idempotency_key, incarnation, user_id, device_id, request_hash) VALUES (?, ?, ?, ?, ?)',
        [joining.idempotencyKey, incarnation, device.userId, device.deviceId, joining.requestHash],
      );
      const place = { incarnation, epoch: next.keyEpoch };
      await untilDone(() => prekeys.put(place, joining.prekeys, Number.POSITIVE_INFINITY));
      await families.begin({ device, incarnation }, joining.refreshTokenHash, joining.idempotencyKey);
    }
    for (const [deviceId, listed] of next.devices) {
      await days.see({ userId: device.userId, deviceId, incarnation: listed.incarnation }, next.daysKey, joining.now);
    }
    const kept = { ...next, devices: withKeys(next.devices, device.deviceId) };
    const isChanged = await users.change(before, columnsOf(deviceList, kept));
    if (entry !== undefined) await cleaner.soon(entry);
    return isChanged ? 'joined' : 'outrun';
  }

  #next(before: UserRow, list: StoredDeviceList, joining?: number): NextDevices {
    const isRotated = Buffer.compare(before.list.identityKey, list.identityKey) !== 0;
    return nextDevices(before, list.devices, {
      isRotated,
      reason: 'revoked',
      ...(joining !== undefined && { joining }),
    });
  }

  /** What is to be cleaned up after the change, or after its failure; `undefined` when nothing can be left. */
  #entry(before: UserRow, next: NextDevices, prepared: readonly number[] = []): CleanUpEntry | undefined {
    const isRotated = next.keyEpoch !== before.keyEpoch;
    const touched = isRotated ? [...next.devices.keys()] : prepared;
    const devices = touched.flatMap((deviceId) => {
      const incarnation = next.devices.get(deviceId)?.incarnation;
      return incarnation === undefined ? [] : [{ deviceId, incarnation }];
    });
    const isAlone = next.daysKey !== before.daysKey && before.devices.size > 1;
    if (devices.length === 0 && next.gone.length === 0 && !isAlone) return undefined;
    const what: CleanUp = {
      kind: 'list',
      userId: before.userId,
      stamp: before.stamp,
      devices: [...next.gone, ...devices],
      epochs: isRotated ? [before.keyEpoch, next.keyEpoch] : [],
      daysKeys: [before.daysKey, next.daysKey],
    };
    return { at: this.#parts.clock.now(), what };
  }

  /**
   * Writes the keys that come with a new identity key where only the new list leads; gives the device that has them.
   * @throws {RelayError} `prekey-conflict`
   */
  async #renew(
    before: UserRow,
    next: NextDevices,
    { deviceId, prekeys }: PrekeyRenewal,
  ): Promise<number | undefined | 'outrun'> {
    checkSet({ prekeys });
    const incarnation = next.devices.get(deviceId)?.incarnation;
    if (incarnation === undefined || next.keyEpoch === before.keyEpoch) return undefined;
    const place = { incarnation, epoch: next.keyEpoch };
    const outcome = await this.#parts.prekeys.renew(place, { incarnation, epoch: before.keyEpoch }, prekeys);
    if (outcome === 'conflict') throw conflictingPrekeys();
    return outcome === 'outrun' ? outcome : deviceId;
  }

  /** Adds keys that came with a list under the same identity key. */
  async #addKeys(userId: UserId, { deviceId, prekeys }: PrekeyRenewal): Promise<void> {
    await untilDone(async () => {
      const row = await this.#parts.users.find(userId);
      const incarnation = row?.devices.get(deviceId)?.incarnation;
      if (row === undefined || incarnation === undefined) return undefined;
      return this.#parts.prekeys.put({ incarnation, epoch: row.keyEpoch }, prekeys, Number.POSITIVE_INFINITY);
    });
  }
}

function columnsOf(list: StoredDeviceList, { devices, former, keyEpoch, daysKey }: NextDevices): UserChange {
  return {
    ...listChange(list),
    devices: devicesValue(devices),
    former: formerValue(former),
    key_epoch: keyEpoch,
    days_key: daysKey,
  };
}

/** The devices when one of them has brought its keys. */
function withKeys(devices: NextDevices['devices'], deviceId: number): NextDevices['devices'] {
  const entry = devices.get(deviceId);
  return entry === undefined ? devices : new Map(devices).set(deviceId, { ...entry, isKeyless: false });
}

function conflictingPrekeys(): RelayError {
  return new RelayError('prekey-conflict', 'a prekey has an id that another one had: give each an id of its own');
}
