import type { DeviceAddress, UserId } from '../ports/ids.ts';
import type { MailAppend, Mailbox, MailEntry, MailQuota, MailReader } from '../ports/mailbox.ts';
import { hex } from './harness.ts';
import { someBytes, someDevice, start } from './samples.ts';

/** Milliseconds. */
export const day = 86_400_000;
/** A quota that no case reaches by chance. */
export const roomy: MailQuota = quotaOf(10_000, 100_000_000);

/** A quota that strangers may use up whole. */
export function quotaOf(count: number, bytes: number): MailQuota {
  return { count, bytes, strangerCount: count, strangerBytes: bytes };
}

/** A send of one envelope to one device. */
export function mail(
  to: DeviceAddress,
  envelope: Uint8Array = someBytes(80),
  change: Partial<MailAppend> = {},
): MailAppend {
  return {
    sender: someDevice(),
    sendId: someBytes(16),
    recipients: [{ userId: to.userId, stranger: false, items: [{ deviceId: to.deviceId, envelope }] }],
    acceptedAt: start,
    expiresAt: start + 30 * day,
    ...change,
  };
}

/** A send to several devices of one user. */
export function mailToDevices(userId: UserId, deviceIds: readonly number[], bytes = 80): MailAppend {
  const items = deviceIds.map((deviceId) => ({ deviceId, envelope: someBytes(bytes) }));
  return { ...mail(someDevice()), recipients: [{ userId, stranger: false, items }] };
}

/** A send of one envelope to one device, by somebody who does not know its access key. */
export function strangersMail(to: DeviceAddress, envelope: Uint8Array = someBytes(80)): MailAppend {
  const append = mail(to, envelope);
  return { ...append, recipients: append.recipients.map((recipient) => ({ ...recipient, stranger: true })) };
}

/** All that a reader gives until it gives nothing. */
export async function readAll(reader: MailReader, now = start): Promise<MailEntry[]> {
  const entries: MailEntry[] = [];
  for (;;) {
    const next = await reader.next(100, now);
    if (next.length === 0) return entries;
    entries.push(...next);
  }
}

/** The envelopes of a device's mailbox, in hex. */
export async function stored(mailbox: Mailbox, device: DeviceAddress, now = start): Promise<(string | undefined)[]> {
  return (await readAll(mailbox.reader(device), now)).map(({ envelope }) => hex(envelope));
}
