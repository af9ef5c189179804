import type { Statement } from 'better-sqlite3';
import type { ListedDevice } from '../../ports/account-store.ts';
import type { DeviceAddress, UserId } from '../../ports/ids.ts';
import type { TokenEnd } from '../../ports/token-store.ts';
import { digestOfEndedUser } from '../ended-user.ts';
import { userIdToBytes } from '../user-id-bytes.ts';
import type { RelayDatabase } from './relay-database.ts';

/** Users whose rows are remembered: about 40 MiB. */
const remembered = 100_000;

interface ListedRow {
  readonly deviceId: number;
  readonly registrationId: number;
  readonly isIdle: number;
  readonly isKeyless: number;
}

interface KnownUser {
  readonly bytes: Buffer;
  /** Key after device id, pair by pair: most users have one device, and a map takes more memory. */
  keys: readonly number[];
}

/** Integer keys of devices. `intern`, `admit`, `replace`, `setKeyless` and `removeAll` write, and belong into a transaction. */
export class DeviceRows {
  readonly #known = new Map<UserId, KnownUser>();
  readonly #removed: ((id: number) => void)[] = [];
  readonly #find: Statement<[Buffer, number], { id: number }>;
  readonly #add: Statement<[Buffer, number]>;
  readonly #list: Statement<[Buffer, number, number]>;
  readonly #remove: Statement<[number]>;
  readonly #endToken: Statement<[TokenEnd, number]>;
  readonly #all: Statement<[Buffer], { id: number }>;
  readonly #listed: Statement<[Buffer], ListedRow>;
  readonly #setKeyless: Statement<[number, number, number]>;
  readonly #forgetDay: Statement<[Buffer]>;
  readonly #wake: Statement<[Buffer, number]>;
  readonly #registered: Statement<[number], { id: number }>;
  readonly #hasUser: Statement<[Buffer, Buffer]>;

