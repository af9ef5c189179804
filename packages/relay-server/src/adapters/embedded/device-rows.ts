import type { Statement } from 'better-sqlite3';
import type { ListedDevice } from '../../ports/account-store.ts';
import type { DeviceAddress, UserId } from '../../ports/ids.ts';
import type { RelayDatabase } from './relay-database.ts';
import { userIdToBytes } from './user-id-bytes.ts';

/** Addresses whose rows are remembered: about 20 MiB. */
const remembered = 200_000;

/** Integer keys of devices. All but `find` and `listed` write, and belong into a transaction. */
export class DeviceRows {
  readonly #known = new Map<string, number>();
  readonly #removed: ((id: number) => void)[] = [];
  readonly #find: Statement<[Buffer, number], { id: number }>;
  readonly #add: Statement<[Buffer, number]>;
  readonly #list: Statement<[Buffer, number, number]>;
  readonly #remove: Statement<[Buffer, number], { id: number }>;
  readonly #removeAll: Statement<[Buffer], { id: number }>;
  readonly #listed: Statement<[Buffer], ListedDevice>;
  readonly #registered: Statement<[number], { id: number }>;

  constructor(database: RelayDatabase) {
    const { sql } = database;
    this.#find = sql.prepare('SELECT id FROM device WHERE user_id = ? AND device_id = ?');
    this.#add = sql.prepare('INSERT INTO device (user_id, device_id) VALUES (?, ?)');
    this.#list = sql.prepare(
      `INSERT INTO device (user_id, device_id, registration_id) VALUES (?, ?, ?)
       ON CONFLICT (user_id, device_id) DO UPDATE SET registration_id = excluded.registration_id`,
    );
    this.#remove = sql.prepare('DELETE FROM device WHERE user_id = ? AND device_id = ? RETURNING id');
    this.#removeAll = sql.prepare('DELETE FROM device WHERE user_id = ? RETURNING id');
    this.#listed = sql.prepare(
      `SELECT device_id AS deviceId, registration_id AS registrationId FROM device
       WHERE user_id = ? AND registration_id IS NOT NULL ORDER BY device_id`,
    );
    this.#registered = sql.prepare('SELECT id FROM device WHERE id = ? AND registration_id IS NOT NULL');
    database.whenUndone(() => this.#known.clear());
  }

  /** The key of an address that has a row. */
  find(device: { readonly userId: UserId; readonly deviceId: number }): number | undefined {
    const text = `${device.userId}.${device.deviceId}`;
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const found = this.#find.get(userIdToBytes(device.userId), device.deviceId);
    return found === undefined ? undefined : this.#remember(text, found.id);
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
    const { lastInsertRowid } = this.#add.run(userIdToBytes(device.userId), device.deviceId);
    return this.#remember(`${device.userId}.${device.deviceId}`, Number(lastInsertRowid));
  }

  /** The devices that an account lists, by id. */
  listed(userId: UserId): ListedDevice[] {
    return this.#listed.all(userIdToBytes(userId));
  }

  /** Makes the account's devices those of `devices`. Whoever leaves, or comes back under another registration id, loses all that hangs on the row. */
  replace(userId: UserId, devices: readonly ListedDevice[]): void {
    const bytes = userIdToBytes(userId);
    const next = new Map(devices.map(({ deviceId, registrationId }) => [deviceId, registrationId]));
    for (const { deviceId, registrationId } of this.listed(userId)) {
      if (next.get(deviceId) === registrationId) continue;
      this.#known.delete(`${userId}.${deviceId}`);
      this.#tellRemoved(this.#remove.all(bytes, deviceId));
    }
    for (const { deviceId, registrationId } of devices) this.#list.run(bytes, deviceId, registrationId);
  }

  /** Removes all of an account's rows with all that hangs on them. */
  removeAll(userId: UserId): void {
    for (let deviceId = 1; deviceId <= 127; deviceId++) this.#known.delete(`${userId}.${deviceId}`);
    this.#tellRemoved(this.#removeAll.all(userIdToBytes(userId)));
  }

  /** Has `forget` called with the key of each row that is removed, inside the transaction. */
  whenRemoved(forget: (id: number) => void): void {
    this.#removed.push(forget);
  }

  #tellRemoved(rows: readonly { readonly id: number }[]): void {
    for (const { id } of rows) for (const forget of this.#removed) forget(id);
  }

  #remember(text: string, id: number): number {
    if (this.#known.size >= remembered) this.#known.clear();
    this.#known.set(text, id);
    return id;
  }
}
