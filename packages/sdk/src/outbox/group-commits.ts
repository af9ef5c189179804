import { Content, Send, uuidToText } from '@sotto/proto';
import { chatWith } from '../chats/chat-state.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { checkDistribution } from '../crypto/sender-key-precheck.ts';
import { listedDevices } from '../devices/accepted-list.ts';
import { advances, progressFields } from '../messages/message-state.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import type { ChatId, UserId } from '../ports/ids.ts';
import type { MessageRecord } from '../ports/message-record.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';
import type { StoreQueries } from '../ports/store.ts';
import type { AcceptedSend } from './accepted-send.ts';
import { addCopyForMember, addHiddenToGroup } from './hidden-row.ts';
import type { Share } from './send-outcome.ts';

/** Failures that leave nobody to whom a number that will not come could be told. */
const outside: ReadonlySet<string> = new Set(['group-unknown', 'group-not-member']);

/**
 * The relay has a row of a group: for all of them, or the copy of one. It leaves the outbox, and whoever has missed it gets a copy in their own queue.
 *
 * The message is `sent` once one other member is given it. The caller holds the `chatLock`s of the queue and of the group.
 */
export async function acceptForGroup(
  overlay: Overlay,
  { record, acceptedAt, expiresAt, shares }: AcceptedSend,
  queued: Set<ChatId>,
  now: number,
): Promise<void> {
  const row = await overlay.get('outbox', { id: record.id });
  if (row === undefined) return;
  overlay.delete('outbox', { id: row.id });
  const message = row.visible ? await overlay.get('message', { id: row.messageId }) : undefined;
  const all = shares === undefined ? undefined : sharesOf(row, shares);
  for (const [userId, share] of all ?? []) {
    if (share === 'given' || share === 'no-account') continue;
    if (share === 'not-member' && !(await isMember(overlay, row, userId))) continue;
    addCopyForMember(overlay, userId, row, now);
    queued.add(chatWith(userId));
  }
  if (message === undefined) return;
  // What own devices have got says nothing of others.
  if (record.recipient === message.senderId) return;
  const others = [...(all ?? [])].filter(([userId]) => userId !== message.senderId);
  const isGiven = all === undefined || others.length === 0 || others.some(([, share]) => share === 'given');
  if (isGiven && acceptedAt > 0) noteSent(overlay, message, { acceptedAt, expiresAt }, now);
  else if (others.every(([, share]) => share === 'no-account')) noteFailed(overlay, message, 'user-unknown', now);
}

/**
 * A row of a group will never be accepted: it leaves the outbox. The message fails when it was for all; when it was a copy, only if it was the last of what waited, and nobody was given it.
 *
 * Whoever can't be given the key of a chain has not got it, if no attempt left: the next one is for them, too.
 */
export async function failForGroup(
  overlay: Overlay,
  { origin, store }: { readonly origin: ContentOrigin; readonly store: Pick<StoreQueries, 'outboxOfGroup'> },
  record: OutboxRecord,
  code: string,
  now: number,
): Promise<void> {
  const row = await overlay.get('outbox', { id: record.id });
  overlay.delete('outbox', { id: record.id });
  if (row?.recipient !== undefined && row.attempt === 0) await takeKeyBack(overlay, row, row.recipient);
  const isForOwn = row?.recipient === origin.account.userId;
  const message = row?.visible && !isForOwn ? await overlay.get('message', { id: row.messageId }) : undefined;
  if (message === undefined || !advances(message.state, 'failed')) return;
  if (row?.recipient !== undefined && (await isAwaited(overlay, store, row, origin.account.userId))) return;
  noteFailed(overlay, message, code, now);
  if (row?.recipient !== undefined || outside.has(code) || message.groupId === undefined) return;
  const group = await overlay.get('group', { id: message.groupId });
  if (group !== undefined) addHiddenToGroup(overlay, origin, group, { seqHole: { seqs: [message.seq] } }, now);
}

/** What became of each recipient; of those whom the result does not name it is not known, so they get a copy. */
function sharesOf({ sealed }: OutboxRecord, shares: ReadonlyMap<UserId, Share>): ReadonlyMap<UserId, Share> {
  const recipients = sealed === undefined ? [] : Send.decode(sealed.send).recipients;
  const all = new Map(shares);
  for (const { userId } of recipients) {
    const id = userId && (uuidToText(userId) as UserId);
    if (id && !all.has(id)) all.set(id, 'missed');
  }
  return all;
}

async function isMember(overlay: Overlay, { groupId }: OutboxRecord, userId: UserId): Promise<boolean> {
  const row = groupId && (await overlay.get('groupMember', { groupId, userId }));
  return row !== undefined && row.leftAt === undefined;
}

/** Whether a message is still on its way to others: the row for all of them waits, or other copies. */
async function isAwaited(
  overlay: Overlay,
  store: Pick<StoreQueries, 'outboxOfGroup'>,
  row: OutboxRecord,
  self: UserId,
): Promise<boolean> {
  for (const { id, recipient } of await store.outboxOfGroup(row.messageId)) {
    if (id === row.id || recipient === self) continue;
    // An operation before this one in the batch may have removed it.
    if ((await overlay.get('outbox', { id })) !== undefined) return true;
  }
  return false;
}

function noteSent(
  overlay: Overlay,
  message: MessageRecord,
  { acceptedAt, expiresAt }: Pick<AcceptedSend, 'acceptedAt' | 'expiresAt'>,
  now: number,
): void {
  const timed = {
    ...message,
    acceptedAt: message.acceptedAt ?? acceptedAt,
    // Of several copies the last one to end counts.
    expiresAt: Math.max(message.expiresAt ?? 0, expiresAt),
    updatedAt: now,
  };
  if (!advances(message.state, 'sent')) {
    overlay.put('message', timed, progressFields);
    return;
  }
  overlay.put('message', { ...timed, state: 'sent', failure: undefined }, progressFields);
  const { id: messageId, chatId } = message;
  overlay.record({ type: 'message.sent', messageId, chatId, userId: undefined, at: acceptedAt });
}

function noteFailed(overlay: Overlay, message: MessageRecord, code: string, now: number): void {
  if (!advances(message.state, 'failed')) return;
  overlay.put('message', { ...message, state: 'failed', failure: code, updatedAt: now }, progressFields);
  overlay.record({ type: 'message.failed', messageId: message.id, chatId: message.chatId, code });
}

async function takeKeyBack(overlay: Overlay, row: OutboxRecord, userId: UserId): Promise<void> {
  const { senderKeyDistribution } = Content.decode(row.content);
  if (!senderKeyDistribution?.distribution) return;
  const { distributionId } = checkDistribution(senderKeyDistribution.distribution);
  const list = await overlay.get('deviceList', { userId });
  for (const { deviceId } of list ? listedDevices(list) : []) {
    const shared = await overlay.get('senderKeyShared', { distributionId, userId, deviceId });
    // Some may have it from before, and must not be forgotten.
    if (shared !== undefined && !shared.again) overlay.put('senderKeyShared', { ...shared, again: true });
  }
}
