import { randomUUID } from 'node:crypto';
import type { UserId } from '../../ports/ids.ts';
import type { ListedDevices, ListedUser } from '../../ports/listed-devices.ts';
import { deviceKey, type MemoryState } from './memory-state.ts';

/** Who is listed, from the accounts in memory. */
export class MemoryListedDevices implements ListedDevices {
  readonly #state: MemoryState;

  constructor(state: MemoryState) {
    this.#state = state;
  }

  async of(userId: UserId): Promise<ListedUser> {
    const { accounts, endedUsers, incarnations } = this.#state;
    const account = accounts.get(userId);
    if (account === undefined) return { status: endedUsers.has(userId) ? 'ended' : 'unknown' };
    const listed = new Map<number, string>();
    for (const { deviceId } of account.deviceList.devices) {
      const key = deviceKey({ userId, deviceId });
      // Named when somebody asks first, forgotten with the device.
      const incarnation = incarnations.get(key) ?? randomUUID();
      incarnations.set(key, incarnation);
      listed.set(deviceId, incarnation);
    }
    return { status: 'listed', incarnations: listed };
  }
}
