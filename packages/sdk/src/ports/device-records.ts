import type { DeviceId } from './ids.ts';

/** An own device list that is on its way to the relay: committed before it is asked, so that it is finished after a crash. One a store. */
export interface ListIntentRecord {
  /** An encoded SignedDeviceList. */
  readonly signed: Uint8Array;
  /** The account's new identity key pair, libsignal's serialised form, when a device was taken off. Secret. */
  readonly identityKeyPair: Uint8Array | undefined;
  readonly createdAt: number;
}

/** Another device of the account, as this one hears of it. */
export interface OwnDeviceRecord {
  readonly deviceId: DeviceId;
  /** When something came from it last, to the day; by the own clock. */
  readonly heardAt: number;
}

/** By what sealed senders are believed, and what this device shows as one itself. One a store. */
export interface CertificateRecord {
  /** 33 bytes each: the relay's, as they were when this device registered. */
  readonly trustRoots: readonly Uint8Array[];
  /** libsignal's serialised SenderCertificate of this device. */
  readonly certificate: Uint8Array | undefined;
  /** Of `certificate`, by the relay's clock; 0 when there is none. */
  readonly expiresAt: number;
}
