import type { DeviceAddress, NumberMac, UserId } from './ids.ts';
import type { PrekeySet } from './prekey-store.ts';
import type { LockAttempt, LockRefusal } from './registration-lock.ts';

/** A device as the signed list names it. */
export interface ListedDevice {
  readonly deviceId: number;
  readonly registrationId: number;
  /**
   * `idle`: it was not connected for long, and gets no mail. `keyless`: it has uploaded no prekeys since the account's identity key changed. Either may be left out of a Send.
   *
   * Left out for all others, and of no meaning in a list that is to be stored.
   */
  readonly standing?: 'idle' | 'keyless';
}

/** Prekeys that come with a new identity key. */
export interface PrekeyRenewal {
  readonly deviceId: number;
  readonly prekeys: PrekeySet;
}

/** A signed device list with what the relay reads from it. */
export interface StoredDeviceList {
  readonly version: number;
  /** An encoded SignedDeviceList. */
  readonly signed: Uint8Array;
  /** SHA-256 of the inner list, which the next version must name. */
  readonly hash: Uint8Array;
  readonly rootKey: Uint8Array;
  readonly identityKey: Uint8Array;
  /** In the order of their ids. */
  readonly devices: readonly ListedDevice[];
}

/** All that comes to be at once when somebody registers. */
export interface NewAccount {
  /** 16 bytes, from the client. */
  readonly idempotencyKey: Uint8Array;
  /** SHA-256 of the request: the same key with another request is refused. */
  readonly requestHash: Uint8Array;
  readonly userId: UserId;
  readonly numberMac: NumberMac;
  readonly numberCiphertext: Uint8Array;
  readonly deviceList: StoredDeviceList;
  readonly device: DeviceAddress;
  readonly prekeys: PrekeySet;
  readonly profile: Uint8Array;
  /** SHA-256 of the access key, if the client made one. */
  readonly accessKeyHash: Uint8Array | undefined;
  readonly refreshTokenHash: Uint8Array;
  readonly createdAt: number;
  /** For the account that has the number now, if there is one. */
  readonly lock: LockAttempt;
  /** The owner of the account that has the number takes it over with the root key: user id and lock stay, `deviceList` follows the stored one. */
  readonly recovers: boolean;
}

/**
 * `registered`: the account is there; `replaced` names the account that had the number before: it lost the number, its devices with their tokens, prekeys and mail, and its profile, and its user id is never given out again.
 * `recovered`: the account has the new list and device alone; the old devices lost tokens, prekeys and mail. `recovery-refused`: no such account has the number. `recovery-outdated`: its list is not the one before `deviceList`.
 * `locked`: the account that has the number has a lock that the attempt did not open; nothing changed but its tries.
 * `repeated`: this very request had been carried out. `user-id-taken`: in use, or was once: choose another. `idempotency-mismatch`: the key was used for another request.
 */
export type RegistrationOutcome =
  | { readonly status: 'registered'; readonly replaced: UserId | undefined }
  | { readonly status: 'locked'; readonly refusal: LockRefusal }
  | {
      readonly status:
        | 'recovered'
        | 'recovery-refused'
        | 'recovery-outdated'
        | 'repeated'
        | 'user-id-taken'
        | 'idempotency-mismatch';
    };

/** Accounts, their numbers and their device lists. Profiles and accounts never expire by themselves. */
export interface AccountStore {
  /**
   * Atomic: account, number, device list, device, prekeys, profile and refresh token come to be together or not at all.
   * @throws {RelayError} `prekey-conflict` when two prekeys share an id; `request-malformed` when the refresh token has been seen before
   */
  register(account: NewAccount): Promise<RegistrationOutcome>;
  /** Which of these numbers have an account, by position in `macs`. */
  byNumbers(macs: readonly NumberMac[]): Promise<readonly (UserId | undefined)[]>;
  deviceList(userId: UserId): Promise<StoredDeviceList | undefined>;
  /**
   * Stores the next version if the stored one is `list.version - 1`; otherwise `conflict`. Devices that are no longer listed, or under another registration id, lose tokens, prekeys and mail.
   *
   * When the identity key is another one all devices lose their prekeys, and are keyless until they upload new ones: but for the one of `renewal`, whose keys are stored in the same step.
   * @throws {RelayError} `prekey-conflict` when a key of `renewal` has an id that another one has, or had and was given away
   */
  replaceDeviceList(
    userId: UserId,
    list: StoredDeviceList,
    renewal?: PrekeyRenewal,
  ): Promise<'stored' | 'conflict' | 'unknown'>;
  profile(userId: UserId): Promise<Uint8Array | undefined>;
  /** Replaces the profile, and with it the access key's hash when one is given, in the name of a device: `unknown` when its account does not list it (any more). */
  putProfile(device: DeviceAddress, profile: Uint8Array, accessKeyHash?: Uint8Array): Promise<'stored' | 'unknown'>;
  /** SHA-256 of the account's access key; `undefined` when it has none, or there is no such account. */
  accessKeyHash(userId: UserId): Promise<Uint8Array | undefined>;
}
