import type { Overlay } from '../crypto/overlay.ts';
import { verifyDeviceList } from '../devices/device-list.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { ChatRecord } from '../ports/chat-record.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { ChatId, DeviceId, UserId } from '../ports/ids.ts';
import type { StoreQueries } from '../ports/store.ts';

const pageLength = 256;

/**
 * Removes what belonged to an identity that has ended, before a new one takes its place in the same commit: prekeys, sessions, ephemeral secrets, the profile key, numbering, and what had not left yet (those messages become `failed`).
 *
 * People, chats and messages stay. To be run alone: it asks the store what there is, and would miss what the same commit holds.
 */
export async function forgetFormerIdentity(
  overlay: Overlay,
  queries: StoreQueries,
  former: AccountRecord,
  next: AccountRecord,
  sha256: Sha256,
): Promise<void> {
  for (const prekey of await queries.prekeys()) overlay.delete('prekey', prekey);
  overlay.prune({ kind: 'kyberUse', before: Number.MAX_SAFE_INTEGER });
  for (const deviceId of await knownDevices(overlay, former.userId, sha256)) {
    overlay.delete('session', { userId: former.userId, deviceId });
  }
  overlay.delete('deviceList', { userId: former.userId });
  overlay.delete('identity', { userId: former.userId });
  overlay.delete('namedList', { userId: former.userId });
  overlay.delete('listIntent', {});
  const self = await overlay.get('user', { id: former.userId });
  if (self !== undefined) overlay.put('user', { ...self, profileKey: undefined, profileKeyAt: undefined });
  for (const chatId of await queries.outboxChats()) await forgetSending(overlay, queries, chatId);
  let below: number | undefined;
  for (;;) {
    const chats = await queries.chats(below, pageLength);
    for (const chat of chats) await startChatAnew(overlay, chat, former, next, sha256);
    const last = chats.at(-1);
    if (last === undefined) return;
    below = last.activity;
  }
}

/** The peers see a new sender, whose numbers begin at 1, and no session with it. Towards a user that stays the same their own numbers go on. */
async function startChatAnew(
  overlay: Overlay,
  chat: ChatRecord,
  former: AccountRecord,
  next: AccountRecord,
  sha256: Sha256,
): Promise<void> {
  overlay.put('chat', { ...chat, nextSeq: 1 });
  const { userId } = chat;
  if (userId === undefined) return;
  // They have it as the secret of another identity.
  overlay.delete('ephemeralSecret', { userId, direction: 'out', deviceId: former.deviceId });
  for (const deviceId of await knownDevices(overlay, userId, sha256)) {
    overlay.delete('session', { userId, deviceId });
    if (former.userId !== next.userId) overlay.delete('stream', { chatId: chat.id, userId, deviceId });
  }
}

async function knownDevices(overlay: Overlay, userId: UserId, sha256: Sha256): Promise<readonly DeviceId[]> {
  const record = await overlay.get('deviceList', { userId });
  if (record === undefined) return [1 as DeviceId];
  return verifyDeviceList(record.signed, userId, sha256).devices.map(({ deviceId }) => deviceId);
}

async function forgetSending(overlay: Overlay, queries: StoreQueries, chatId: ChatId): Promise<void> {
  let after = 0;
  for (;;) {
    const waiting = await queries.outbox(chatId, after, pageLength);
    for (const item of waiting) {
      overlay.delete('outbox', item);
      const message = item.visible ? await overlay.get('message', { id: item.messageId }) : undefined;
      if (message?.state !== 'queued') continue;
      const code = 'session-ended';
      overlay.put('message', { ...message, state: 'failed', failure: code });
      overlay.record({ type: 'message.failed', messageId: message.id, chatId: message.chatId, code });
    }
    const last = waiting.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
}
