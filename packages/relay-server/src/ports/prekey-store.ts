import type { DeviceAddress } from './ids.ts';

/** A public one-time EC prekey. */
export interface EcPrekey {
  readonly id: number;
  readonly publicKey: Uint8Array;
}

/** A public prekey with the identity key's signature. */
export interface SignedPrekey extends EcPrekey {
  readonly signature: Uint8Array;
}

/** Keys to store; what is left out stays. One-time keys add to those that are there. */
export interface PrekeySet {
  readonly signedPrekey?: SignedPrekey;
  readonly lastResortKyberPrekey?: SignedPrekey;
  readonly prekeys?: readonly EcPrekey[];
  readonly kyberPrekeys?: readonly SignedPrekey[];
}

/** What one requester gets to open one session. */
export interface TakenPrekeys {
  readonly signedPrekey: SignedPrekey;
  readonly prekey: EcPrekey | undefined;
  /** A one-time key while there are any, then the last-resort key. */
  readonly kyberPrekey: SignedPrekey;
}

/** One-time keys that are left. */
export interface PrekeysLeft {
  readonly ec: number;
  readonly kyber: number;
}

/** Public prekeys of devices. A one-time key is given away once, ever, also under concurrency and over a crash. */
export interface PrekeyStore {
  /** Idempotent by id: the same key under the same id is success (and doesn't bring back a key that was given away); another key under a known id is `conflict`, and nothing of the set is stored. `full`: more than `limit` one-time keys of a kind. `unknown`: no account lists this device. */
  put(device: DeviceAddress, keys: PrekeySet, limit: number): Promise<'stored' | 'conflict' | 'full' | 'unknown'>;
  /** Pops one-time keys atomically, lowest id first. `undefined` when the device has no signed or no last-resort prekey (so it doesn't exist, or is not ready). */
  take(device: DeviceAddress): Promise<TakenPrekeys | undefined>;
  left(device: DeviceAddress): Promise<PrekeysLeft>;
}
