import type { Overlay } from '../crypto/overlay.ts';
import type { ChatRecord, Place } from '../ports/chat-record.ts';
import type { ChatId, GroupId, UserId } from '../ports/ids.ts';
import type { MessageRecord } from '../ports/message-record.ts';

/** The lock under which everything that changes a chat, its messages or its outbox runs. */
export function chatLock(chatId: ChatId): string {
  return `chat:${chatId}`;
}

/** The chat with a person: one a person, and its id is theirs. */
export function chatWith(userId: UserId): ChatId {
  return userId as string as ChatId;
}

/** The chat with a person as it is, or a new one that this user has not accepted yet. The caller holds `chatLock`. */
export async function openChat(overlay: Overlay, userId: UserId, now: number): Promise<ChatRecord> {
  const id = chatWith(userId);
  const known = await overlay.get('chat', { id });
  if (known !== undefined) return known;
  return addChat(overlay, { id, userId, groupId: undefined, accepted: false }, now);
}

/** The chat of a group: its id is the group's. */
export function chatOfGroup(groupId: GroupId): ChatId {
  return groupId as string as ChatId;
}

/** The chat of a group as it is, or a new one. The caller holds `chatLock`. */
export async function openGroupChat(
  overlay: Overlay,
  groupId: GroupId,
  now: number,
  accepted = false,
): Promise<ChatRecord> {
  const id = chatOfGroup(groupId);
  const known = await overlay.get('chat', { id });
  return known ?? addChat(overlay, { id, userId: undefined, groupId, accepted }, now);
}

function addChat(
  overlay: Overlay,
  who: Pick<ChatRecord, 'id' | 'userId' | 'groupId' | 'accepted'>,
  now: number,
): ChatRecord {
  const chat: ChatRecord = {
    ...who,
    identityPolicy: undefined,
    nextSeq: 1,
    activity: overlay.nextPosition(),
    lastMessageId: undefined,
    unread: 0,
    readUpTo: { position: 0, seq: 0 },
    mutedUntil: undefined,
    receipts: undefined,
    createdAt: now,
    updatedAt: now,
  };
  overlay.put('chat', chat);
  overlay.record({ type: 'chat.created', chatId: who.id });
  return chat;
}

/** The chat after a message was added to it. `activity` is a position that was never used before. */
export function withMessage(chat: ChatRecord, message: MessageRecord, activity: number, now: number): ChatRecord {
  return {
    ...chat,
    activity,
    lastMessageId: message.late ? chat.lastMessageId : message.id,
    unread: chat.unread + (message.state === 'received' ? 1 : 0),
    updatedAt: now,
  };
}

/** Orders two places: negative when the left one comes first. */
export function comparePlaces(left: Place, right: Place): number {
  return left.position - right.position || left.seq - right.seq;
}
