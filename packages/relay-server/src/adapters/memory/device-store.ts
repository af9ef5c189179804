import { dayMs, dayOf } from '../../platform/utc-day.ts';
import type { DeviceSighting, DeviceStore, JoinedDevice, JoinOutcome, NewDevice } from '../../ports/device-store.ts';
import type { DeviceAddress, UserId } from '../../ports/ids.ts';
import { replaceList } from './account-list.ts';
import { conflictingPrekeys, usedRefreshToken } from './account-store.ts';
import { byteKey } from './byte-key.ts';
import { deviceKey, devicesOf, isGone, type MemoryState } from './memory-state.ts';
import { noPrekeys, storePrekeys } from './prekey-store.ts';

/** Devices of accounts in memory. */
export class MemoryDeviceStore implements DeviceStore {
  readonly #state: MemoryState;

  constructor(state: MemoryState) {
    this.#state = state;
  }

  async joined(idempotencyKey: Uint8Array): Promise<JoinedDevice | undefined> {
    const join = this.#state.joins.get(byteKey(idempotencyKey));
    return join && { device: join.device, requestHash: Buffer.from(join.requestHash, 'hex') };
  }

  async join(joining: NewDevice): Promise<JoinOutcome> {
    const state = this.#state;
    const { device, deviceList } = joining;
    const idempotencyKey = byteKey(joining.idempotencyKey);
    const requestHash = byteKey(joining.requestHash);
    const earlier = state.joins.get(idempotencyKey);
    if (earlier !== undefined) return earlier.requestHash === requestHash ? 'repeated' : 'idempotency-mismatch';
    const account = state.accounts.get(device.userId);
    if (account === undefined) return 'unknown';
    if (account.deviceList.version !== deviceList.version - 1) return 'conflict';
    const refresh = byteKey(joining.refreshTokenHash);
    if (state.refreshTokens.has(refresh)) throw usedRefreshToken();
    const prekeys = noPrekeys();
    if (storePrekeys(prekeys, joining.prekeys, Number.POSITIVE_INFINITY) === 'conflict') throw conflictingPrekeys();

    replaceList(state, device.userId, account, deviceList);
    state.prekeys.set(deviceKey(device), prekeys);
    state.keyless.delete(deviceKey(device));
    state.refreshTokens.set(refresh, { device, successor: undefined, replacedAt: undefined });
    state.joins.set(idempotencyKey, { device, requestHash });
    for (const listed of devicesOf(device.userId, deviceList)) this.#see(listed, joining.now);
    return 'joined';
  }

  async heard(devices: readonly DeviceAddress[], now: number): Promise<readonly DeviceAddress[]> {
    return devices.filter((device) => {
      const { accounts, idle } = this.#state;
      if (isGone(this.#state, device)) return false;
      if ((accounts.get(device.userId)?.deviceList.devices.length ?? 0) < 2) return false;
      this.#see(device, now);
      return idle.delete(deviceKey(device));
    });
  }

  async sightings(userId: UserId): Promise<readonly DeviceSighting[]> {
    const account = this.#state.accounts.get(userId);
    return (account?.deviceList.devices ?? []).map(({ deviceId }) => {
      const day = this.#state.seenDays.get(deviceKey({ userId, deviceId }));
      return { deviceId, lastSeenDay: day === undefined ? undefined : day * dayMs };
    });
  }

  async markIdle(since: number): Promise<readonly DeviceAddress[]> {
    const { accounts, seenDays, idle } = this.#state;
    const before = dayOf(since);
    return [...accounts].flatMap(([userId, { deviceList }]) => {
      const [, ...linked] = devicesOf(userId, deviceList);
      return linked.filter((device) => {
        const key = deviceKey(device);
        const day = seenDays.get(key);
        if (day === undefined || day >= before || idle.has(key)) return false;
        idle.add(key);
        return true;
      });
    });
  }

  #see(device: DeviceAddress, now: number): void {
    const key = deviceKey(device);
    this.#state.seenDays.set(key, Math.max(this.#state.seenDays.get(key) ?? 0, dayOf(now)));
  }
}
