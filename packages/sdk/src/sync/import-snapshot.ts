import { GroupKeys, GroupWelcome } from '@sotto/proto';
import { chatOfGroup, chatWith, openChat } from '../chats/chat-state.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { groupIdOf } from '../groups/group-id.ts';
import { readGroupKeys } from '../groups/group-keys.ts';
import { keepStart } from '../groups/keep-group.ts';
import { ownListOf } from '../groups/stored-group.ts';
import { readWelcome } from '../groups/welcome.ts';
import type { Arrival } from '../messages/arrival.ts';
import type { ChatRecord } from '../ports/chat-record.ts';
import type { GroupId } from '../ports/ids.ts';
import type { SnapshotChat, SnapshotContact, SnapshotGroup, SnapshotImport } from '../ports/snapshot-import.ts';

/** What an import works in: an operation that holds the locks of everybody and everything that is imported. */
export type ImportPlace = Pick<Arrival, 'overlay' | 'account' | 'origin' | 'now'>;

/** Takes a snapshot over into an operation. */
export class OverlaySnapshotImport implements SnapshotImport {
  /** Groups that are known here by it, and were not before. */
  readonly groupsBegun: GroupId[] = [];
  /** Chats that were requests here until now. */
  readonly accepted: ChatRecord[] = [];
  readonly #place: ImportPlace;

  constructor(place: ImportPlace) {
    this.#place = place;
  }

  /** What is known here is kept; what is not known is filled in. */
  async contact({ userId, number, username, profileKey, blockedAt }: SnapshotContact): Promise<void> {
    const { overlay, account, now } = this.#place;
    if (userId === account.userId) return;
    const known = await overlay.get('user', { id: userId });
    const user = {
      profileKeyAt: undefined,
      avatarHash: undefined,
      returnsReceipts: false,
      createdAt: now,
      ...known,
      id: userId,
      number: known?.number || number,
      username: known?.username || username,
      profileKey: known?.profileKey ?? profileKey,
      blockedAt: known === undefined ? blockedAt : known.blockedAt,
      updatedAt: now,
    };
    overlay.put('user', user);
    if (known?.blockedAt === undefined && user.blockedAt !== undefined) {
      overlay.record({ type: 'contact.blocked', userId });
    }
    if (user.username !== (known?.username ?? '')) overlay.record({ type: 'profile.changed', userId });
  }

  /** A chat that is known here keeps what was set here. */
  async chat({ userId, groupId, accepted, mutedUntil, receipts }: SnapshotChat): Promise<void> {
    const { overlay, account, now } = this.#place;
    if (userId === account.userId) return;
    const id = groupId === undefined ? userId && chatWith(userId) : chatOfGroup(groupId);
    if (id === undefined) return;
    const known = await overlay.get('chat', { id });
    const chat = known ?? (userId && (await openChat(overlay, userId, now)));
    if (chat === undefined) return;
    const next = {
      ...chat,
      accepted: chat.accepted || accepted,
      mutedUntil: chat.mutedUntil ?? mutedUntil,
      receipts: chat.receipts ?? receipts,
    };
    overlay.put('chat', next);
    if (known?.accepted === false && next.accepted) this.accepted.push(next);
  }

  /** A group that is known here is brought up to date by its log. */
  async group({ welcome, keys }: SnapshotGroup): Promise<void> {
    const { overlay, account, origin, now } = this.#place;
    const { sha256 } = origin;
    const self = account.userId;
    const { rootKey } = ownListOf(account, sha256);
    const known = readWelcome(GroupWelcome.decode(welcome), self, { userId: self, rootKey }, sha256);
    if (known === undefined) return;
    const { state } = known.at;
    const groupId = groupIdOf(state.wireId, sha256);
    const group = await overlay.get('group', { id: groupId });
    if (group !== undefined && !sameBytes(group.wireId, state.wireId)) return;
    if (group?.standing === 'member') {
      if (state.revision > group.knownRevision) overlay.put('group', { ...group, knownRevision: state.revision });
    } else if (group === undefined || state.revision > group.revision) {
      await keepStart(overlay, known, { standing: 'member', accepted: true }, { self, now, sha256 });
      this.groupsBegun.push(groupId);
    }
    const given = keys && readGroupKeys(GroupKeys.decode(keys), sha256);
    for (const { keyEpoch, keyCommitment, key } of given ?? []) {
      const one = { groupId, keyEpoch, keyCommitment };
      // What an own device kept has opened records there: it is one of the group's course.
      if ((await overlay.get('groupKey', one)) === undefined) overlay.put('groupKey', { ...one, key, evaluated: true });
    }
  }
}
