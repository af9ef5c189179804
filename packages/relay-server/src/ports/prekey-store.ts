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

/** `conflict`: another key has one of the ids. `full`: more one-time keys of a kind than are kept. `unknown`: no account lists this device. `outdated`: its account has another identity key by now. With all but `stored` nothing changes. */
export type PrekeyPut = 'stored' | 'conflict' | 'full' | 'unknown' | 'outdated';

/** Public prekeys of devices. A one-time key is given away once, ever, also under concurrency and over a crash. */
export interface PrekeyStore {
  /**
   * Idempotent by id: the same key under the same id is success (and doesn't bring back a key that was given away). A device that was keyless is so no more once it has a signed and a last-resort prekey.
   * @param limit one-time keys of a kind
   * @param identityKey under which the signatures were checked
   */
  put(device: DeviceAddress, keys: PrekeySet, limit: number, identityKey?: Uint8Array): Promise<PrekeyPut>;
  /** Pops one-time keys atomically, lowest id first. `undefined` when the device has no signed or no last-resort prekey (so it doesn't exist, or is not ready). */
  take(device: DeviceAddress): Promise<TakenPrekeys | undefined>;
  left(device: DeviceAddress): Promise<PrekeysLeft>;
}
