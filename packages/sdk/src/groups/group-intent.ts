import { fromBase64Url, GroupChange as WireChange } from '@sotto/proto';
import { chatWith } from '../chats/chat-state.ts';
import type { Overlay } from '../crypto/overlay.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { addHiddenContent } from '../outbox/hidden-row.ts';
import type { GroupIntentRecord, GroupRecord } from '../ports/group-records.ts';
import type { ChatId, GroupId, UserId } from '../ports/ids.ts';
import { siblingsOf } from '../sync/own-sync.ts';
import { reading } from './canonical.ts';
import { isSameAvatar } from './group-details.ts';
import { writeGroupKeys } from './group-keys.ts';
import { type GroupOperation, readOperation, writeOperation } from './group-operation.ts';
import { memberOf } from './group-state.ts';
import type { WrittenRecord } from './write-record.ts';

/** What an own change is to do. */
export interface WishedChange {
  readonly operations: readonly GroupOperation[];
  /** Of the link by which this user comes in. */
  readonly inviteKey: Uint8Array | undefined;
}

/** An own change on its way, from its wish and the record that was written for it. */
export function intentOf(
  groupId: GroupId,
  { operations, inviteKey }: WishedChange,
  written: WrittenRecord,
  self: UserId,
  now: number,
): GroupIntentRecord {
  const { record, at, key, isNewKey, added, removed } = written;
  return {
    groupId,
    operations: WireChange.encode({ operations: operations.map(writeOperation) }),
    record,
    revision: at.state.revision,
    keyEpoch: key.keyEpoch,
    key: isNewKey ? key.key : undefined,
    keyRows: [],
    welcomed: added.filter((userId) => userId !== self),
    added,
    removed,
    inviteKey,
    createdAt: now,
  };
}

/** What an own change was to do. */
export function wishOf({ operations, inviteKey }: GroupIntentRecord): WishedChange {
  const read = reading(() => WireChange.decode(operations).operations.map(readOperation));
  return { operations: read ?? [], inviteKey };
}

/** Where the avatar stands after an own change, null: nowhere. The relay is told with each change, so that whoever tells it something else is soon corrected. */
export function avatarAfter(intent: GroupIntentRecord, before: GroupRecord | undefined): Uint8Array | null {
  const { operations } = wishOf(intent);
  const set = operations.findLast((one) => one.type === 'set-avatar' || one.type === 'create');
  if (set !== undefined) return set.avatar?.location ?? null;
  return before?.avatar === undefined ? null : fromBase64Url(before.avatar);
}

/** Who is to be given a new key before its record is put: those who stay. Whoever comes has it from their welcome. */
export function toldOfKey({ at, isNewKey, added }: WrittenRecord, self: UserId): readonly UserId[] {
  if (!isNewKey) return [];
  return at.state.members.map(({ userId }) => userId).filter((userId) => userId !== self && !added.includes(userId));
}

/** What was written down of an own change. */
export interface KeptIntent {
  readonly intent: GroupIntentRecord;
  /** Queues in which its new key waits. */
  readonly queued: readonly ChatId[];
}

/** Writes an own change down, with its new key on the way to those who stay, and to the own other devices. The caller holds the group's lock and those of their chats. */
export async function keepIntent(
  overlay: Overlay,
  intent: GroupIntentRecord,
  written: WrittenRecord,
  origin: ContentOrigin,
  now: number,
): Promise<KeptIntent> {
  const { account } = origin;
  const self = account.userId;
  const { wireId, keyEpoch, keyCommitment } = written.at.state;
  if (intent.key !== undefined) {
    const { groupId, key } = intent;
    overlay.put('groupKey', { groupId, keyEpoch, keyCommitment, key, evaluated: false });
  }
  const told = toldOfKey(written, self);
  const isForSiblings = intent.key !== undefined && (await siblingsOf(overlay, account)).length > 0;
  const people = isForSiblings ? [...told, self] : told;
  const groupKeys = writeGroupKeys(wireId, [written.key]);
  const rows = people.map((userId) => addHiddenContent(overlay, origin, userId, { groupKeys }, now));
  const kept = { ...intent, keyRows: rows.filter(({ recipient }) => recipient !== self).map(({ id }) => id) };
  overlay.put('groupIntent', kept);
  return { intent: kept, queued: people.map(chatWith) };
}

/** Whether an operation has nothing left to do in a state: somebody else was faster, or it was so before. */
export function isDone(operation: GroupOperation, { state }: WrittenRecord['at'], self: UserId): boolean {
  const isIn = (userId: UserId) => memberOf(state, userId) !== undefined;
  switch (operation.type) {
    case 'add-members':
      return operation.members.every(({ userId }) => isIn(userId));
    case 'remove-members':
      return !operation.userIds.some(isIn);
    case 'leave':
      return !isIn(self);
    case 'join':
      return isIn(self);
    case 'request-join':
      return isIn(self) || state.requests.some(({ userId }) => userId === self);
    case 'approve':
      return isIn(operation.userId);
    case 'decline':
      return !state.requests.some(({ userId }) => userId === operation.userId);
    case 'set-role':
      return memberOf(state, operation.userId)?.role === operation.role;
    case 'transfer-ownership':
      return memberOf(state, operation.userId)?.role === 'owner';
    case 'set-title':
      return state.title === operation.title;
    case 'set-settings':
      return state.settings.add === operation.settings.add && state.settings.edit === operation.settings.edit;
    case 'revoke-invite':
      return state.invite === undefined;
    case 'set-avatar':
      return isSameAvatar(operation.avatar, state.avatar);
    case 'note-devices':
      return (memberOf(state, self)?.deviceListVersion ?? 0) >= operation.version;
    default:
      return false;
  }
}
