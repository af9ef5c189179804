import type {
  AccountStore,
  ListedDevice,
  NewAccount,
  PrekeyRenewal,
  RegistrationOutcome,
  StoredDeviceList,
} from '../../ports/account-store.ts';
import type { DeviceAddress, NumberMac, UserId } from '../../ports/ids.ts';
import type { ListChanges } from './list-changes.ts';
import type { PrekeyRows } from './prekey-rows.ts';
import { placeOf } from './prekey-store.ts';
import type { Registrations } from './registrations.ts';
import type { Turns } from './turns.ts';
import { untilDone } from './until-done.ts';
import { byDeviceId, type UserRow } from './user-row.ts';
import type { Users } from './users.ts';

/** What the store of accounts works on. */
export interface AccountStoreParts {
  readonly turns: Turns;
  readonly users: Users;
  readonly prekeys: PrekeyRows;
  readonly registrations: Registrations;
  readonly lists: ListChanges;
}

/** Accounts in Cassandra: see {@link Registrations} and {@link ListChanges} for how they change. A list, an access key's hash or a profile is one read of the account's row. */
export class CassandraAccountStore implements AccountStore {
  readonly #parts: AccountStoreParts;

  constructor(parts: AccountStoreParts) {
    this.#parts = parts;
  }

  register(account: NewAccount): Promise<RegistrationOutcome> {
    const keys = [userTurn(account.userId), numberTurn(account.numberMac), `request ${hex(account.idempotencyKey)}`];
    return this.#parts.turns.take(keys, () => untilDone(() => this.#parts.registrations.attempt(account)));
  }

  byNumbers(macs: readonly NumberMac[]): Promise<readonly (UserId | undefined)[]> {
    return this.#parts.users.byNumbers(macs);
  }

  async deviceList(userId: UserId): Promise<StoredDeviceList | undefined> {
    const row = await this.#parts.users.find(userId);
    return row && { ...row.list, devices: await this.#listed(row) };
  }

  replaceDeviceList(
    userId: UserId,
    list: StoredDeviceList,
    renewal?: PrekeyRenewal,
  ): Promise<'stored' | 'conflict' | 'unknown'> {
    return this.#parts.turns.take([userTurn(userId)], () =>
      untilDone(() => this.#parts.lists.replace(userId, list, renewal)),
    );
  }

  async profile(userId: UserId): Promise<Uint8Array | undefined> {
    const found = await this.#parts.users.lookAt(userId, 'state, handover, profile');
    return found?.state === 'live' ? ((found.row.profile as Uint8Array | null) ?? undefined) : undefined;
  }

  putProfile(
    { userId, deviceId }: DeviceAddress,
    profile: Uint8Array,
    accessKeyHash?: Uint8Array,
  ): Promise<'stored' | 'unknown'> {
    return this.#parts.turns.take([userTurn(userId)], () =>
      untilDone(async (): Promise<'stored' | 'unknown' | 'outrun'> => {
        const { users } = this.#parts;
        const row = await users.settled(userId);
        if (row?.state !== 'live' || !row.devices.has(deviceId)) return 'unknown';
        const columns = { profile, ...(accessKeyHash && { access_key_hash: accessKeyHash }) };
        return (await users.change(row, columns)) ? 'stored' : 'outrun';
      }),
    );
  }

  async accessKeyHash(userId: UserId): Promise<Uint8Array | undefined> {
    const found = await this.#parts.users.lookAt(userId, 'state, handover, access_key_hash');
    return found?.state === 'live' ? ((found.row.access_key_hash as Uint8Array | null) ?? undefined) : undefined;
  }

  #listed(row: UserRow): Promise<ListedDevice[]> {
    return Promise.all(
      byDeviceId(row.devices).map(async ([deviceId, { registrationId, isIdle, isKeyless }]): Promise<ListedDevice> => {
        const device = { deviceId, registrationId };
        if (isIdle) return { ...device, standing: 'idle' };
        if (!isKeyless) return device;
        const place = placeOf(row, deviceId);
        const isComplete = place !== undefined && (await this.#parts.prekeys.isComplete(place));
        return isComplete ? device : { ...device, standing: 'keyless' };
      }),
    );
  }
}

/** Under which changes of an account wait for each other. */
export function userTurn(userId: UserId): string {
  return `user ${userId}`;
}

/** Under which changes of who has a number wait for each other. */
export function numberTurn(numberMac: NumberMac): string {
  return `number ${hex(numberMac)}`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
