import { uuidToBytes } from './uuid.ts';

const encoder = new TextEncoder();

/** What a device proves that it wants, beside its access token. */
export type AccountPurpose = 'delete' | 'number' | 'lock';

/**
 * The bytes that a device key (or the root key) signs before an account is deleted, moved to another number, locked or unlocked: `sotto account v1 `, the purpose, a zero byte, the user id (16 bytes), SHA-256 of the account's device list as it is (32 bytes), and what it is about.
 *
 * An access token alone can do none of these; and a signature is worth nothing once the list has changed.
 * @param subject empty to delete; the verification id in UTF-8 for a number; salt and secret for a lock, empty to remove it
 */
export function signedBytesOfAccountProof(
  purpose: AccountPurpose,
  userId: string,
  listHash: Uint8Array,
  subject: Uint8Array,
): Uint8Array {
  return joined([encoder.encode(`sotto account v1 ${purpose}\0`), uuidToBytes(userId), listHash, subject]);
}

/** The bytes that a root key signs to be told of its account: `sotto recovery v1`, the idempotency key (16 bytes), the verification id in UTF-8. */
export function signedBytesOfRecovery(verificationId: string, idempotencyKey: Uint8Array): Uint8Array {
  return joined([encoder.encode('sotto recovery v1'), idempotencyKey, encoder.encode(verificationId)]);
}

/** The bytes that a root key signs to register its account anew: `sotto re-registration v1`, the idempotency key (16 bytes), the refresh token (32 bytes), the encoded SignedDeviceList. */
export function signedBytesOfReRegistration(
  idempotencyKey: Uint8Array,
  refreshToken: Uint8Array,
  deviceList: Uint8Array,
): Uint8Array {
  return joined([encoder.encode('sotto re-registration v1'), idempotencyKey, refreshToken, deviceList]);
}

/** The bytes that a new device's key signs to register itself: `sotto device registration v1`, the idempotency key (16 bytes), the code (32 bytes), the refresh token (32 bytes), the encoded SignedDeviceList. */
export function signedBytesOfDeviceRegistration(
  idempotencyKey: Uint8Array,
  code: Uint8Array,
  refreshToken: Uint8Array,
  deviceList: Uint8Array,
): Uint8Array {
  return joined([encoder.encode('sotto device registration v1'), idempotencyKey, code, refreshToken, deviceList]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
