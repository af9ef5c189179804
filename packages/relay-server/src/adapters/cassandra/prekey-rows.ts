import { createHash, randomUUID } from 'node:crypto';
import type { EcPrekey, PrekeySet, PrekeysLeft, SignedPrekey, TakenPrekeys } from '../../ports/prekey-store.ts';
import type { CassandraDatabase, CqlStatement } from './cassandra-database.ts';
import { unavailable } from './cassandra-failure.ts';
import { untilDone } from './until-done.ts';

/** Kinds of rows in a device's partition; a released number never changes. What was taken stays for all epochs, under {@link allEpochs}. */
const shelf = { ec: 1, kyber: 2, takenEc: 3, takenKyber: 4, signed: 5, lastResort: 6 } as const;
type Shelf = (typeof shelf)[keyof typeof shelf];
const allEpochs = '00000000-0000-4000-8000-000000000000';

/** How many keys one step gives away to nobody. */
const retiredAtOnce = 50;

/** Where the prekeys are kept that an account's identity key of now has signed. */
export interface PrekeyPlace {
  readonly incarnation: string;
  readonly epoch: string;
}

interface KeyRow {
  readonly [column: string]: unknown;
  readonly shelf: number;
  readonly id: number;
  readonly public_key: Buffer;
  readonly signature: Buffer | null;
}

interface Known {
  readonly version: string | undefined;
  /** Digest by id: of those that are there. */
  readonly left: ReadonlyMap<Shelf, ReadonlyMap<number, string>>;
  /** Digest by id: of those of the asked ones that were given away. */
  readonly taken: ReadonlyMap<Shelf, ReadonlyMap<number, string>>;
  readonly signed: StandingId | undefined;
  readonly lastResort: StandingId | undefined;
}

interface StandingId {
  readonly id: number;
  readonly digest: string;
}

/**
 * Prekeys of devices, one partition an incarnation: what is put and what is taken are conditional writes of that one partition, so each is there whole or not at all.
 *
 * Its `version` changes with each put, and is the condition of the next. A key is taken by the write that deletes its row if it is there, and leaves its digest in the same step if there is none: so it is given away once, whichever node asks, and neither a repeated upload nor a stale replica brings it back.
 * A crash leaves all or nothing of a put, and of a take either the key, or a key that nobody got.
 */
export class PrekeyRows {
  readonly #database: CassandraDatabase;

  constructor(database: CassandraDatabase) {
    this.#database = database;
  }

  /** Puts a set, whole or not at all; `outrun` when somebody else put one meanwhile. */
  async put(place: PrekeyPlace, keys: PrekeySet, limit: number): Promise<'stored' | 'conflict' | 'full' | 'outrun'> {
    const known = await this.#known(place, keys);
    const ec = fresh(known, shelf.ec, shelf.takenEc, keys.prekeys);
    const kyber = fresh(known, shelf.kyber, shelf.takenKyber, keys.kyberPrekeys);
    if (ec === undefined || kyber === undefined) return 'conflict';
    if (clashes(known.signed, keys.signedPrekey) || clashes(known.lastResort, keys.lastResortKyberPrekey)) {
      return 'conflict';
    }
    const count = (of: Shelf) => known.left.get(of)?.size ?? 0;
    if (count(shelf.ec) + ec.length > limit || count(shelf.kyber) + kyber.length > limit) return 'full';
    return this.#store(place, known.version, { ...keys, prekeys: ec, kyberPrekeys: kyber });
  }

  /** Puts the set that comes with a new identity key under its epoch, where nobody looks yet; ids that `before` has, or that were given away, are a conflict. */
  async renew(
    place: PrekeyPlace,
    before: PrekeyPlace,
    keys: PrekeySet,
  ): Promise<'stored' | 'conflict' | 'full' | 'outrun'> {
    const known = await this.#known(before, keys);
    const ec = fresh(known, shelf.ec, shelf.takenEc, keys.prekeys);
    const kyber = fresh(known, shelf.kyber, shelf.takenKyber, keys.kyberPrekeys);
    if (ec === undefined || kyber === undefined) return 'conflict';
    const unique = { prekeys: byId(keys.prekeys) ?? [], kyberPrekeys: byId(keys.kyberPrekeys) ?? [] };
    const untaken = {
      prekeys: unique.prekeys.filter(({ id }) => known.taken.get(shelf.takenEc)?.get(id) === undefined),
      kyberPrekeys: unique.kyberPrekeys.filter(({ id }) => known.taken.get(shelf.takenKyber)?.get(id) === undefined),
    };
    return this.#store(place, known.version, { ...keys, ...untaken });
  }

