import type { DeviceAddress, DeviceId, UserId } from '../../ports/ids.ts';

/** To whom something was issued, under which mark: the text `user device mark`. */
export function issuedText({ userId, deviceId }: DeviceAddress, mark: string): string {
  return `${userId} ${deviceId} ${mark}`;
}

/** Reads {@link issuedText}. */
export function readIssued(text: string): { readonly device: DeviceAddress; readonly mark: string } {
  const [userId = '', deviceId, mark = ''] = text.split(' ');
  return { device: { userId: userId as UserId, deviceId: Number(deviceId) as DeviceId }, mark };
}