  constructor(database: RelayDatabase) {
    const { sql } = database;
    this.#find = sql.prepare('SELECT id FROM device WHERE user_id = ? AND device_id = ?');
    this.#add = sql.prepare('INSERT INTO device (user_id, device_id) VALUES (?, ?)');
    this.#list = sql.prepare(
      `INSERT INTO device (user_id, device_id, registration_id) VALUES (?, ?, ?)
       ON CONFLICT (user_id, device_id) DO UPDATE SET registration_id = excluded.registration_id`,
    );
    this.#remove = sql.prepare('DELETE FROM device WHERE id = ?');
    this.#endToken = sql.prepare(
      `INSERT OR REPLACE INTO ended_token (hash, reason)
       SELECT hash, ? FROM refresh_token WHERE device = ? AND successor IS NULL`,
    );
    this.#all = sql.prepare('SELECT id FROM device WHERE user_id = ?');
    this.#listed = sql.prepare(
      `SELECT device_id AS deviceId, registration_id AS registrationId, is_idle AS isIdle, is_keyless AS isKeyless
       FROM device WHERE user_id = ? AND registration_id IS NOT NULL ORDER BY device_id`,
    );
    this.#setKeyless = sql.prepare('UPDATE device SET is_keyless = ? WHERE id = ? AND is_keyless <> ?');
    this.#forgetDay = sql.prepare('UPDATE device SET seen_day = NULL WHERE user_id = ? AND seen_day IS NOT NULL');
    this.#wake = sql.prepare('UPDATE device SET is_idle = 0 WHERE user_id = ? AND device_id = ? AND is_idle = 1');
    this.#registered = sql.prepare('SELECT id FROM device WHERE id = ? AND registration_id IS NOT NULL');
    this.#hasUser = sql.prepare(
      'SELECT 1 FROM account WHERE user_id = ? UNION ALL SELECT 1 FROM ended_user WHERE digest = ?',
    );
    database.whenUndone(() => this.#known.clear());
  }

  /**
   * The 16 bytes of a user id.
   * @throws {RelayError} `request-malformed`
   */
  bytesOf(userId: UserId): Buffer {
    return this.#user(userId).bytes;
  }

  /** The key of an address that has a row. */
  find({ userId, deviceId }: { readonly userId: UserId; readonly deviceId: number }): number | undefined {
    const user = this.#user(userId);
    const { bytes, keys } = user;
    for (let at = 0; at < keys.length; at += 2) if (keys[at] === deviceId) return keys[at + 1];
    const found = this.#find.get(bytes, deviceId)?.id;
    if (found !== undefined) user.keys = [...keys, deviceId, found];
    return found;
  }

  /** The key of a device that its account lists. */
  findListed(device: DeviceAddress): number | undefined {
    const id = this.find(device);
    return id === undefined ? undefined : this.#registered.get(id)?.id;
  }

  /** The key of an address, made when it is new. */
  intern(device: { readonly userId: UserId; readonly deviceId: number }): number {
    const found = this.find(device);
    if (found !== undefined) return found;
    const user = this.#user(device.userId);
    const added = Number(this.#add.run(user.bytes, device.deviceId).lastInsertRowid);
    user.keys = [...user.keys, device.deviceId, added];
    return added;
  }

  /** The key of an address from or to which mail may go; `undefined` when its account has ended, or doesn't list it. Nothing is looked up where a key is remembered. */
  admit(device: { readonly userId: UserId; readonly deviceId: number }): number | undefined {
    const found = this.find(device);
    if (found !== undefined) return found;
    return this.hasUser(device.userId) ? undefined : this.intern(device);
  }

  /** Whether an account has this id, or had it once. */
  hasUser(userId: UserId): boolean {
    const { bytes } = this.#user(userId);
    return this.#hasUser.get(bytes, digestOfEndedUser(bytes)) !== undefined;
  }

  /** The devices that an account lists, by id. */
  listed(userId: UserId): ListedDevice[] {
    return this.#listed.all(userIdToBytes(userId)).map(({ deviceId, registrationId, isIdle, isKeyless }) => {
      const device = { deviceId, registrationId };
      if (isIdle === 1) return { ...device, standing: 'idle' };
      return isKeyless === 1 ? { ...device, standing: 'keyless' } : device;
    });
  }

  /** Makes the account's devices those of `devices`. Whoever leaves, or comes back under another registration id, loses all that hangs on the row. */
  replace(userId: UserId, devices: readonly ListedDevice[]): void {
    const bytes = userIdToBytes(userId);
    const next = new Map(devices.map(({ deviceId, registrationId }) => [deviceId, registrationId]));
    for (const { deviceId, registrationId } of this.listed(userId)) {
      if (next.get(deviceId) === registrationId) continue;
      this.#known.delete(userId);
      this.#removeRow(this.#find.get(bytes, deviceId), 'revoked');
    }
    for (const { deviceId, registrationId } of devices) this.#list.run(bytes, deviceId, registrationId);
    // When somebody was online is kept only where it is needed: to find the device that is not used any more.
    if (devices.length === 1) this.#forgetDay.run(bytes);
    // Whoever comes to be the primary is never idle.
    this.#wake.run(bytes, Math.min(...devices.map(({ deviceId }) => deviceId)));
  }

  /** Whether a device has yet to upload prekeys under the account's new identity key. */
  setKeyless(id: number, isKeyless: boolean): void {
    const value = isKeyless ? 1 : 0;
    this.#setKeyless.run(value, id, value);
  }

  /** Removes all of an account's rows with all that hangs on them. Of the refresh tokens it stays known why they ended. */
  removeAll(userId: UserId, reason: TokenEnd): void {
    this.#known.delete(userId);
    for (const row of this.#all.all(userIdToBytes(userId))) this.#removeRow(row, reason);
  }

  /** Has `forget` called with the key of each row that is about to be removed, inside the transaction. */
  whenRemoved(forget: (id: number) => void): void {
    this.#removed.push(forget);
  }

  #removeRow(row: { readonly id: number } | undefined, reason: TokenEnd): void {
    if (row === undefined) return;
    this.#endToken.run(reason, row.id);
    for (const forget of this.#removed) forget(row.id);
    this.#remove.run(row.id);
  }

  #user(userId: UserId): KnownUser {
    const known = this.#known.get(userId);
    if (known !== undefined) return known;
    const user: KnownUser = { bytes: userIdToBytes(userId), keys: [] };
    if (this.#known.size >= remembered) this.#known.clear();
    this.#known.set(userId, user);
    return user;
  }
}
