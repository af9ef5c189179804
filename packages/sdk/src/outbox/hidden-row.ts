import { Content, type ContentFields, uuidToText } from '@sotto/proto';
import { chatOfGroup, chatWith } from '../chats/chat-state.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { type ContentOrigin, newContent } from '../messages/outgoing-content.ts';
import type { GroupRecord } from '../ports/group-records.ts';
import type { MessageId, UserId } from '../ports/ids.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';
import { SottoError } from '../sotto-error.ts';

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

/** As `addHiddenContent` for each of several people: what these fields say is kept once for all of them. */
export function addHiddenToEach(
  overlay: Overlay,
  origin: ContentOrigin,
  recipients: readonly UserId[],
  fields: ContentFields,
  now: number,
): void {
  const isShared = recipients.length > 1;
  const partId = isShared ? overlay.nextOutboxId() : undefined;
  if (partId !== undefined) overlay.put('outboxPart', { id: partId, content: Content.encode(fields) });
  for (const recipient of recipients) {
    const { id, encoded } = newContent(origin, recipient, isShared ? {} : fields);
    const messageId = uuidToText(id) as MessageId;
    const what = { kind: 'content', messageId, content: encoded, partId } as const;
    addRow(overlay, { chatId: chatWith(recipient), recipient, groupId: undefined, visible: false, ...what }, now);
  }
}

/**
 * All of the content of a row.
 * @throws {SottoError} `internal` when the part that it names is not there
 */
export async function wholeContent(
  records: Pick<Overlay, 'get'>,
  row: Pick<OutboxRecord, 'content' | 'partId'>,
): Promise<Uint8Array> {
  if (row.partId === undefined) return row.content;
  const part = await records.get('outboxPart', { id: row.partId });
  if (part === undefined) throw new SottoError('internal', 'a part of what waits in the outbox is missing: report it');
  // Protobuf messages merge by concatenation.
  const whole = new Uint8Array(row.content.length + part.content.length);
  whole.set(row.content, 0);
  whole.set(part.content, row.content.length);
  return whole;
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

/** What need not be said of a new row. */
type AddedField = 'attempt' | 'partId' | 'sealed';

function addRow(
  overlay: Overlay,
  fields: Omit<OutboxRecord, 'id' | 'createdAt' | AddedField> & Partial<Pick<OutboxRecord, AddedField>>,
  now: number,
): OutboxRecord {
  const added = { attempt: 0, partId: undefined, sealed: undefined };
  const row = { id: overlay.nextOutboxId(), createdAt: now, ...added, ...fields };
  overlay.put('outbox', row);
  return row;
}
