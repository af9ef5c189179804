import { Send, type SendFields, uuidToBytes } from '@sotto/proto';
import type { SenderCertificate } from '#libsignal';
import { refuseWhenEnded, usableAccount } from '../accounts/standing.ts';
import { chatLock, chatOfGroup, chatWith } from '../chats/chat-state.ts';
import type { Executor } from '../crypto/executor.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { pad } from '../crypto/padding.ts';
import { sealForMany } from '../crypto/sealed-many.ts';
import type { KeylessDevices } from '../devices/keyless-devices.ts';
import { isSendingStopped } from '../groups/group-fork.ts';
import { groupLock } from '../groups/group-lock.ts';
import { groupForked, groupNotMember, groupUnknown } from '../groups/group-refusal.ts';
import { stateOf } from '../groups/stored-group.ts';
import { type ContentOrigin, contentForGroup, type OwnWords } from '../messages/outgoing-content.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { GroupRecord } from '../ports/group-records.ts';
import type { ChatId, GroupId } from '../ports/ids.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';
import type { StoreQueries } from '../ports/store.ts';
import type { Ways } from '../sealed/unnamed-way.ts';
import { audienceOf, type GroupAudience } from './group-audience.ts';
import { GroupChain } from './group-chain.ts';
import { addCopyForMember } from './hidden-row.ts';
import { ownWordsToGroup } from './own-words.ts';
import { type RowSealer, type SealableRecord, type SealOutcome, sealedBefore } from './row-sealer.ts';
import { newSendId } from './send-id.ts';
import { type UnnamedAudience, unnamedAudience } from './unnamed-audience.ts';

/** What `GroupSealer` works with. */
export interface GroupSealerParts {
  readonly executor: Executor;
  readonly store: Pick<StoreQueries, 'senderKeyShared' | 'blockedUsers'>;
  readonly origin: () => ContentOrigin;
  readonly clock: Clock;
  /** Devices that nobody can begin a session with. */
  readonly keyless: KeylessDevices;
  /** Who may know the sender: the members alone, or the relay too. */
  readonly ways: Ways;
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
  /** How it leaves without the sender's name; undefined when it leaves with it. */
  readonly unnamed: Unnamed | undefined;
  /** Queues into which something was put. */
  readonly queued: Set<ChatId>;
  readonly now: number;
}

/** What is sealed without the sender's name. */
interface Unnamed extends UnnamedAudience {
  readonly certificate: SenderCertificate;
  /** As it is in this operation: it may have another identity key than its caller knows of. */
  readonly account: AccountRecord;
}

/** What `Send`s of a row have in common. */
type SendPart = Required<Pick<SendFields, 'sendId' | 'attempt' | 'suite' | 'urgent'>>;

