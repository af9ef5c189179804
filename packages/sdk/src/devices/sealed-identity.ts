import { IdentityKeyPair, PrivateKey, PublicKey } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { CheckedDeviceList, ListedDevice } from './device-list.ts';

const info = 'sotto new identity v1';

/** Seals a new identity key pair of the account for one of its devices (HPKE, to the device's key, which the list names): whoever was taken off the list can't open it. */
export function sealIdentity(identityKeyPair: Uint8Array, device: ListedDevice): Uint8Array {
  const sealed = PublicKey.deserialize(asBuffer(device.deviceKey)).seal(asBuffer(identityKeyPair), info);
  return Uint8Array.from(sealed);
}

/**
 * The identity key pair that a list brings this device.
 * @returns undefined when the list has none for it, or another one than it names
 */
export function openIdentity(
  list: Pick<CheckedDeviceList, 'devices' | 'identityKey'>,
  account: { readonly deviceId: number; readonly devicePrivateKey: Uint8Array },
): Uint8Array | undefined {
  const own = list.devices.find(({ deviceId }) => deviceId === account.deviceId);
  if (own?.sealedIdentity === undefined) return undefined;
  try {
    const opened = PrivateKey.deserialize(asBuffer(account.devicePrivateKey)).open(asBuffer(own.sealedIdentity), info);
    const pair = IdentityKeyPair.deserialize(opened);
    // The pair is whole only if its private half makes the public one that is named.
    const isWhole = sameBytes(pair.privateKey.getPublicKey().serialize(), list.identityKey);
    return isWhole && sameBytes(pair.publicKey.serialize(), list.identityKey) ? pair.serialize() : undefined;
  } catch (notOurs) {
    if (notOurs instanceof Error) return undefined;
    throw notOurs;
  }
}
