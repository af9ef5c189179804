import { type SyncFields, uuidToBytes } from '@sotto/proto';
import { chatWith } from '../chats/chat-state.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { listedDevices, type SendableDevice } from '../devices/accepted-list.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { addHiddenContent } from '../outbox/hidden-row.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { ChatRecord } from '../ports/chat-record.ts';
import type { ChatId, MessageId } from '../ports/ids.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';
import type { UserRecord } from '../ports/user-record.ts';

/** The queue in which everything for the own other devices waits: nothing that goes to others waits behind it. */
export function ownQueue({ userId }: Pick<AccountRecord, 'userId'>): ChatId {
  return chatWith(userId);
}

/** The other devices of the own account, as its list stands here. */
export async function siblingsOf(
  overlay: Pick<Overlay, 'get'>,
  { userId, deviceId }: Pick<AccountRecord, 'userId' | 'deviceId'>,
): Promise<readonly SendableDevice[]> {
  const list = await overlay.get('deviceList', { userId });
  return list === undefined ? [] : listedDevices(list).filter((device) => device.deviceId !== deviceId);
}

/** Queues a word for the own other devices. No lock is needed to add to a queue. Wake `ownQueue` after the commit. */
export function addSync(overlay: Overlay, origin: ContentOrigin, what: SyncFields, now: number): void {
  addHiddenContent(overlay, origin, origin.account.userId, { sync: what }, now);
}

/** The same where there are other devices, and the account is not over; whether it is so. */
export async function tellSiblings(
  overlay: Overlay,
  origin: () => ContentOrigin,
  what: SyncFields,
  now: number,
): Promise<boolean> {
  const account = await overlay.get('account', {});
  if (account === undefined || account.ended || account.deletion !== undefined) return false;
  if ((await siblingsOf(overlay, account)).length === 0) return false;
  addSync(overlay, { ...origin(), account }, what, now);
  return true;
}

/** An own message to a person that the relay has; undefined for what nobody sees, and for groups, whose messages go to the own devices by themselves. */
export function syncOfSent(
  { visible, kind, content, recipient, groupId }: OutboxRecord,
  times: { readonly acceptedAt: number; readonly expiresAt: number },
): SyncFields | undefined {
  if (!visible || kind !== 'content' || recipient === undefined || groupId !== undefined) return undefined;
  return { sent: { content, ...times } };
}

/** Messages of others that were marked as read, at most 256. */
export function syncOfRead(ids: readonly MessageId[]): SyncFields {
  return { read: { messageIds: ids.map(uuidToBytes) } };
}

/**
 * A conversation as its settings stand.
 * @param wireId the 32 bytes of a group
 */
export function syncOfChat(
  { userId, accepted, mutedUntil, receipts }: Pick<ChatRecord, 'userId' | 'accepted' | 'mutedUntil' | 'receipts'>,
  wireId?: Uint8Array,
): NonNullable<SyncFields['chat']> {
  return {
    ...(userId !== undefined && { userId: uuidToBytes(userId) }),
    ...(wireId !== undefined && { groupId: wireId }),
    accepted,
    mutedUntil: mutedUntil ?? 0,
    ...(receipts !== undefined && { receipts }),
  };
}

/** Tells the own other devices what the account is now; whether there are any. */
export async function tellOfAccount(overlay: Overlay, origin: () => ContentOrigin, now: number): Promise<boolean> {
  const account = await overlay.get('account', {});
  return (
    account !== undefined && tellSiblings(overlay, origin, { account: await syncOfAccount(overlay, account) }, now)
  );
}

/** The account with its number, name, picture and profile key. */
export async function syncOfAccount(
  overlay: Pick<Overlay, 'get'>,
  { userId, number, username, profileKey }: AccountRecord,
): Promise<NonNullable<SyncFields['account']>> {
  const avatarHash = (await overlay.get('user', { id: userId }))?.avatarHash;
  return { number, username, profileKey, ...(avatarHash && { avatarHash }) };
}

/** Tells the own other devices of a conversation's settings; whether there are any. */
export async function tellOfChat(
  overlay: Overlay,
  origin: () => ContentOrigin,
  chat: ChatRecord,
  now: number,
): Promise<boolean> {
  const { groupId } = chat;
  const group = groupId && (await overlay.get('group', { id: groupId }));
  if (groupId !== undefined && group === undefined) return false;
  return tellSiblings(overlay, origin, { chat: syncOfChat(chat, group?.wireId) }, now);
}

/** A person as they are known here. */
export function syncOfContact({
  id,
  number,
  username,
  profileKey,
  blockedAt,
}: UserRecord): NonNullable<SyncFields['contact']> {
  return {
    userId: uuidToBytes(id),
    number,
    username,
    ...(profileKey && { profileKey }),
    blockedAt: blockedAt ?? 0,
  };
}
