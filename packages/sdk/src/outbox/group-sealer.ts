import { Send, type SendFields, uuidToBytes } from '@sotto/proto';
import { refuseWhenEnded } from '../accounts/standing.ts';
import { chatLock, chatOfGroup, chatWith } from '../chats/chat-state.ts';
import type { Executor } from '../crypto/executor.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { pad } from '../crypto/padding.ts';
import { groupLock } from '../groups/group-lock.ts';
import { groupForked, groupNotMember, groupUnknown } from '../groups/group-refusal.ts';
import { stateOf } from '../groups/stored-group.ts';
import { type ContentOrigin, contentForGroup, type OwnWords } from '../messages/outgoing-content.ts';
import type { Clock } from '../ports/clock.ts';
import type { GroupRecord } from '../ports/group-records.ts';
import type { ChatId, GroupId } from '../ports/ids.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';
import type { StoreQueries } from '../ports/store.ts';
import { audienceOf, type GroupAudience } from './group-audience.ts';
import { GroupChain } from './group-chain.ts';
import { addCopyForMember } from './hidden-row.ts';
import { ownWordsToGroup } from './own-words.ts';
import { type RowSealer, type SealableRecord, type SealOutcome, sealedBefore } from './row-sealer.ts';
import { newSendId } from './send-id.ts';

/** What `GroupSealer` works with. */
export interface GroupSealerParts {
  readonly executor: Executor;
  readonly store: Pick<StoreQueries, 'senderKeyShared' | 'blockedUsers'>;
  readonly origin: () => ContentOrigin;
  readonly clock: Clock;
  /** Reads a group's log to its end, over the network, and takes it over. */
  readonly refreshGroup: (groupId: GroupId) => Promise<void>;
  /** Something was put into other queues. */
  readonly onQueued: (chatIds: readonly ChatId[]) => void;
}

/** What of a record for a group says how to seal it. */
export type GroupRow = SealableRecord & { readonly groupId: GroupId };

/** What a group is when rows for it are sealed. */
interface Sealing {
  readonly group: GroupRecord;
  readonly audience: GroupAudience;
  readonly chain: GroupChain;
  /** What is said of this account. */
  readonly own: OwnWords;
}

/**
 * Encrypts what goes to a whole group: one ciphertext for all, keys for those who have none, and the audience as it is now, in one commit.
 *
 * A message is for the members of the state that is known here. Once somebody has said that the log goes on, it is read first; as long as it can't be read, nothing is sealed: the next change may put somebody out.
 */
export class GroupSealer implements RowSealer<GroupRow> {
  private readonly parts: GroupSealerParts;
  /** Up to which revision somebody said that a group's log goes, when it was read to its end: it may end before. */
  private readonly read = new Map<GroupId, number>();
  private readonly wanted = new Map<GroupId, number>();

  constructor(parts: GroupSealerParts) {
    this.parts = parts;
  }

  /**
   * Reads the log of a group, after `needs-group`.
   * @throws what `refreshGroup` throws
   */
  async readGroup(groupId: GroupId): Promise<void> {
    const wanted = this.wanted.get(groupId) ?? 0;
    await this.parts.refreshGroup(groupId);
    this.read.set(groupId, wanted);
  }

  async seal(rows: readonly GroupRow[]): Promise<readonly SealOutcome[]> {
    const [first] = rows;
    if (first === undefined) return [];
    const { executor, onQueued } = this.parts;
    const queued = new Set<ChatId>();
    const outcomes = await executor.run(
      [chatLock(first.chatId), groupLock(first.groupId)],
      (overlay) => this.sealOn(overlay, first.groupId, rows, queued),
      { before: 'seal.before-commit', after: 'seal.committed' },
    );
    if (queued.size > 0) onQueued([...queued]);
    return outcomes;
  }

