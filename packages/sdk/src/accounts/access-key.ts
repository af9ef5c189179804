import { hkdf } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';

const accessKeyBytes = 16;
const accessKeyInfo = new TextEncoder().encode('sotto access key v1');
/** By profile key: the bytes of a record are the same object as long as it is in memory. */
const derived = new WeakMap<Uint8Array, Uint8Array>();

/** The key by which the relay knows a contact of somebody from a stranger: made from their profile key (docs/protocol.md, section 2). */
export function accessKeyOf(profileKey: Uint8Array): Uint8Array {
  const known = derived.get(profileKey);
  if (known !== undefined) return known;
  const accessKey = Uint8Array.from(hkdf(accessKeyBytes, asBuffer(profileKey), accessKeyInfo, null));
  derived.set(profileKey, accessKey);
  return accessKey;
}