  /** Pops what one requester gets; nothing when a standing key is missing. */
  async take(place: PrekeyPlace): Promise<TakenPrekeys | undefined> {
    for (;;) {
      const [standing, ec, kyber] = await Promise.all([
        this.#standing(place),
        this.#lowest(place, shelf.ec),
        this.#lowest(place, shelf.kyber),
      ]);
      const signed = standing.get(shelf.signed);
      const lastResort = standing.get(shelf.lastResort);
      if (signed === undefined || lastResort === undefined) return undefined;
      if (!(await this.#remove(place, ec, kyber))) continue;
      return {
        signedPrekey: signedOf(signed),
        prekey: ec && { id: ec.id, publicKey: ec.public_key },
        kyberPrekey: signedOf(kyber ?? lastResort),
      };
    }
  }

  async left(place: PrekeyPlace): Promise<PrekeysLeft> {
    const [ec, kyber] = await Promise.all([this.#count(place, shelf.ec), this.#count(place, shelf.kyber)]);
    return { ec, kyber };
  }

  /** Whether a device has what every bundle needs. */
  async isComplete(place: PrekeyPlace): Promise<boolean> {
    const standing = await this.#database.rows<{ shelf: number }>(
      'SELECT shelf FROM prekey WHERE incarnation = ? AND shelf IN (5, 6) AND epoch = ?',
      [place.incarnation, place.epoch],
    );
    return standing.length === 2;
  }

  /** Marks all one-time keys of a device as given away, so that nobody gets one of them, and no upload brings one back; gives how many there were. */
  async retire(incarnation: string): Promise<number> {
    for (let retired = 0; ; ) {
      const [first, ...others] = await this.#database.rows<KeyRow & { readonly epoch: unknown }>(
        'SELECT shelf, epoch, id, public_key, signature FROM prekey WHERE incarnation = ? AND shelf IN (1, 2) LIMIT ?',
        [incarnation, retiredAtOnce],
      );
      if (first === undefined) return retired;
      const epoch = String(first.epoch);
      const keys = [first, ...others.filter((key) => String(key.epoch) === epoch)];
      if (await this.#remove({ incarnation, epoch }, ...keys)) retired += keys.length;
    }
  }

  /** All devices that have, or had, a key. */
  async incarnations(): Promise<readonly string[]> {
    const rows = await this.#database.rows('SELECT DISTINCT incarnation FROM prekey');
    return rows.map((row) => String(row.incarnation));
  }

  /** Deletes the keys of an epoch that nobody reaches any more. */
  dropEpoch({ incarnation, epoch }: PrekeyPlace): Promise<void> {
    const shelves = [shelf.ec, shelf.kyber, shelf.signed, shelf.lastResort];
    return this.#delete(incarnation, randomUUID(), [
      ...shelves.map((of) => ({
        cql: 'DELETE FROM prekey WHERE incarnation = ? AND shelf = ? AND epoch = ?',
        values: [incarnation, of, epoch],
      })),
    ]);
  }

  /** Deletes all that there is of a device. */
  erase(incarnation: string): Promise<void> {
    return this.#delete(incarnation, undefined, [
      ...Object.values(shelf).map((of) => ({
        cql: 'DELETE FROM prekey WHERE incarnation = ? AND shelf = ?',
        values: [incarnation, of],
      })),
    ]);
  }

  async #delete(incarnation: string, next: string | undefined, deletions: readonly CqlStatement[]): Promise<void> {
    await untilDone(async () => {
      const version = await this.#version(incarnation, 'serial');
      if (version === undefined) return undefined;
      const outcome = await this.#database.conditionalTogether([this.#bump(incarnation, version, next), ...deletions]);
      if (outcome.status === 'unknown') throw unavailable(outcome.cause);
      return outcome.status === 'applied' ? undefined : 'outrun';
    });
  }

  async #known(place: PrekeyPlace, keys: PrekeySet): Promise<Known> {
    const { incarnation, epoch } = place;
    const asked = (of: Shelf, sought: readonly EcPrekey[] = []) =>
      sought.length === 0
        ? []
        : this.#database.rows<{ shelf: number; id: number; digest: Buffer }>(
            'SELECT shelf, id, digest FROM prekey WHERE incarnation = ? AND shelf = ? AND epoch = ? AND id IN ?',
            [incarnation, of, allEpochs, [...new Set(sought.map(({ id }) => id))]],
          );
    const [version, rows, takenEc, takenKyber] = await Promise.all([
      this.#version(incarnation),
      this.#database.rows<{ shelf: number; id: number; digest: Buffer }>(
        'SELECT shelf, key_id AS id, digest FROM prekey WHERE incarnation = ? AND shelf IN (1, 2, 5, 6) AND epoch = ?',
        [incarnation, epoch],
      ),
      asked(shelf.takenEc, keys.prekeys),
      asked(shelf.takenKyber, keys.kyberPrekeys),
    ]);
    const left = new Map<Shelf, Map<number, string>>();
    const taken = new Map<Shelf, Map<number, string>>();
    for (const [rowsOf, shelves] of [[rows, left] as const, [[...takenEc, ...takenKyber], taken] as const]) {
      for (const row of rowsOf) {
        const of = row.shelf as Shelf;
        const ids = shelves.get(of) ?? new Map<number, string>();
        shelves.set(of, ids.set(row.id, row.digest.toString('hex')));
      }
    }
    return {
      version,
      left,
      taken,
      signed: standingId(left, shelf.signed),
      lastResort: standingId(left, shelf.lastResort),
    };
  }

  async #store(place: PrekeyPlace, version: string | undefined, keys: PrekeySet): Promise<'stored' | 'outrun'> {
    const { incarnation } = place;
    const { prekeys = [], kyberPrekeys = [], signedPrekey, lastResortKyberPrekey } = keys;
    const next = randomUUID();
    const statements = [
      ...prekeys.map((key) => this.#insert(place, shelf.ec, key)),
      ...kyberPrekeys.map((key) => this.#insert(place, shelf.kyber, key)),
      ...this.#stand(place, shelf.signed, signedPrekey),
      ...this.#stand(place, shelf.lastResort, lastResortKyberPrekey),
    ];
    if (statements.length === 0) return 'stored';
    const outcome = await this.#database.conditionalTogether([this.#bump(incarnation, version, next), ...statements]);
    if (outcome.status === 'applied') return 'stored';
    if (outcome.status === 'refused') return 'outrun';
    const settled = await this.#version(incarnation, 'serial');
    if (settled === next) return 'stored';
    if (settled === version) return 'outrun';
    throw unavailable(outcome.cause);
  }

  /** Deletes the rows of taken keys if they are there; whether they were. */
  async #remove({ incarnation, epoch }: PrekeyPlace, ...keys: readonly (KeyRow | undefined)[]): Promise<boolean> {
    const attempt = randomUUID();
    const there = keys.filter((key) => key !== undefined);
    const [first] = there;
    if (first === undefined) return true;
    const takenShelf = (key: KeyRow) => (key.shelf === shelf.ec ? shelf.takenEc : shelf.takenKyber);
    const outcome = await this.#database.conditionalTogether(
      there.flatMap((key) => [
        {
          cql: 'DELETE FROM prekey WHERE incarnation = ? AND shelf = ? AND epoch = ? AND id = ? IF EXISTS',
          values: [incarnation, key.shelf, epoch, key.id],
        },
        {
          cql: `INSERT INTO prekey (incarnation, shelf, epoch, id, digest, taken_by) VALUES (?, ?, ?, ?, ?, ?)
            IF NOT EXISTS`,
          values: [incarnation, takenShelf(key), allEpochs, key.id, digestOf(key.public_key), attempt],
        },
      ]),
    );
    if (outcome.status === 'applied') return true;
    if (outcome.status === 'refused') {
      for (const key of there) await this.#dropGhost({ incarnation, epoch }, key, takenShelf(key));
      return false;
    }
    const row = await this.#database.row(
      'SELECT taken_by FROM prekey WHERE incarnation = ? AND shelf = ? AND epoch = ? AND id = ?',
      [incarnation, takenShelf(first), allEpochs, first.id],
      'serial',
    );
    return row !== undefined && String(row.taken_by) === attempt;
  }

  /** A key that was taken is there again when a replica has slept through its deletion for longer than the engine remembers it: it goes once more. */
  async #dropGhost({ incarnation, epoch }: PrekeyPlace, key: KeyRow, taken: Shelf): Promise<void> {
    const row = await this.#database.row(
      'SELECT taken_by FROM prekey WHERE incarnation = ? AND shelf = ? AND epoch = ? AND id = ?',
      [incarnation, taken, allEpochs, key.id],
    );
    if (row === undefined) return;
    await this.#database.conditional(
      'DELETE FROM prekey WHERE incarnation = ? AND shelf = ? AND epoch = ? AND id = ? IF EXISTS',
      [incarnation, key.shelf, epoch, key.id],
    );
  }

  async #standing({ incarnation, epoch }: PrekeyPlace): Promise<Map<number, KeyRow>> {
    const rows = await this.#database.rows<KeyRow>(
      'SELECT shelf, key_id AS id, public_key, signature FROM prekey WHERE incarnation = ? AND shelf IN (5, 6) AND epoch = ?',
      [incarnation, epoch],
    );
    return new Map(rows.map((row) => [row.shelf, row]));
  }

  #lowest({ incarnation, epoch }: PrekeyPlace, of: Shelf): Promise<KeyRow | undefined> {
    return this.#database.row<KeyRow>(
      'SELECT shelf, id, public_key, signature FROM prekey WHERE incarnation = ? AND shelf = ? AND epoch = ? LIMIT 1',
      [incarnation, of, epoch],
    );
  }

  async #count({ incarnation, epoch }: PrekeyPlace, of: Shelf): Promise<number> {
    const row = await this.#database.row(
      'SELECT count(*) AS count FROM prekey WHERE incarnation = ? AND shelf = ? AND epoch = ?',
      [incarnation, of, epoch],
    );
    return Number(row?.count ?? 0);
  }

  async #version(incarnation: string, consistency: 'quorum' | 'serial' = 'quorum'): Promise<string | undefined> {
    const row = await this.#database.row(
      'SELECT DISTINCT incarnation, version FROM prekey WHERE incarnation = ?',
      [incarnation],
      consistency,
    );
    return row === undefined || row.version === null ? undefined : String(row.version);
  }

  #bump(incarnation: string, version: string | undefined, next: string | undefined): CqlStatement {
    return {
      cql: 'UPDATE prekey SET version = ? WHERE incarnation = ? IF version = ?',
      values: [next, incarnation, version],
    };
  }

  #insert(
    place: PrekeyPlace,
    of: Shelf,
    key: EcPrekey & { readonly signature?: Uint8Array },
    id = key.id,
  ): CqlStatement {
    const { incarnation, epoch } = place;
    const digest = digestOf(key.publicKey);
    return {
      cql: `INSERT INTO prekey (incarnation, shelf, epoch, id, key_id, public_key, signature, digest)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      values: [incarnation, of, epoch, id, key.id, key.publicKey, key.signature, digest],
    };
  }

  /** A standing key takes the place of the one before: all have the clustering id 0. */
  #stand(place: PrekeyPlace, of: Shelf, key: SignedPrekey | undefined): CqlStatement[] {
    return key === undefined ? [] : [this.#insert(place, of, key, 0)];
  }
}

/** Keys with an id each; `undefined` when an id stands for two. */
export function byId<Key extends EcPrekey>(keys: readonly Key[] = []): Key[] | undefined {
  const unique = new Map<number, Key>();
  for (const key of keys) {
    const known = unique.get(key.id);
    if (known !== undefined && !Buffer.from(known.publicKey).equals(key.publicKey)) return undefined;
    unique.set(key.id, key);
  }
  return [...unique.values()];
}

/** Those of `keys` that were never stored before; `undefined` when one of them has an id that stands, or stood, for another key. */
function fresh<Key extends EcPrekey>(
  { left, taken }: Known,
  of: Shelf,
  takenOf: Shelf,
  keys: readonly Key[] | undefined,
): Key[] | undefined {
  const added: Key[] = [];
  for (const key of byId(keys) ?? []) {
    const known = left.get(of)?.get(key.id) ?? taken.get(takenOf)?.get(key.id);
    if (known === undefined) added.push(key);
    else if (known !== digestOf(key.publicKey).toString('hex')) return undefined;
  }
  return byId(keys) === undefined ? undefined : added;
}

function clashes(held: StandingId | undefined, key: SignedPrekey | undefined): boolean {
  return held !== undefined && held.id === key?.id && held.digest !== digestOf(key.publicKey).toString('hex');
}

function standingId(left: ReadonlyMap<Shelf, ReadonlyMap<number, string>>, of: Shelf): StandingId | undefined {
  const [found] = left.get(of) ?? [];
  return found && { id: found[0], digest: found[1] };
}

function signedOf({ id, public_key, signature }: KeyRow): SignedPrekey {
  return { id, publicKey: public_key, signature: signature ?? new Uint8Array() };
}

function digestOf(publicKey: Uint8Array): Buffer {
  return createHash('sha256').update(publicKey).digest().subarray(0, 16);
}
