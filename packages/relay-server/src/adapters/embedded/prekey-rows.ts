import { createHash } from 'node:crypto';
import type { Statement } from 'better-sqlite3';
import type { EcPrekey, PrekeySet, PrekeysLeft, SignedPrekey, TakenPrekeys } from '../../ports/prekey-store.ts';
import { RelayError } from '../../relay-error.ts';
import type { RelayDatabase } from './relay-database.ts';

/** The `kind` of a row; a released number never changes. */
const ecKind = 1;
const kyberKind = 2;
type Kind = typeof ecKind | typeof kyberKind;

interface KeyRow {
  readonly id: number;
  readonly publicKey: Buffer;
  readonly signature: Buffer;
}

/**
 * Rows of prekeys by the key of their device. All but `left` belong into a transaction.
 *
 * A standing key of kind EC is the signed prekey, of kind Kyber the last-resort one. Of a key that was given away its digest stays, so that a repeated upload can't bring it back.
 */
export class PrekeyRows {
  readonly #standing: Statement<[number, Kind], KeyRow>;
  readonly #putStanding: Statement<[number, Kind, number, Uint8Array, Uint8Array]>;
  readonly #oneTime: Statement<[number, Kind, number], { publicKey: Buffer }>;
  readonly #putOneTime: Statement<[number, Kind, number, Uint8Array, Uint8Array | null]>;
  readonly #lowest: Statement<[number, Kind], { id: number; publicKey: Buffer; signature: Buffer | null }>;
  readonly #removeOneTime: Statement<[number, Kind, number]>;
  readonly #taken: Statement<[number, Kind, number], { digest: Buffer }>;
  readonly #putTaken: Statement<[number, Kind, number, Buffer]>;
  readonly #count: Statement<[number, Kind], { count: number }>;
  readonly #dropStanding: Statement<[number]>;
  readonly #dropOneTime: Statement<[number]>;

