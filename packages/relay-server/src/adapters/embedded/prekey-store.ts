import type { DeviceAddress } from '../../ports/ids.ts';
import type { PrekeyPut, PrekeySet, PrekeyStore, PrekeysLeft, TakenPrekeys } from '../../ports/prekey-store.ts';
import type { DeviceRows } from './device-rows.ts';
import type { ListRows } from './list-rows.ts';
import type { PrekeyRows } from './prekey-rows.ts';
import type { RelayDatabase } from './relay-database.ts';

/** Prekeys in SQLite: a key is given out only after the commit that removed it. */
export class EmbeddedPrekeyStore implements PrekeyStore {
  readonly #database: RelayDatabase;
  readonly #devices: DeviceRows;
  readonly #rows: PrekeyRows;
  readonly #lists: ListRows;

  constructor(database: RelayDatabase, devices: DeviceRows, rows: PrekeyRows, lists: ListRows) {
    this.#database = database;
    this.#devices = devices;
    this.#rows = rows;
    this.#lists = lists;
  }

  put(device: DeviceAddress, keys: PrekeySet, limit: number, identityKey?: Uint8Array): Promise<PrekeyPut> {
    return this.#database.write('prekeys', () => {
      const id = this.#devices.findListed(device);
      if (id === undefined) return 'unknown';
      if (identityKey !== undefined && !this.#lists.hasIdentityKey(device.userId, identityKey)) return 'outdated';
      const outcome = this.#rows.put(id, keys, limit);
      if (outcome === 'stored' && this.#rows.isComplete(id)) this.#devices.setKeyless(id, false);
      return outcome;
    });
  }

  take(device: DeviceAddress): Promise<TakenPrekeys | undefined> {
    return this.#database.write('prekeys', () => {
      const id = this.#devices.findListed(device);
      return id === undefined ? undefined : this.#rows.take(id);
    });
  }

  left(device: DeviceAddress): Promise<PrekeysLeft> {
    return this.#database.read(() => {
      const id = this.#devices.findListed(device);
      return id === undefined ? { ec: 0, kyber: 0 } : this.#rows.left(id);
    });
  }
}