  private async sealOn(
    overlay: Overlay,
    groupId: GroupId,
    rows: readonly GroupRow[],
    queued: Set<ChatId>,
  ): Promise<readonly SealOutcome[]> {
    await refuseWhenEnded(overlay);
    const now = this.parts.clock.now();
    const outcomes: SealOutcome[] = [];
    let sealing: Sealing | SealOutcome | undefined;
    for (const { id } of rows) {
      const row = await overlay.get('outbox', { id });
      if (row === undefined) {
        outcomes.push({ status: 'gone' });
        continue;
      }
      const known = sealedBefore(row, now);
      if (known !== undefined) {
        outcomes.push(known);
        continue;
      }
      sealing ??= await this.prepare(overlay, groupId, now);
      if ('status' in sealing) {
        outcomes.push(sealing);
        break;
      }
      outcomes.push(await this.sealOne(overlay, sealing, row, queued, now));
    }
    return outcomes;
  }

  /** The group as it is now, or why nothing can be sealed for it. */
  private async prepare(overlay: Overlay, groupId: GroupId, now: number): Promise<Sealing | SealOutcome> {
    const { store, origin: originOf } = this.parts;
    const origin = originOf();
    const group = await overlay.get('group', { id: groupId });
    if (group === undefined) return { status: 'failed', error: groupUnknown() };
    const state = group.standing === 'member' ? stateOf(group) : undefined;
    if (state === undefined) return { status: 'failed', error: groupNotMember() };
    if (group.forkedAt !== undefined) return { status: 'failed', error: groupForked() };
    if (group.waitingFor !== undefined) return { status: 'later' };
    if (group.knownRevision > Math.max(group.revision, this.read.get(groupId) ?? 0)) {
      this.wanted.set(groupId, group.knownRevision);
      return { status: 'needs-group' };
    }
    const audience = await audienceOf(overlay, state, origin.account, origin.sha256);
    const members = new Set(state.members.map(({ userId }) => userId));
    const own = await ownWordsToGroup(overlay, origin, chatOfGroup(groupId), members, await store.blockedUsers());
    return { group, audience, own, chain: new GroupChain({ overlay, store, origin, group, audience, now }) };
  }

  private async sealOne(
    overlay: Overlay,
    { group, audience, chain, own }: Sealing,
    row: OutboxRecord,
    queued: Set<ChatId>,
    now: number,
  ): Promise<SealOutcome> {
    await this.noteAudience(overlay, row, group, audience, now);
    // Another attempt: they have their copies.
    for (const userId of row.attempt === 0 ? audience.unknown : []) {
      addCopyForMember(overlay, userId, row, now);
      queued.add(chatWith(userId));
    }
    if (audience.recipients.length === 0) {
      overlay.delete('outbox', { id: row.id });
      return { status: 'gone' };
    }
    const ciphertext = await chain.seal(pad(contentForGroup(row.content, group, own)));
    for (const userId of chain.given) queued.add(chatWith(userId));
    const sendId = newSendId(now, this.parts.origin().randomness);
    const attempt = row.attempt + 1;
    const send: SendFields = {
      sendId,
      messageId: uuidToBytes(row.messageId),
      attempt,
      suite: 1,
      urgent: row.visible,
      groupId: group.wireId,
      groupEpoch: group.revision,
      sharedCiphertext: ciphertext,
      recipients: [...audience.recipients],
    };
    const sealed = { sendId, send: Send.encode(send), sealedAt: now };
    overlay.put('outbox', { ...row, attempt, sealed }, ['attempt', 'sealed']);
    return { status: 'sealed', send, sendId };
  }

  /** Whom a message is for is what it is when it is sealed first. In an empty group there is nobody to wait for. */
  private async noteAudience(
    overlay: Overlay,
    row: OutboxRecord,
    { revision }: GroupRecord,
    { others }: GroupAudience,
    now: number,
  ): Promise<void> {
    const message = row.visible ? await overlay.get('message', { id: row.messageId }) : undefined;
    if (message === undefined || message.revision !== undefined) return;
    const noted = { ...message, recipients: others, revision, updatedAt: now };
    if (others > 0) {
      overlay.put('message', noted, ['recipients', 'revision', 'updatedAt']);
      return;
    }
    overlay.put('message', { ...noted, state: 'sent', acceptedAt: now });
    const { id: messageId, chatId } = message;
    overlay.record({ type: 'message.sent', messageId, chatId, userId: undefined, at: now });
  }
}
