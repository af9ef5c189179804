import type { DeviceId, UserId } from '../../ports/ids.ts';
import type { MailDevice } from '../../ports/mailbox.ts';

/** To whom something was issued, under which mark: the text `user device mark`, and behind it the incarnation, if it is known. */
export function issuedText({ userId, deviceId, incarnation }: MailDevice, mark: string): string {
  return `${userId} ${deviceId} ${mark}${incarnation === undefined ? '' : ` ${incarnation}`}`;
}

/** Reads {@link issuedText}. */
export function readIssued(text: string): { readonly device: MailDevice; readonly mark: string } {
  const [userId = '', deviceId, mark = '', ...rest] = text.split(' ');
  const address = { userId: userId as UserId, deviceId: Number(deviceId) as DeviceId };
  return { device: rest.length === 0 ? address : { ...address, incarnation: rest.join(' ') }, mark };
}
