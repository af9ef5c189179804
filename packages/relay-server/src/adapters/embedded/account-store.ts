import type { Statement } from 'better-sqlite3';
import type {
  AccountStore,
  NewAccount,
  PrekeyRenewal,
  RegistrationOutcome,
  StoredDeviceList,
} from '../../ports/account-store.ts';
import type { DeviceAddress, DeviceId, NumberMac, UserId } from '../../ports/ids.ts';
import { RelayError } from '../../relay-error.ts';
import { userIdFromBytes, userIdToBytes } from '../user-id-bytes.ts';
import type { DeviceRows } from './device-rows.ts';
import { type ListRows, listColumns } from './list-rows.ts';
import type { OwnerRows } from './owner-rows.ts';
import type { PrekeyRows } from './prekey-rows.ts';
import type { RelayDatabase } from './relay-database.ts';
import type { TokenRows } from './token-rows.ts';

/** The rows that the store of accounts works on. */
export interface AccountStoreRows {
  readonly devices: DeviceRows;
  readonly prekeys: PrekeyRows;
  readonly tokens: TokenRows;
  readonly owners: OwnerRows;
  readonly lists: ListRows;
}

/** Accounts in SQLite. */
export class EmbeddedAccountStore implements AccountStore {
  readonly #database: RelayDatabase;
  readonly #devices: DeviceRows;
  readonly #prekeys: PrekeyRows;
  readonly #tokens: TokenRows;
  readonly #owners: OwnerRows;
  readonly #lists: ListRows;
  readonly #byRegistration: Statement<[Uint8Array], { requestHash: Buffer }>;
  readonly #byNumber: Statement<[Uint8Array], { userId: Buffer }>;
  readonly #updateAccount: Statement<[Uint8Array, Uint8Array, Uint8Array, Uint8Array | null, number, Buffer]>;
  readonly #insert: Statement<
    [
      Buffer,
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
      number,
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array | null,
      number,
    ]
  >;
  readonly #profile: Statement<[Buffer], { profile: Buffer }>;
  readonly #updateProfile: Statement<[Uint8Array, Uint8Array | null, Buffer]>;
  readonly #accessKeyHash: Statement<[Buffer], { hash: Buffer | null }>;

