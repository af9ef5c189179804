import type { UserId } from '../../ports/ids.ts';
import type { ListedDevices, ListedUser } from '../../ports/listed-devices.ts';
import { devicesOf, incarnationOf, type MemoryState } from './memory-state.ts';

/** Who is listed, from the accounts in memory. */
export class MemoryListedDevices implements ListedDevices {
  readonly #state: MemoryState;

  constructor(state: MemoryState) {
    this.#state = state;
  }

  async of(userId: UserId): Promise<ListedUser> {
    const { accounts, endedUsers } = this.#state;
    const account = accounts.get(userId);
    if (account === undefined) return { status: endedUsers.has(userId) ? 'ended' : 'unknown' };
    const devices = devicesOf(userId, account.deviceList);
    return {
      status: 'listed',
      incarnations: new Map(devices.map((device) => [device.deviceId, incarnationOf(this.#state, device)])),
    };
  }
}
