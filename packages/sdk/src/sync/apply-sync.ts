import type {
  SyncAccount,
  SyncChat,
  SyncContact,
  SyncFields,
  SyncGroup,
  SyncRead,
  SyncSent,
  SyncSnapshot,
} from '@sotto/proto';
import { chatLock, chatOfGroup, chatWith, openChat } from '../chats/chat-state.ts';
import { removeRequest } from '../chats/remove-request.ts';
import { Hold } from '../crypto/hold.ts';
import { alone, demandLocks } from '../crypto/locks-wanted.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { listedDevices } from '../devices/accepted-list.ts';
import { primaryOf } from '../devices/next-list.ts';
import { type Applied, type Arrival, nothingDue } from '../messages/arrival.ts';
import type { ChatId } from '../ports/ids.ts';
import type { UserRecord } from '../ports/user-record.ts';
import { applyRead } from './apply-read.ts';
import { applySent } from './apply-sent.ts';
import { applySnapshot, chatOf, contactOf, idOf } from './apply-snapshot.ts';
import { addSync, syncOfChat, syncOfContact } from './own-sync.ts';
import { answerSnapshotRequest } from './write-snapshot.ts';

/**
 * Applies what another own device tells. From anybody else it is nothing that may be said.
 * @throws {Hold} `content-invalid`
 */
export async function applySync(arrival: Arrival): Promise<Applied> {
  const { account, sender, content } = arrival;
  const { sync } = content;
  if (sender.userId !== account.userId || sender.deviceId === account.deviceId || !sync) {
    throw new Hold('content-invalid');
  }
  // The decoder gives whole messages: fields that were absent have their defaults.
  if (sync.sent) return applySent(arrival, sync.sent as SyncSent);
  if (sync.read) return applyRead(arrival, sync.read as SyncRead);
  if (sync.chat) return applyChat(arrival, sync.chat as SyncChat);
  if (sync.contact) return applyContact(arrival, sync.contact as SyncContact);
  if (sync.group)
    return applySnapshot(arrival, { contacts: [], chats: [], groups: [sync.group as SyncGroup], complete: false });
  if (sync.account) return applyAccount(arrival, sync.account as SyncAccount);
  if (sync.snapshotRequest) return answerSnapshotRequest(arrival);
  if (sync.snapshot) return applySnapshot(arrival, sync.snapshot as SyncSnapshot);
  // A later version tells more: it is no business of this one.
  return nothingDue;
}

/** Settings of a chat that were changed on another own device. */
async function applyChat(arrival: Arrival, sync: SyncChat): Promise<Applied> {
  const { overlay, account, origin, locks, now } = arrival;
  const told = chatOf(sync, origin.sha256);
  const id = idOf(told);
  demandLocks(locks, [chatLock(id)]);
  const { userId, groupId, accepted, mutedUntil, receipts } = told;
  if (userId === account.userId) return nothingDue;
  if (sync.declined) return applyDecline(arrival, id);
  const known = await overlay.get('chat', { id: groupId === undefined ? id : chatOfGroup(groupId) });
  const chat = known ?? (userId && (await openChat(overlay, userId, now)));
  if (chat === undefined) return nothingDue;
  const next = { ...chat, accepted: chat.accepted || accepted, mutedUntil, receipts };
  const isSame =
    next.accepted === chat.accepted && next.mutedUntil === chat.mutedUntil && next.receipts === chat.receipts;
  if (isSame) return nothingDue;
  overlay.put('chat', { ...next, updatedAt: now });
  overlay.record({ type: 'chat.changed', chatId: id });
  const applied = settled(arrival, { chat: syncOfChat(next, groupId === undefined ? undefined : sync.groupId) });
  return next.accepted === chat.accepted ? applied : { ...applied, accepted: [next] };
}

/** A request that was declined on another own device, unless it was accepted here. */
async function applyDecline({ overlay, queries, locks, now }: Arrival, id: ChatId): Promise<Applied> {
  demandLocks(locks, [alone]);
  const chat = await overlay.get('chat', { id });
  if (chat?.userId === undefined || chat.accepted) return nothingDue;
  await removeRequest({ overlay, store: queries, now }, chat);
  return nothingDue;
}

