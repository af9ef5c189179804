import { call } from './library.ts';
import { type Bytes, Values } from './wire.ts';

/** HKDF-SHA256 (RFC 5869). @throws {LibSignalErrorBase} for more than 8,160 bytes */
export function hkdf(outputLength: number, keyMaterial: Uint8Array, label: Uint8Array, salt: Uint8Array | null): Bytes {
  const values = new Values().u32(outputLength).bytes(keyMaterial).bytes(label).optional(salt);
  return call('HKDF_DeriveSecrets', values, (fields) => fields.bytes());
}
