import type { UserId } from '../../ports/ids.ts';
import type { ListedDevices, ListedUser } from '../../ports/listed-devices.ts';
import { devicesOf } from './user-row.ts';
import type { Users } from './users.ts';

/** As little of an account as says who is listed: neither keys nor lists nor the profile. */
const listedColumns = 'state, handover, devices';

/**
 * Who is listed, from the rows of accounts: one read at LOCAL_QUORUM, one more of a user whom nobody knows, and two more while an account is handed over.
 *
 * An account that is to come is nobody yet. One that is handed over counts as its handover says: as it was until that is decided, from then on as decided, see {@link Users.lookAt}.
 */
export class CassandraListedDevices implements ListedDevices {
  readonly #users: Users;

  constructor(users: Users) {
    this.#users = users;
  }

  async of(userId: UserId): Promise<ListedUser> {
    const seen = await this.#users.lookAt(userId, listedColumns);
    if (seen === undefined) {
      // What a row has left is written before the row goes: whoever finds neither has never been.
      return { status: (await this.#users.hasEnded(userId)) ? 'ended' : 'unknown' };
    }
    if (seen.state === 'ended') return { status: 'ended' };
    const devices = devicesOf(seen.row.devices);
    return {
      status: 'listed',
      incarnations: new Map([...devices].map(([deviceId, { incarnation }]) => [deviceId, incarnation])),
    };
  }
}
