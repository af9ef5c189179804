import type { DeviceAddress } from '../../ports/ids.ts';
import type { PrekeyPut, PrekeySet, PrekeyStore, PrekeysLeft, TakenPrekeys } from '../../ports/prekey-store.ts';
import type { PrekeyPlace, PrekeyRows } from './prekey-rows.ts';
import type { Turns } from './turns.ts';
import { untilDone } from './until-done.ts';
import { devicesValue, type UserRow } from './user-row.ts';
import type { Users } from './users.ts';

/** What the store of prekeys works on. */
export interface PrekeyStoreParts {
  readonly turns: Turns;
  readonly users: Users;
  readonly prekeys: PrekeyRows;
}

/**
 * Prekeys in Cassandra, in the partition of the incarnation and under the epoch that the account's row names: see {@link PrekeyRows}, which is the truth of them.
 *
 * That a device is keyless stands in the account's row until an upload clears it; until then its prekeys tell whether it still is, so that a crash between the two makes no difference.
 */
export class CassandraPrekeyStore implements PrekeyStore {
  readonly #parts: PrekeyStoreParts;

  constructor(parts: PrekeyStoreParts) {
    this.#parts = parts;
  }

  put(device: DeviceAddress, keys: PrekeySet, limit: number, identityKey?: Uint8Array): Promise<PrekeyPut> {
    const { users, prekeys } = this.#parts;
    return this.#inTurn(device, () =>
      untilDone(async (): Promise<PrekeyPut | 'outrun'> => {
        const row = await users.find(device.userId);
        const place = placeOf(row, device.deviceId);
        if (row === undefined || place === undefined) return 'unknown';
        if (identityKey !== undefined && Buffer.compare(row.list.identityKey, identityKey) !== 0) return 'outdated';
        const outcome = await prekeys.put(place, keys, limit);
        if (outcome === 'stored' && row.devices.get(device.deviceId)?.isKeyless)
          await this.#clearKeyless(device, place);
        return outcome;
      }),
    );
  }

  take(device: DeviceAddress): Promise<TakenPrekeys | undefined> {
    return this.#inTurn(device, async () => {
      const place = await this.#find(device);
      return place && this.#parts.prekeys.take(place);
    });
  }

  async left(device: DeviceAddress): Promise<PrekeysLeft> {
    const place = await this.#find(device);
    return place === undefined ? { ec: 0, kyber: 0 } : this.#parts.prekeys.left(place);
  }

  async #find({ userId, deviceId }: DeviceAddress): Promise<PrekeyPlace | undefined> {
    return placeOf(await this.#parts.users.find(userId), deviceId);
  }

  #inTurn<T>({ userId, deviceId }: DeviceAddress, work: () => Promise<T>): Promise<T> {
    return this.#parts.turns.take([`prekeys ${userId}.${deviceId}`], work);
  }

  /** Notes that a device has keys again, if it has. */
  async #clearKeyless({ userId, deviceId }: DeviceAddress, place: PrekeyPlace): Promise<void> {
    const { users, prekeys } = this.#parts;
    if (!(await prekeys.isComplete(place))) return;
    await untilDone(async () => {
      const row = await users.settled(userId);
      const entry = row?.devices.get(deviceId);
      if (row?.state !== 'live' || entry?.incarnation !== place.incarnation || row.keyEpoch !== place.epoch) return;
      const devices = new Map(row.devices).set(deviceId, { ...entry, isKeyless: false });
      return (await users.change(row, { devices: devicesValue(devices) })) ? undefined : 'outrun';
    });
  }
}

/** Where the prekeys of a listed device are. */
export function placeOf(row: UserRow | undefined, deviceId: number): PrekeyPlace | undefined {
  const incarnation = row?.devices.get(deviceId)?.incarnation;
  return row === undefined || incarnation === undefined ? undefined : { incarnation, epoch: row.keyEpoch };
}