  constructor({ sql }: RelayDatabase) {
    this.#standing = sql.prepare(
      'SELECT id, public_key AS publicKey, signature FROM standing_prekey WHERE device = ? AND kind = ?',
    );
    this.#putStanding = sql.prepare('INSERT OR REPLACE INTO standing_prekey VALUES (?, ?, ?, ?, ?)');
    this.#oneTime = sql.prepare(
      'SELECT public_key AS publicKey FROM one_time_prekey WHERE device = ? AND kind = ? AND id = ?',
    );
    this.#putOneTime = sql.prepare('INSERT INTO one_time_prekey VALUES (?, ?, ?, ?, ?)');
    this.#lowest = sql.prepare(
      `SELECT id, public_key AS publicKey, signature FROM one_time_prekey
       WHERE device = ? AND kind = ? ORDER BY id LIMIT 1`,
    );
    this.#removeOneTime = sql.prepare('DELETE FROM one_time_prekey WHERE device = ? AND kind = ? AND id = ?');
    this.#taken = sql.prepare('SELECT digest FROM taken_prekey WHERE device = ? AND kind = ? AND id = ?');
    this.#putTaken = sql.prepare('INSERT INTO taken_prekey VALUES (?, ?, ?, ?)');
    this.#count = sql.prepare('SELECT count(*) AS count FROM one_time_prekey WHERE device = ? AND kind = ?');
    this.#dropStanding = sql.prepare('DELETE FROM standing_prekey WHERE device = ?');
    this.#dropOneTime = sql.prepare('DELETE FROM one_time_prekey WHERE device = ?');
  }

  /** @throws {RelayError} `prekey-conflict` when two keys of the set share an id */
  checkSet(keys: PrekeySet): void {
    if (byId(keys.prekeys) !== undefined && byId(keys.kyberPrekeys) !== undefined) return;
    throw new RelayError('prekey-conflict', 'two prekeys of one kind have the same id: give each its own');
  }

  /** Whether no one-time key of the set has an id that stands, or stood, for another one. */
  fits(device: number, { prekeys, kyberPrekeys }: PrekeySet): boolean {
    return (
      this.#fresh(device, ecKind, prekeys) !== undefined && this.#fresh(device, kyberKind, kyberPrekeys) !== undefined
    );
  }

  /** Puts a set into a device's keys, whole or not at all. */
  put(device: number, keys: PrekeySet, limit: number): 'stored' | 'conflict' | 'full' {
    const ec = this.#fresh(device, ecKind, keys.prekeys);
    const kyber = this.#fresh(device, kyberKind, keys.kyberPrekeys);
    if (ec === undefined || kyber === undefined) return 'conflict';
    if (this.#clashes(device, ecKind, keys.signedPrekey)) return 'conflict';
    if (this.#clashes(device, kyberKind, keys.lastResortKyberPrekey)) return 'conflict';
    const left = this.left(device);
    if (left.ec + ec.length > limit || left.kyber + kyber.length > limit) return 'full';
    this.store(device, { ...keys, prekeys: ec, kyberPrekeys: kyber });
    return 'stored';
  }

  /** Writes a set that was checked. */
  store(device: number, keys: PrekeySet): void {
    const { signedPrekey, lastResortKyberPrekey } = keys;
    if (signedPrekey !== undefined) this.#stand(device, ecKind, signedPrekey);
    if (lastResortKyberPrekey !== undefined) this.#stand(device, kyberKind, lastResortKyberPrekey);
    for (const { id, publicKey } of byId(keys.prekeys)?.values() ?? []) {
      this.#putOneTime.run(device, ecKind, id, publicKey, null);
    }
    for (const { id, publicKey, signature } of byId(keys.kyberPrekeys)?.values() ?? []) {
      this.#putOneTime.run(device, kyberKind, id, publicKey, signature);
    }
  }

  /** Removes all keys of a device. Those that were given away stay known. */
  drop(device: number): void {
    this.#dropStanding.run(device);
    this.#dropOneTime.run(device);
  }

  /** Whether a device has what every bundle needs. */
  isComplete(device: number): boolean {
    return this.#standing.get(device, ecKind) !== undefined && this.#standing.get(device, kyberKind) !== undefined;
  }

  /** Pops what one requester gets. */
  take(device: number): TakenPrekeys | undefined {
    const signedPrekey = this.#standing.get(device, ecKind);
    const lastResort = this.#standing.get(device, kyberKind);
    if (signedPrekey === undefined || lastResort === undefined) return undefined;
    const ec = this.#pop(device, ecKind);
    const kyber = this.#pop(device, kyberKind);
    return {
      signedPrekey,
      prekey: ec && { id: ec.id, publicKey: ec.publicKey },
      kyberPrekey:
        kyber?.signature == null
          ? lastResort
          : { id: kyber.id, publicKey: kyber.publicKey, signature: kyber.signature },
    };
  }

  left(device: number): PrekeysLeft {
    return {
      ec: this.#count.get(device, ecKind)?.count ?? 0,
      kyber: this.#count.get(device, kyberKind)?.count ?? 0,
    };
  }

  #stand(device: number, kind: Kind, key: SignedPrekey): void {
    this.#putStanding.run(device, kind, key.id, key.publicKey, key.signature);
  }

  /** Those of `keys` that were never stored before; `undefined` when one of them has an id that stands for another key. */
  #fresh<Key extends EcPrekey>(device: number, kind: Kind, keys: readonly Key[] | undefined): Key[] | undefined {
    const added: Key[] = [];
    const unique = byId(keys);
    if (unique === undefined) return undefined;
    for (const key of unique.values()) {
      const known = this.#oneTime.get(device, kind, key.id);
      const taken = this.#taken.get(device, kind, key.id);
      if (known !== undefined && !known.publicKey.equals(key.publicKey)) return undefined;
      if (taken !== undefined && !taken.digest.equals(digestOf(key.publicKey))) return undefined;
      if (known === undefined && taken === undefined) added.push(key);
    }
    return added;
  }

  #clashes(device: number, kind: Kind, key: SignedPrekey | undefined): boolean {
    const held = this.#standing.get(device, kind);
    return held !== undefined && key?.id === held.id && !held.publicKey.equals(key.publicKey);
  }

  #pop(device: number, kind: Kind): { id: number; publicKey: Buffer; signature: Buffer | null } | undefined {
    const key = this.#lowest.get(device, kind);
    if (key === undefined) return undefined;
    this.#removeOneTime.run(device, kind, key.id);
    this.#putTaken.run(device, kind, key.id, digestOf(key.publicKey));
    return key;
  }
}

/** Keys by id; `undefined` when an id stands for two. */
function byId<Key extends EcPrekey>(keys: readonly Key[] = []): Map<number, Key> | undefined {
  const unique = new Map<number, Key>();
  for (const key of keys) {
    const known = unique.get(key.id);
    if (known !== undefined && !Buffer.from(known.publicKey).equals(key.publicKey)) return undefined;
    if (known === undefined) unique.set(key.id, key);
  }
  return unique;
}

function digestOf(publicKey: Uint8Array): Buffer {
  return createHash('sha256').update(publicKey).digest().subarray(0, 16);
}
