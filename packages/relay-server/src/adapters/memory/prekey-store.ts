import type { DeviceAddress } from '../../ports/ids.ts';
import type {
  EcPrekey,
  PrekeyPut,
  PrekeySet,
  PrekeyStore,
  PrekeysLeft,
  SignedPrekey,
  TakenPrekeys,
} from '../../ports/prekey-store.ts';
import { byteKey, sameBytes } from './byte-key.ts';
import { type DevicePrekeys, deviceKey, type MemoryState, type OneTimeKeys } from './memory-state.ts';

/** Prekeys in memory. */
export class MemoryPrekeyStore implements PrekeyStore {
  readonly #state: MemoryState;

  constructor(state: MemoryState) {
    this.#state = state;
  }

  async put(device: DeviceAddress, keys: PrekeySet, limit: number, identityKey?: Uint8Array): Promise<PrekeyPut> {
    const { prekeys, accounts, keyless } = this.#state;
    const held = prekeys.get(deviceKey(device));
    if (held === undefined) return 'unknown';
    const current = accounts.get(device.userId)?.deviceList.identityKey;
    if (identityKey !== undefined && current !== undefined && !sameBytes(current, identityKey)) return 'outdated';
    const outcome = storePrekeys(held, keys, limit);
    if (outcome === 'stored' && held.signedPrekey !== undefined && held.lastResort !== undefined) {
      keyless.delete(deviceKey(device));
    }
    return outcome;
  }

  async take(device: DeviceAddress): Promise<TakenPrekeys | undefined> {
    const held = this.#state.prekeys.get(deviceKey(device));
    if (held?.signedPrekey === undefined || held.lastResort === undefined) return undefined;
    return {
      signedPrekey: held.signedPrekey,
      prekey: pop(held.ec),
      kyberPrekey: pop(held.kyber) ?? held.lastResort,
    };
  }

  async left(device: DeviceAddress): Promise<PrekeysLeft> {
    const held = this.#state.prekeys.get(deviceKey(device));
    return { ec: held?.ec.left.size ?? 0, kyber: held?.kyber.left.size ?? 0 };
  }
}

/** A device that has uploaded nothing yet. */
export function noPrekeys(): DevicePrekeys {
  return {
    signedPrekey: undefined,
    lastResort: undefined,
    ec: { left: new Map(), taken: new Map() },
    kyber: { left: new Map(), taken: new Map() },
  };
}

/** Whether no one-time key of the set has an id that stands, or stood, for another one. */
export function fitsPrekeys(held: DevicePrekeys, keys: PrekeySet): boolean {
  return fresh(held.ec, keys.prekeys ?? []) !== undefined && fresh(held.kyber, keys.kyberPrekeys ?? []) !== undefined;
}

/** Removes all keys of a device. Those that were given away stay known. */
export function dropPrekeys(held: DevicePrekeys): void {
  held.signedPrekey = undefined;
  held.lastResort = undefined;
  held.ec.left.clear();
  held.kyber.left.clear();
}

/** Puts a set into a device's keys, whole or not at all. */
export function storePrekeys(held: DevicePrekeys, keys: PrekeySet, limit: number): 'stored' | 'conflict' | 'full' {
  const ec = fresh(held.ec, keys.prekeys ?? []);
  const kyber = fresh(held.kyber, keys.kyberPrekeys ?? []);
  if (ec === undefined || kyber === undefined) return 'conflict';
  if (clashes(held.signedPrekey, keys.signedPrekey)) return 'conflict';
  if (clashes(held.lastResort, keys.lastResortKyberPrekey)) return 'conflict';
  if (held.ec.left.size + ec.size > limit || held.kyber.left.size + kyber.size > limit) return 'full';
  for (const [id, key] of ec) held.ec.left.set(id, key);
  for (const [id, key] of kyber) held.kyber.left.set(id, key);
  held.signedPrekey = keys.signedPrekey ?? held.signedPrekey;
  held.lastResort = keys.lastResortKyberPrekey ?? held.lastResort;
  return 'stored';
}

/** Those of `keys` that were never stored before; `undefined` when one of them has an id that stands for another key. */
function fresh<Key extends EcPrekey>(held: OneTimeKeys<Key>, keys: readonly Key[]): Map<number, Key> | undefined {
  const added = new Map<number, Key>();
  for (const key of keys) {
    const known = held.left.get(key.id) ?? added.get(key.id);
    const taken = held.taken.get(key.id);
    if (known !== undefined && !sameBytes(known.publicKey, key.publicKey)) return undefined;
    if (taken !== undefined && taken !== byteKey(key.publicKey)) return undefined;
    if (known === undefined && taken === undefined) added.set(key.id, key);
  }
  return added;
}

function clashes(held: SignedPrekey | undefined, key: SignedPrekey | undefined): boolean {
  return held !== undefined && key !== undefined && held.id === key.id && !sameBytes(held.publicKey, key.publicKey);
}

function pop<Key extends EcPrekey>(keys: OneTimeKeys<Key>): Key | undefined {
  let lowest: Key | undefined;
  for (const key of keys.left.values()) {
    if (lowest === undefined || key.id < lowest.id) lowest = key;
  }
  if (lowest === undefined) return undefined;
  keys.left.delete(lowest.id);
  keys.taken.set(lowest.id, byteKey(lowest.publicKey));
  return lowest;
}
