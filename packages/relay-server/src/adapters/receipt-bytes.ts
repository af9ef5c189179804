import type { UserId } from '../ports/ids.ts';
import type { MailResult } from '../ports/mailbox.ts';
import { userIdFromBytes } from './user-id-bytes.ts';

/** Set in a device's byte when that device was full; the lower seven bits are its id, 1..127. */
const fullFlag = 0x80;
const timeLength = 6;
const userLength = 16;

/** Writes what is recorded of a send beside its key: six bytes of `expiresAt`, then for each recipient the user id, one byte a device, and a zero. */
export function encodeReceipt(
  expiresAt: number,
  results: ReadonlyMap<UserId, MailResult>,
  bytesOf: (userId: UserId) => Uint8Array,
): Uint8Array {
  let length = timeLength;
  for (const { devices } of results.values()) length += userLength + devices.length + 1;
  const bytes = Buffer.allocUnsafe(length);
  let at = bytes.writeUIntBE(expiresAt, 0, timeLength);
  for (const { userId, devices } of results.values()) {
    bytes.set(bytesOf(userId), at);
    at += userLength;
    for (const { deviceId, status } of devices) bytes[at++] = status === 'full' ? deviceId | fullFlag : deviceId;
    bytes[at++] = 0;
  }
  return bytes;
}

/** Reads what `encodeReceipt` wrote. */
export function decodeReceipt(bytes: Buffer): {
  readonly expiresAt: number;
  readonly results: Map<UserId, MailResult>;
} {
  const results = new Map<UserId, MailResult>();
  for (let at = timeLength; at < bytes.length; ) {
    const end = bytes.indexOf(0, at + userLength);
    const userId = userIdFromBytes(bytes.subarray(at, at + userLength));
    const devices = [...bytes.subarray(at + userLength, end)].map((byte) => ({
      deviceId: byte & ~fullFlag,
      status: byte & fullFlag ? ('full' as const) : ('accepted' as const),
    }));
    results.set(userId, { userId, status: 'accepted', devices });
    at = end + 1;
  }
  return { expiresAt: bytes.readUIntBE(0, timeLength), results };
}
