import { createHash } from 'node:crypto';
import { allDone } from './all-done.ts';
import type { CassandraDatabase } from './cassandra-database.ts';

/** The last time that a clock can show. */
const latest = 8_640_000_000_000_000;

/** How a list is cut up: it never changes, since entries would not be found any more. */
export interface DueListShape {
  readonly name: string;
  /** Milliseconds of one partition. */
  readonly slotMs: number;
  /** Partitions of one slot, by the hash of the item. */
  readonly shards: number;
}

/** Something that is to be looked at again, and from when. */
export interface DueEntry {
  readonly at: number;
  readonly item: string;
}

/**
 * What is due at some time, in order of time, over partitions that stay small.
 *
 * Adding and removing are harmless when done twice. An entry is found through its slot, and counts once both are written; a slot goes only when two sweeps one after the other found it empty and not written to again, so that no entry is lost that was on its way.
 */
export class DueList {
  readonly #database: CassandraDatabase;
  readonly #list: string;
  readonly #shape: DueListShape;
  /** Slots that the last sweep found empty, with the time of their last writing, in microseconds. */
  #empty = new Map<string, bigint>();

  /** @param realm keeps lists in one keyspace apart, as tests need it */
  constructor(database: CassandraDatabase, realm: string, shape: DueListShape) {
    this.#database = database;
    this.#list = `${realm}/${shape.name}`;
    this.#shape = shape;
  }

  async add({ at, item }: DueEntry): Promise<void> {
    const { slot, shard } = this.#place(at, item);
    await allDone([
      this.#database.write('INSERT INTO due_slot (list, shard, slot, mark) VALUES (?, ?, ?, true)', [
        this.#list,
        shard,
        slot,
      ]),
      this.#database.write('INSERT INTO due (list, slot, shard, at, item) VALUES (?, ?, ?, ?, ?)', [
        this.#list,
        slot,
        shard,
        at,
        item,
      ]),
    ]);
  }

  async remove({ at, item }: DueEntry): Promise<void> {
    const { slot, shard } = this.#place(at, item);
    await this.#database.write('DELETE FROM due WHERE list = ? AND slot = ? AND shard = ? AND at = ? AND item = ?', [
      this.#list,
      slot,
      shard,
      at,
      item,
    ]);
  }

  /** The oldest entries that are due before a time, `limit` of each shard at most, in order of time. */
  async before(time: number, limit: number): Promise<DueEntry[]> {
    const last = Math.floor(time / this.#shape.slotMs);
    const shards = Array.from({ length: this.#shape.shards }, (_, shard) =>
      this.#shardBefore(shard, last, time, limit),
    );
    return (await Promise.all(shards)).flat().sort((one, other) => one.at - other.at);
  }

  /** Forgets slots that end before a time and have nothing left. */
  async dropEmpty(time: number): Promise<void> {
    const end = Math.floor(time / this.#shape.slotMs);
    const shards = Array.from({ length: this.#shape.shards }, (_, shard) => this.#dropEmptyOf(shard, end - 1));
    this.#empty = new Map((await allDone(shards)).flat());
  }

  /** Forgets a shard's slots that were empty before; gives those that are now. */
  async #dropEmptyOf(shard: number, last: number): Promise<[string, bigint][]> {
    const found: [string, bigint][] = [];
    for (const { slot, written } of await this.#slots(shard, last)) {
      const [entry] = await this.#entries(shard, slot, latest, 1);
      if (entry !== undefined) continue;
      const key = `${shard}.${slot}`;
      if (this.#empty.get(key) === written) {
        await this.#database.write('DELETE FROM due_slot USING TIMESTAMP ? WHERE list = ? AND shard = ? AND slot = ?', [
          written,
          this.#list,
          shard,
          slot,
        ]);
      } else found.push([key, written]);
    }
    return found;
  }

  async #shardBefore(shard: number, last: number, time: number, limit: number): Promise<DueEntry[]> {
    const found: DueEntry[] = [];
    for (const { slot } of await this.#slots(shard, last)) {
      if (found.length >= limit) break;
      found.push(...(await this.#entries(shard, slot, time, limit - found.length)));
    }
    return found;
  }

  async #slots(shard: number, last: number): Promise<{ slot: number; written: bigint }[]> {
    return this.#database.rows<{ slot: number; written: bigint }>(
      'SELECT slot, WRITETIME(mark) AS written FROM due_slot WHERE list = ? AND shard = ? AND slot <= ?',
      [this.#list, shard, last],
    );
  }

  async #entries(shard: number, slot: number, time: number, limit: number): Promise<DueEntry[]> {
    const rows = await this.#database.rows<{ at: Date; item: string }>(
      'SELECT at, item FROM due WHERE list = ? AND slot = ? AND shard = ? AND at < ? LIMIT ?',
      [this.#list, slot, shard, Math.min(time, latest), limit],
    );
    return rows.map(({ at, item }) => ({ at: at.getTime(), item }));
  }

  #place(at: number, item: string): { slot: number; shard: number } {
    const { slotMs, shards } = this.#shape;
    return {
      slot: Math.floor(at / slotMs),
      shard: createHash('sha256').update(item).digest().readUInt32BE() % shards,
    };
  }
}
