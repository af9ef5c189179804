import type { UserId } from '../../ports/ids.ts';
import type { MailResult } from '../../ports/mailbox.ts';

/** Set in a device's byte when that device was full; the lower seven bits are its id, 1..127. */
const fullFlag = 0x80;

/** Writes the result of an accepted recipient, one byte a device. */
export function encodeResult(result: MailResult): Buffer {
  return Buffer.from(
    result.devices.map(({ deviceId, status }) => (status === 'full' ? deviceId | fullFlag : deviceId)),
  );
}

/** Reads what `encodeResult` wrote. */
export function decodeResult(userId: UserId, devices: Buffer): MailResult {
  return {
    userId,
    status: 'accepted',
    devices: [...devices].map((byte) => ({
      deviceId: byte & ~fullFlag,
      status: byte & fullFlag ? ('full' as const) : ('accepted' as const),
    })),
  };
}
