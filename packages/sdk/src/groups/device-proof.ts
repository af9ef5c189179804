import { type PrivateKey, PublicKey } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import { type CheckedDeviceList, verifyDeviceList } from '../devices/device-list.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { DeviceAddress } from '../ports/ids.ts';
import { SottoError } from '../sotto-error.ts';

const signatureBytes = 64;
const encoder = new TextEncoder();

/** Who acts: a device with its key, and the list that names it. */
export interface GroupActor {
  readonly address: DeviceAddress;
  readonly deviceKey: PrivateKey;
  /** Encoded SignedDeviceList. */
  readonly deviceList: Uint8Array;
}

/** What a signature by a device is about; signatures of one kind are worth nothing as the other. */
export type ProofContext = 'sotto group change v1' | 'sotto group key proof v1' | 'sotto group checkpoint v1';

/** Why a signature proves nothing. */
export type ProofRefusal = 'device-list-invalid' | 'device-unknown' | 'signature-invalid';

/** XEdDSA by the device's key over the context and the bytes. */
export function proveByDevice(context: ProofContext, bytes: Uint8Array, deviceKey: PrivateKey): Uint8Array {
  return deviceKey.sign(signedBytes(context, bytes));
}

/**
 * Checks that a device signed which its own account's list names. Whether the list's root key is the pinned one, and the list new enough, is for the caller.
 * @returns the list, or why not
 */
export function checkDeviceProof(
  context: ProofContext,
  bytes: Uint8Array,
  proof: { readonly actor: DeviceAddress; readonly signature: Uint8Array; readonly deviceList: Uint8Array },
  sha256: Sha256,
): CheckedDeviceList | ProofRefusal {
  let list: CheckedDeviceList;
  try {
    list = verifyDeviceList(proof.deviceList, proof.actor.userId, sha256);
  } catch (error) {
    if (error instanceof SottoError && error.code === 'device-list-invalid') return 'device-list-invalid';
    throw error;
  }
  const device = list.devices.find(({ deviceId }) => deviceId === proof.actor.deviceId);
  if (device === undefined) return 'device-unknown';
  if (proof.signature.length !== signatureBytes) return 'signature-invalid';
  const key = PublicKey.deserialize(asBuffer(device.deviceKey));
  return key.verify(signedBytes(context, bytes), asBuffer(proof.signature)) ? list : 'signature-invalid';
}

function signedBytes(context: ProofContext, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const label = encoder.encode(context);
  const signed = new Uint8Array(label.length + bytes.length);
  signed.set(label, 0);
  signed.set(bytes, label.length);
  return signed;
}
