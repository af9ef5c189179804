import type { Overlay } from '../crypto/overlay.ts';
import type { DeviceId, UserId } from '../ports/ids.ts';
import { chatWith } from './chat-state.ts';

const mostDevices = 127;

/**
 * Forgets somebody of whom nothing is to be kept: sessions, secrets, identity key, device list, name. The caller's operation holds their lock and that of their chat.
 *
 * What blocks a replay stays for as long as for everybody: digests, ids of messages, uses of last-resort prekeys.
 */
export async function forgetStranger(overlay: Overlay, userId: UserId): Promise<void> {
  const chatId = chatWith(userId);
  for (let at = 1; at <= mostDevices; at++) {
    const device = { userId, deviceId: at as DeviceId };
    if (await overlay.get('session', device)) overlay.delete('session', device);
    if (await overlay.get('stream', { chatId, ...device })) overlay.delete('stream', { chatId, ...device });
    if (await overlay.get('repair', device)) overlay.delete('repair', device);
    for (const direction of ['in', 'out'] as const) {
      const secret = { ...device, direction };
      if (await overlay.get('ephemeralSecret', secret)) overlay.delete('ephemeralSecret', secret);
    }
  }
  for (const kind of ['identity', 'deviceList', 'namedList'] as const) overlay.delete(kind, { userId });
  overlay.delete('user', { id: userId });
}
