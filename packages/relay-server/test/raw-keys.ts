import { randomBytes, randomUUID } from 'node:crypto';
import { IdentityKeyPair, KEMKeyPair, PrivateKey } from '@signalapp/libsignal-client';
import {
  DeviceList,
  type PrekeyUpload,
  type PublicPrekey,
  type RegistrationRequest,
  SignedDeviceList,
  type SignedPublicPrekey,
  signedBytesOfDeviceList,
  toBase64Url,
  uuidToBytes,
} from '@sotto/proto';

/** The keys of one account with one device, made anew. */
export interface RawKeys {
  readonly userId: string;
  readonly registrationId: number;
  readonly identity: IdentityKeyPair;
  readonly root: PrivateKey;
  readonly device: PrivateKey;
}

/** What of a device list a test wants to be different. */
export interface ListChanges {
  readonly userId?: Uint8Array;
  readonly version?: number;
  readonly previousHash?: Uint8Array;
  readonly identityKey?: Uint8Array;
  readonly devices?: readonly {
    readonly deviceId: number;
    readonly registrationId: number;
    readonly deviceKey?: Uint8Array;
  }[];
  readonly signer?: PrivateKey;
}

export function makeKeys(): RawKeys {
  return {
    userId: randomUUID(),
    registrationId: 1 + (randomBytes(2).readUInt16BE() % 16_380),
    identity: IdentityKeyPair.generate(),
    root: PrivateKey.generate(),
    device: PrivateKey.generate(),
  };
}

/** A signed device list: version 1 with device 1, but for the changes. */
export function signedList(keys: RawKeys, changes: ListChanges = {}): Uint8Array {
  const deviceKey = keys.device.getPublicKey().serialize();
  const list = DeviceList.encode({
    userId: changes.userId ?? uuidToBytes(keys.userId),
    version: changes.version ?? 1,
    previousHash: changes.previousHash ?? new Uint8Array(),
    createdAt: 1,
    identityKey: changes.identityKey ?? keys.identity.publicKey.serialize(),
    devices: (changes.devices ?? [{ deviceId: 1, registrationId: keys.registrationId }]).map((device) => ({
      deviceKey,
      addedAt: 1,
      ...device,
    })),
  });
  const signer = changes.signer ?? keys.root;
  return SignedDeviceList.encode({
    list,
    signature: signer.sign(new Uint8Array(signedBytesOfDeviceList(list))),
    rootKey: keys.root.getPublicKey().serialize(),
  });
}

export function ecPrekey(id: number): PublicPrekey {
  return { id, publicKey: toBase64Url(PrivateKey.generate().getPublicKey().serialize()) };
}

export function signedEcPrekey(keys: RawKeys, id: number): SignedPublicPrekey {
  return signedPrekey(keys, id, PrivateKey.generate().getPublicKey().serialize());
}

export function kyberPrekey(keys: RawKeys, id: number): SignedPublicPrekey {
  return signedPrekey(keys, id, KEMKeyPair.generate().getPublicKey().serialize());
}

/** Prekeys of every kind, `oneTime` of those that are used once. */
export function makePrekeys(keys: RawKeys, oneTime = 2, firstId = 1): Required<PrekeyUpload> {
  const ids = Array.from({ length: oneTime }, (_, at) => firstId + at);
  return {
    signedPrekey: signedEcPrekey(keys, 1),
    lastResortKyberPrekey: kyberPrekey(keys, 16_000_000),
    prekeys: ids.map(ecPrekey),
    kyberPrekeys: ids.map((id) => kyberPrekey(keys, id)),
  };
}

/** A registration that is right in everything. */
export function makeRegistration(keys: RawKeys, verificationId: string, code: string): RegistrationRequest {
  return {
    verificationId,
    code,
    idempotencyKey: randomToken(16),
    userId: keys.userId,
    deviceList: toBase64Url(signedList(keys)),
    refreshToken: randomToken(),
    prekeys: makePrekeys(keys),
    profile: randomToken(300),
  };
}

export function randomToken(bytes = 32): string {
  return toBase64Url(randomBytes(bytes));
}

function signedPrekey(keys: RawKeys, id: number, publicKey: Uint8Array<ArrayBuffer>): SignedPublicPrekey {
  return {
    id,
    publicKey: toBase64Url(publicKey),
    signature: toBase64Url(keys.identity.privateKey.sign(publicKey)),
  };
}
