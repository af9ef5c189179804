import type { DeviceAddress } from '../../ports/ids.ts';
import type { PrekeySet, PrekeyStore, PrekeysLeft, TakenPrekeys } from '../../ports/prekey-store.ts';
import type { DeviceRows } from './device-rows.ts';
import type { PrekeyRows } from './prekey-rows.ts';
import type { RelayDatabase } from './relay-database.ts';

/** Prekeys in SQLite: a key is given out only after the commit that removed it. */
export class EmbeddedPrekeyStore implements PrekeyStore {
  readonly #database: RelayDatabase;
  readonly #devices: DeviceRows;
  readonly #rows: PrekeyRows;

  constructor(database: RelayDatabase, devices: DeviceRows, rows: PrekeyRows) {
    this.#database = database;
    this.#devices = devices;
    this.#rows = rows;
  }

  put(device: DeviceAddress, keys: PrekeySet, limit: number): Promise<'stored' | 'conflict' | 'full' | 'unknown'> {
    return this.#database.write('prekeys', () => {
      const id = this.#devices.findListed(device);
      return id === undefined ? 'unknown' : this.#rows.put(id, keys, limit);
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