  constructor(database: RelayDatabase, { devices, prekeys, tokens, owners, lists }: AccountStoreRows) {
    const { sql } = database;
    this.#database = database;
    this.#devices = devices;
    this.#prekeys = prekeys;
    this.#tokens = tokens;
    this.#owners = owners;
    this.#lists = lists;
    this.#byRegistration = sql.prepare('SELECT request_hash AS requestHash FROM account WHERE idempotency_key = ?');
    this.#byNumber = sql.prepare('SELECT user_id AS userId FROM account WHERE number_mac = ?');
    this.#updateAccount = sql.prepare(
      `UPDATE account SET idempotency_key = ?, request_hash = ?, profile = ?, access_key_hash = ?, heard_at = ?,
         lock_tries = 0, lock_wait_until = 0 WHERE user_id = ?`,
    );
    this.#insert = sql.prepare(
      `INSERT INTO account (user_id, number_mac, number_ciphertext, idempotency_key, request_hash,
         list_version, list_signed, list_hash, root_key, identity_key, profile, access_key_hash, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#profile = sql.prepare('SELECT profile FROM account WHERE user_id = ?');
    this.#updateProfile = sql.prepare(
      'UPDATE account SET profile = ?, access_key_hash = coalesce(?, access_key_hash) WHERE user_id = ?',
    );
    this.#accessKeyHash = sql.prepare('SELECT access_key_hash AS hash FROM account WHERE user_id = ?');
  }

  register(account: NewAccount): Promise<RegistrationOutcome> {
    return this.#database.write('registration', (): RegistrationOutcome => {
      const user = userIdToBytes(account.userId);
      const earlier = this.#byRegistration.get(account.idempotencyKey);
      if (earlier !== undefined) {
        return { status: earlier.requestHash.equals(account.requestHash) ? 'repeated' : 'idempotency-mismatch' };
      }
      const { deviceList, numberMac, recovers } = account;
      const holder = this.#owners.holder(numberMac);
      if (!recovers && this.#devices.hasUser(account.userId)) return { status: 'user-id-taken' };
      if (recovers && holder !== account.userId) return { status: 'recovery-refused' };
      if (recovers && this.#lists.versionOf(account.userId) !== deviceList.version - 1)
        return { status: 'recovery-outdated' };
      this.#tokens.checkNew(account.refreshTokenHash);
      this.#prekeys.checkSet(account.prekeys);

      if (recovers) {
        this.#devices.removeAll(account.userId, 'replaced');
        this.#lists.replace(account.userId, deviceList);
        this.#updateAccount.run(
          account.idempotencyKey,
          account.requestHash,
          account.profile,
          account.accessKeyHash ?? null,
          account.createdAt,
          user,
        );
      } else {
        const refusal = this.#owners.tryLock(numberMac, account.lock);
        if (refusal !== undefined) return { status: 'locked', refusal };
        if (holder !== undefined) this.#owners.end(holder, 'replaced', account.createdAt);
        this.#insert.run(
          user,
          numberMac,
          account.numberCiphertext,
          account.idempotencyKey,
          account.requestHash,
          ...listColumns(deviceList),
          account.profile,
          account.accessKeyHash ?? null,
          account.createdAt,
        );
      }
      this.#devices.replace(account.userId, deviceList.devices);
      const device = this.#devices.intern(account.device);
      this.#prekeys.store(device, account.prekeys);
      this.#devices.setKeyless(device, false);
      this.#tokens.begin(device, account.refreshTokenHash);
      return recovers ? { status: 'recovered' } : { status: 'registered', replaced: holder };
    });
  }

  byNumbers(macs: readonly NumberMac[]): Promise<readonly (UserId | undefined)[]> {
    return this.#database.read(() =>
      macs.map((mac) => {
        const found = this.#byNumber.get(mac);
        return found === undefined ? undefined : userIdFromBytes(found.userId);
      }),
    );
  }

  deviceList(userId: UserId): Promise<StoredDeviceList | undefined> {
    return this.#database.read(() => this.#lists.get(userId));
  }

  replaceDeviceList(
    userId: UserId,
    list: StoredDeviceList,
    renewal?: PrekeyRenewal,
  ): Promise<'stored' | 'conflict' | 'unknown'> {
    return this.#database.write('device-list', () => {
      const version = this.#lists.versionOf(userId);
      if (version === undefined) return 'unknown';
      if (version !== list.version - 1) return 'conflict';
      const renewed = renewal && this.#devices.findListed({ userId, deviceId: renewal.deviceId as DeviceId });
      // Before anything is written: what a write throws undoes none of it.
      if (renewal && renewed !== undefined && !this.#prekeys.fits(renewed, renewal.prekeys)) throw conflictingPrekeys();
      this.#lists.replace(userId, list);
      if (renewal !== undefined) this.#renew(userId, renewal);
      return 'stored';
    });
  }

  profile(userId: UserId): Promise<Uint8Array | undefined> {
    return this.#database.read(() => this.#profile.get(userIdToBytes(userId))?.profile);
  }

  putProfile(device: DeviceAddress, profile: Uint8Array, accessKeyHash?: Uint8Array): Promise<'stored' | 'unknown'> {
    return this.#database.write('other', () => {
      if (this.#devices.findListed(device) === undefined) return 'unknown';
      const { changes } = this.#updateProfile.run(profile, accessKeyHash ?? null, userIdToBytes(device.userId));
      return changes === 1 ? 'stored' : 'unknown';
    });
  }

  accessKeyHash(userId: UserId): Promise<Uint8Array | undefined> {
    return this.#database.read(() => this.#accessKeyHash.get(userIdToBytes(userId))?.hash ?? undefined);
  }

  #renew(userId: UserId, { deviceId, prekeys }: PrekeyRenewal): void {
    const device = this.#devices.findListed({ userId, deviceId: deviceId as DeviceId });
    if (device === undefined) return;
    this.#prekeys.put(device, prekeys, Number.POSITIVE_INFINITY);
    this.#devices.setKeyless(device, false);
  }
}

function conflictingPrekeys(): RelayError {
  return new RelayError('prekey-conflict', 'a prekey has an id that another one had: give each an id of its own');
}
