import type { UserId } from '../../ports/ids.ts';
import type { MailResult } from '../../ports/mailbox.ts';
import { userIdFromBytes, userIdToBytes } from './user-id-bytes.ts';

/** Set in a device's byte when that device was full; the lower seven bits are its id, 1..127. */
const fullFlag = 0x80;
const userLength = 16;

/** Writes the results of a send's accepted recipients: for each the user id, one byte a device, and a zero. */
export function encodeResults(results: Iterable<MailResult>): Uint8Array {
  const bytes: number[] = [];
  for (const { userId, devices } of results) {
    for (const byte of userIdToBytes(userId)) bytes.push(byte);
    for (const { deviceId, status } of devices) bytes.push(status === 'full' ? deviceId | fullFlag : deviceId);
    bytes.push(0);
  }
  return Uint8Array.from(bytes);
}

/** Reads what `encodeResults` wrote. */
export function decodeResults(bytes: Buffer): Map<UserId, MailResult> {
  const results = new Map<UserId, MailResult>();
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0, at + userLength);
    const userId = userIdFromBytes(bytes.subarray(at, at + userLength));
    const devices = [...bytes.subarray(at + userLength, end)].map((byte) => ({
      deviceId: byte & ~fullFlag,
      status: byte & fullFlag ? ('full' as const) : ('accepted' as const),
    }));
    results.set(userId, { userId, status: 'accepted', devices });
    at = end + 1;
  }
  return results;
}
