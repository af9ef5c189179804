import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { readAmidFaults, readDatabase } from './read-database.ts';
import { SentCodes } from './sent-codes.ts';
import { SmallDisk } from './small-disk.ts';
import { SoakRelay } from './soak-relay.ts';
import type { DevicePlace, Fault, FaultParts, RelayBooks, SoakRelays } from './soak-relays.ts';
import { relaySteps } from './soak-steps.ts';

const second = 1_000;
const diskMebibytes = 1_024;

/** A relay of one process on SQLite, with its data on a small disk where that is possible. */
export class EmbeddedRelays implements SoakRelays {
  readonly nodes: readonly SoakRelay[];
  readonly steps = relaySteps;
  readonly farthestClockMs = 9 * 24 * 3_600 * second;
  readonly books: RelayBooks;
  readonly #relay: SoakRelay;
  readonly #codes = new SentCodes();
  readonly #disk: SmallDisk | undefined;

  /** @param parts.folder of the run; `logs` is one for what its process writes */
  constructor(parts: {
    readonly folder: string;
    readonly logs: string;
    readonly paced: boolean;
    readonly planted: string | undefined;
  }) {
    const data = join(parts.folder, 'relay');
    this.#disk = SmallDisk.mount(data, diskMebibytes);
    const { logs, paced, planted } = parts;
    const config = { data };
    this.#relay = new SoakRelay({ name: 'relay', kind: 'embedded', config, paced, planted, codes: this.#codes, logs });
    this.nodes = [this.#relay];
    this.books = new EmbeddedBooks(join(data, 'relay.db'));
  }

  faults({ seeded, during }: FaultParts): readonly Fault[] {
    const disk = this.#disk;
    const relay = this.#relay;
    if (disk === undefined) return [];
    const run = async () => {
      relay.mayFail = true;
      disk.fill();
      await during(seeded.between(1, 4) * second);
      disk.free();
      await relay.alone(async () => {
        await relay.revive();
        relay.mayFail = false;
      });
    };
    return [{ kind: 'disk full relay', run }];
  }

  async roll(during: (ms: number) => Promise<void>): Promise<void> {
    await this.#relay.leave();
    await this.#relay.start();
    await during(second);
  }

  route(): number {
    return this.#relay.port;
  }

  codeFor(phone: string): Promise<string> {
    return this.#codes.codeFor(phone);
  }

  async start(): Promise<void> {
    await this.#relay.start();
  }

  async heal(): Promise<void> {
    this.#disk?.free();
  }

  problems(): readonly string[] {
    return [];
  }

  async end(isKept: boolean): Promise<void> {
    this.#disk?.free();
    if (isKept) this.#disk?.keep();
    else this.#disk?.unmount();
  }
}

/** Reads the relay's database, beside the relay. */
class EmbeddedBooks implements RelayBooks {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async isListed({ user, device }: DevicePlace): Promise<boolean | undefined> {
    const query = 'SELECT id FROM device WHERE user_id = ? AND device_id = ? AND registration_id IS NOT NULL';
    return this.#amidFaults(
      (database) => database.prepare<[Buffer, number], { id: number }>(query).get(user, device) !== undefined,
    );
  }

  async hasPrekeys({ user, device }: DevicePlace): Promise<boolean> {
    const query =
      'SELECT count(*) AS count FROM standing_prekey JOIN device ON device.id = device WHERE user_id = ? AND device_id = ?';
    const found = this.#amidFaults((database) =>
      database.prepare<[Buffer, number], { count: number }>(query).get(user, device),
    );
    return (found?.count ?? 0) >= 2;
  }

  async mailLeft(): Promise<number> {
    const query = 'SELECT count(*) AS count FROM mail';
    return readDatabase(this.#path, (database) => Number(database.prepare<[], { count: number }>(query).get()?.count));
  }

  #amidFaults<Value>(read: (database: Database.Database) => Value): Value | undefined {
    return readAmidFaults<Value | undefined>(this.#path, read, undefined);
  }
}