/**
 * Has the last word on what two devices may have changed at once, on the primary device: it tells all what came of it here. Everything that one device is told comes in the order in which the relay took it, so all end with what stands here.
 */
function settled({ overlay, account, origin, now }: Arrival, what: SyncFields): Applied {
  if (account.rootSecret === undefined) return nothingDue;
  addSync(overlay, origin, what, now);
  return { ...nothingDue, answered: true };
}

/** A person who was looked up, named, blocked or taken back on another own device. */
async function applyContact(arrival: Arrival, sync: SyncContact): Promise<Applied> {
  const { overlay, account, origin, locks, now } = arrival;
  const { userId, number, username, profileKey, blockedAt } = contactOf(sync);
  if (userId === account.userId) throw new Hold('content-invalid');
  const known = await overlay.get('user', { id: userId });
  const blocks = blockedAt !== undefined && known?.blockedAt === undefined;
  demandLocks(locks, [chatLock(chatWith(userId)), ...(blocks ? ['account'] : [])]);
  const next: UserRecord = {
    profileKeyAt: undefined,
    avatarHash: undefined,
    returnsReceipts: false,
    createdAt: now,
    ...known,
    id: userId,
    number,
    username: username || (known?.username ?? ''),
    profileKey: known?.profileKey ?? profileKey,
    blockedAt: blockedAt === undefined ? undefined : (known?.blockedAt ?? blockedAt),
    updatedAt: now,
  };
  overlay.put('user', next);
  if (blocks) {
    overlay.record({ type: 'contact.blocked', userId });
    const own = await overlay.get('account', {});
    // The primary device alone gives the account another profile key.
    if (own?.rootSecret !== undefined && !own.ended && own.nextProfileKey === undefined) {
      overlay.put('account', { ...own, nextProfileKey: origin.randomness.bytes(32) });
    }
  }
  const unblocks = blockedAt === undefined && known?.blockedAt !== undefined;
  if (unblocks) overlay.record({ type: 'contact.unblocked', userId });
  return blocks || unblocks ? settled(arrival, { contact: syncOfContact(next) }) : nothingDue;
}

/** The own account, as it was changed on another own device. */
async function applyAccount(arrival: Arrival, sync: SyncAccount): Promise<Applied> {
  const { overlay, sender, origin, locks, now } = arrival;
  const { number, username } = sync;
  if (number.length > 32 || username.length > 200) throw new Hold('content-invalid');
  demandLocks(locks, ['account']);
  const own = await overlay.get('account', {});
  if (own === undefined || own.ended) return nothingDue;
  const list = await overlay.get('deviceList', { userId: own.userId });
  const fromPrimary = list !== undefined && sender.deviceId === primaryOf({ devices: listedDevices(list) });
  const isOther = sync.profileKey.length === 32 && !sameBytes(sync.profileKey, own.profileKey);
  // The primary device alone gives the account a key. Who tells it of another one has stored the profile under that: it is stored anew.
  const isOverdue = isOther && own.rootSecret !== undefined && own.nextProfileKey === undefined;
  const next = {
    ...own,
    number: number || own.number,
    username: username || own.username,
    profileKey: isOther && fromPrimary ? sync.profileKey.slice() : own.profileKey,
    nextProfileKey: isOverdue ? origin.randomness.bytes(32) : own.nextProfileKey,
  };
  overlay.put('account', next);
  const self = await overlay.get('user', { id: own.userId });
  if (self !== undefined) {
    const { profileKey: key } = next;
    const avatarHash = sync.avatarHash.length === 32 ? sync.avatarHash.slice() : undefined;
    const named = { number: next.number, username: next.username, profileKey: key };
    overlay.put('user', { ...self, ...named, avatarHash, updatedAt: now });
  }
  const isSame = own.username === next.username && own.number === next.number;
  if (!isSame || !sameBytes(own.profileKey, next.profileKey)) {
    overlay.record({ type: 'profile.changed', userId: own.userId });
  }
  return nothingDue;
}