/**
 * Encrypts what goes to a whole group: one ciphertext for all, keys for those who have none, and the audience as it is now, in one commit.
 *
 * Where the user wants it so the relay does not learn who sends: then what it gets names no group either, and shows an access key of each member instead. Whoever can't be reached in that way gets a copy in their own queue, behind the key of the chain: nobody is waited for.
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
      sealing ??= await this.prepare(overlay, groupId, queued, now);
      if ('status' in sealing) {
        outcomes.push(sealing);
        break;
      }
      outcomes.push(await this.sealOne(overlay, sealing, row));
    }
    return outcomes;
  }

  /** The group as it is now, or why nothing can be sealed for it. */
  private async prepare(
    overlay: Overlay,
    groupId: GroupId,
    queued: Set<ChatId>,
    now: number,
  ): Promise<Sealing | SealOutcome> {
    const { store, origin: originOf } = this.parts;
    const origin = originOf();
    const group = await overlay.get('group', { id: groupId });
    if (group === undefined) return { status: 'failed', error: groupUnknown() };
    const state = group.standing === 'member' ? stateOf(group) : undefined;
    if (state === undefined) return { status: 'failed', error: groupNotMember() };
    if (isSendingStopped(group)) return { status: 'failed', error: groupForked() };
    if (group.waitingFor !== undefined) return { status: 'later' };
    if (group.knownRevision > Math.max(group.revision, this.read.get(groupId) ?? 0)) {
      this.wanted.set(groupId, group.knownRevision);
      return { status: 'needs-group' };
    }
    const audience = await audienceOf(overlay, state, origin.account, origin.sha256);
    const unnamed = await this.unnamedWay(overlay, audience, now);
    if (unnamed !== undefined && 'status' in unnamed) return unnamed;
    const members = new Set(state.members.map(({ userId }) => userId));
    const told = { ...origin, now };
    const own = await ownWordsToGroup(overlay, told, chatOfGroup(groupId), members, await store.blockedUsers());
    const chain = new GroupChain({ overlay, store, origin, group, audience, now });
    return { group, audience, own, unnamed, chain, queued, now };
  }

  private async unnamedWay(
    overlay: Overlay,
    audience: GroupAudience,
    now: number,
  ): Promise<Unnamed | SealOutcome | undefined> {
    const { ways, keyless } = this.parts;
    const account = usableAccount(await overlay.get('account', {}));
    const way = await ways.toGroup(overlay, account);
    if (way.way === 'needs-certificate') return { status: way.way };
    if (way.way !== 'unnamed') return undefined;
    const split = await unnamedAudience(overlay, audience, { account, ways, keyless, now });
    return split && { ...split, account, certificate: way.certificate };
  }

  private async sealOne(overlay: Overlay, sealing: Sealing, row: OutboxRecord): Promise<SealOutcome> {
    const { group, audience, chain, unnamed, queued, now } = sealing;
    await this.noteAudience(overlay, row, group, audience, now);
    const sendId = newSendId(now, this.parts.origin().randomness);
    const attempt = row.attempt + 1;
    const part = { sendId, attempt, suite: 1, urgent: row.visible };
    const send =
      unnamed === undefined
        ? await this.namedSend(overlay, sealing, row, part)
        : await this.unnamedSend(overlay, { ...sealing, ...unnamed }, row, part);
    for (const userId of chain.given.keys()) queued.add(chatWith(userId));
    if (send === undefined) {
      overlay.delete('outbox', { id: row.id });
      return { status: 'gone' };
    }
    const sealed = { sendId, send: Send.encode(send), sealedAt: now };
    overlay.put('outbox', { ...row, attempt, sealed }, ['attempt', 'sealed']);
    return { status: 'sealed', send, sendId, keys: [...chain.given.values()] };
  }

  /** For all whose devices are known; undefined when there is nobody. */
  private async namedSend(
    overlay: Overlay,
    { group, audience, chain, own, queued, now }: Sealing,
    row: OutboxRecord,
    part: SendPart,
  ): Promise<SendFields | undefined> {
    // Another attempt: they have their copies.
    for (const userId of row.attempt === 0 ? audience.unknown : []) {
      addCopyForMember(overlay, userId, row, now);
      queued.add(chatWith(userId));
    }
    if (audience.recipients.length === 0) return undefined;
    const message = await chain.seal(pad(contentForGroup(row.content, group, own)));
    return {
      ...part,
      messageId: uuidToBytes(row.messageId),
      groupId: group.wireId,
      groupEpoch: group.revision,
      sharedCiphertext: message.serialize(),
      recipients: [...audience.recipients],
    };
  }

  /** For all who can be reached so; undefined when there is nobody. Whoever gets a copy at a later attempt may have one: they show it once. */
  private async unnamedSend(
    overlay: Overlay,
    { group, chain, own, certificate, account, recipients, devices, apart, queued, now }: Sealing & Unnamed,
    row: OutboxRecord,
    part: SendPart,
  ): Promise<SendFields | undefined> {
    await chain.ready();
    for (const userId of apart) {
      addCopyForMember(overlay, userId, row, now);
      queued.add(chatWith(userId));
    }
    if (recipients.length === 0) return undefined;
    const message = await chain.seal(pad(contentForGroup(row.content, group, own)));
    const context = { messageId: uuidToBytes(row.messageId), groupId: group.wireId, groupEpoch: group.revision };
    const sharedCiphertext = await sealForMany(overlay, account, message, { certificate, context }, devices);
    return { ...part, sharedCiphertext, recipients: [...recipients] };
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
