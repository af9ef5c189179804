import type { Statement } from 'better-sqlite3';
import type { StoredDeviceList } from '../../ports/account-store.ts';
import type { UserId } from '../../ports/ids.ts';
import { userIdToBytes } from '../user-id-bytes.ts';
import type { DeviceRows } from './device-rows.ts';
import type { PrekeyRows } from './prekey-rows.ts';
import type { RelayDatabase } from './relay-database.ts';

interface ListRow {
  readonly version: number;
  readonly signed: Buffer;
  readonly hash: Buffer;
  readonly rootKey: Buffer;
  readonly identityKey: Buffer;
}

/** The lists of accounts, with what follows from them for their devices. `replace` writes, and belongs into a transaction. */
export class ListRows {
  readonly #devices: DeviceRows;
  readonly #prekeys: PrekeyRows;
  readonly #find: Statement<[Buffer], ListRow>;
  readonly #identityKey: Statement<[Buffer], { key: Buffer }>;
  readonly #update: Statement<[number, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Buffer]>;

  constructor({ sql }: RelayDatabase, devices: DeviceRows, prekeys: PrekeyRows) {
    this.#devices = devices;
    this.#prekeys = prekeys;
    this.#find = sql.prepare(
      `SELECT list_version AS version, list_signed AS signed, list_hash AS hash, root_key AS rootKey,
         identity_key AS identityKey FROM account WHERE user_id = ?`,
    );
    this.#identityKey = sql.prepare('SELECT identity_key AS key FROM account WHERE user_id = ?');
    this.#update = sql.prepare(
      `UPDATE account SET list_version = ?, list_signed = ?, list_hash = ?, root_key = ?, identity_key = ?
       WHERE user_id = ?`,
    );
  }

  get(userId: UserId): StoredDeviceList | undefined {
    const row = this.#find.get(userIdToBytes(userId));
    return row === undefined ? undefined : { ...row, devices: this.#devices.listed(userId) };
  }

  /** The version of an account's list; `undefined` when there is no such account. */
  versionOf(userId: UserId): number | undefined {
    return this.#find.get(userIdToBytes(userId))?.version;
  }

  /** Whether an account has this identity key now. */
  hasIdentityKey(userId: UserId, identityKey: Uint8Array): boolean {
    return this.#identityKey.get(userIdToBytes(userId))?.key.equals(identityKey) ?? false;
  }

  /** Makes a list the account's. Whoever is not on it any more loses all; under another identity key all devices lose their prekeys, which the one before has signed. */
  replace(userId: UserId, list: StoredDeviceList): void {
    const isRotated = !this.hasIdentityKey(userId, list.identityKey);
    this.#update.run(...listColumns(list), userIdToBytes(userId));
    this.#devices.replace(userId, list.devices);
    if (!isRotated) return;
    for (const { deviceId } of list.devices) {
      const device = this.#devices.find({ userId, deviceId });
      if (device === undefined) continue;
      this.#prekeys.drop(device);
      this.#devices.setKeyless(device, true);
    }
  }
}

/** What the row of an account has of its list. */
export function listColumns(list: StoredDeviceList): [number, Uint8Array, Uint8Array, Uint8Array, Uint8Array] {
  return [list.version, list.signed, list.hash, list.rootKey, list.identityKey];
}
