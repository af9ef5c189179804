import { type ContentFields, uuidToText } from '@sotto/proto';
import { chatOfGroup, chatWith } from '../chats/chat-state.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { type ContentOrigin, newContent } from '../messages/outgoing-content.ts';
import type { GroupRecord } from '../ports/group-records.ts';
import type { MessageId, UserId } from '../ports/ids.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';

/** Queues what no message of the history stands behind, in the caller's operation, which holds the chat's lock. */
export function addHiddenRow(
  overlay: Overlay,
  recipient: UserId,
  what: Pick<OutboxRecord, 'kind' | 'messageId' | 'content'>,
  now: number,
): OutboxRecord {
  return addRow(overlay, { chatId: chatWith(recipient), recipient, groupId: undefined, visible: false, ...what }, now);
}

/** As `addHiddenRow`, with a new content of these fields. */
export function addHiddenContent(
  overlay: Overlay,
  origin: ContentOrigin,
  recipient: UserId,
  fields: ContentFields,
  now: number,
): OutboxRecord {
  const { id, encoded } = newContent(origin, recipient, fields);
  const messageId = uuidToText(id) as MessageId;
  return addHiddenRow(overlay, recipient, { kind: 'content', messageId, content: encoded }, now);
}

/** A group as those who send to it name it. */
export type NamedGroup = Pick<GroupRecord, 'id' | 'wireId'>;

/** Queues for all of a group what no message of the history stands behind, in the caller's operation, which holds the group's `chatLock`. */
export function addHiddenToGroup(
  overlay: Overlay,
  origin: ContentOrigin,
  { id: groupId, wireId }: NamedGroup,
  fields: ContentFields,
  now: number,
): OutboxRecord {
  const { id, encoded } = newContent(origin, undefined, { ...fields, groupId: wireId });
  const what = { messageId: uuidToText(id) as MessageId, content: encoded, visible: false };
  return addRow(
    overlay,
    { chatId: chatOfGroup(groupId), recipient: undefined, groupId, kind: 'content', ...what },
    now,
  );
}

/** Queues for one member what belongs to a group: where the group is, is added when it is sealed, and whoever is no member then gets nothing. No lock is needed to add to a queue. */
export function addHiddenToMember(
  overlay: Overlay,
  origin: ContentOrigin,
  recipient: UserId,
  { id: groupId, wireId }: NamedGroup,
  fields: ContentFields,
  now: number,
): OutboxRecord {
  const { id, encoded } = newContent(origin, recipient, { ...fields, groupId: wireId });
  const what = { messageId: uuidToText(id) as MessageId, content: encoded, visible: false };
  return addRow(overlay, { chatId: chatWith(recipient), recipient, groupId, kind: 'content', ...what }, now);
}

/** Queues a copy of a group's message for one member, under its own id: whoever gets it twice shows it once. No lock is needed to add to a queue. */
export function addCopyForMember(
  overlay: Overlay,
  recipient: UserId,
  row: Pick<OutboxRecord, 'groupId' | 'messageId' | 'visible' | 'content'> & Partial<Pick<OutboxRecord, 'attempt'>>,
  now: number,
): OutboxRecord {
  const { groupId, messageId, visible, content, attempt = 0 } = row;
  const what = { groupId, messageId, visible, content, attempt };
  return addRow(overlay, { chatId: chatWith(recipient), recipient, kind: 'content', ...what }, now);
}

function addRow(
  overlay: Overlay,
  fields: Omit<OutboxRecord, 'id' | 'createdAt' | 'attempt' | 'sealed'> & Partial<Pick<OutboxRecord, 'attempt'>>,
  now: number,
): OutboxRecord {
  const row = { id: overlay.nextOutboxId(), createdAt: now, attempt: 0, sealed: undefined, ...fields };
  overlay.put('outbox', row);
  return row;
}
