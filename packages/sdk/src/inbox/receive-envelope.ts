import { type Content, type Envelope, uuidToText } from '@sotto/proto';
import { refuseWhenEnded, usableAccount } from '../accounts/standing.ts';
import { chatLock, chatOfGroup, chatWith } from '../chats/chat-state.ts';
import type { Executor } from '../crypto/executor.ts';
import { Hold } from '../crypto/hold.ts';
import { noteNamedIdentity } from '../crypto/identity-trust.ts';
import { alone, demandLocks, LocksWanted } from '../crypto/locks-wanted.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { listedIdentity } from '../devices/accepted-list.ts';
import { noteHeard } from '../devices/heard-devices.ts';
import { isUnheard } from '../devices/own-sender.ts';
import { learnSecret } from '../ephemeral/ephemeral-secrets.ts';
import { groupIdOf } from '../groups/group-id.ts';
import { groupLock } from '../groups/group-lock.ts';
import { type ArrivalTimes, type GroupContext, groupContextOf } from '../messages/group-context.ts';
import { mostReceipted } from '../messages/group-receipts.ts';
import { applyOf } from '../messages/kinds.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { addOverdueIn } from '../outbox/overdue-receipts.ts';
import type { ReceiptQueue } from '../outbox/receipt-queue.ts';
import { hasBlocked, servesGroup } from '../people/blocked.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { DeviceAddress, MessageId, UserId } from '../ports/ids.ts';
import type { HeldRecord } from '../ports/inbox-records.ts';
import type { Logger } from '../ports/logger.ts';
import type { Randomness } from '../ports/randomness.ts';
import { recordKey } from '../ports/record-key.ts';
import type { StoreQueries } from '../ports/store.ts';
import { mostReplaced } from '../repair/empty-content.ts';
import type { RetryAnswerer } from '../repair/retry-answer.ts';
import { SottoError } from '../sotto-error.ts';
import { talks } from './check-content.ts';
import { decodeEnvelope } from './decode-envelope.ts';
import { type Holding, holdAgain, holdEnvelope } from './hold-envelope.ts';
import { type Inspected, inspectEnvelope, inspectSealed, locksOf } from './inspect-envelope.ts';
import { learnFromContent } from './learn-from-content.ts';
import { openEnvelope } from './open-envelope.ts';
import type { Received } from './received.ts';

/** The most attempts of one message that are looked for. */
const mostAttempts = 16;

/** Takes one envelope from the wire into the store. */
export class EnvelopeReceiver {
  private readonly executor: Executor;
  private readonly account: () => AccountRecord;
  private readonly origin: () => ContentOrigin;
  private readonly clock: Clock;
  private readonly sha256: Sha256;
  private readonly logger: Logger;
  private readonly receipts: ReceiptQueue;
  private readonly store: StoreQueries;
  private readonly randomness: Randomness;
  private unsealing = 0;
  private readonly answerer: RetryAnswerer;
  private readonly trustRoots: () => Promise<readonly Uint8Array[]>;
  private readonly relayNow: () => number;

  constructor(parts: {
    readonly executor: Executor;
    readonly account: () => AccountRecord;
    readonly origin: () => ContentOrigin;
    readonly clock: Clock;
    readonly sha256: Sha256;
    readonly logger: Logger;
    readonly receipts: ReceiptQueue;
    readonly store: StoreQueries;
    readonly randomness: Randomness;
    /** Answers requests to send something again. */
    readonly answerer: RetryAnswerer;
    /** By what certificates of sealed senders are believed. */
    readonly trustRoots: () => Promise<readonly Uint8Array[]>;
    /** The time by the relay's clock. */
    readonly relayNow: () => number;
  }) {
    this.executor = parts.executor;
    this.account = parts.account;
    this.origin = parts.origin;
    this.clock = parts.clock;
    this.sha256 = parts.sha256;
    this.logger = parts.logger;
    this.receipts = parts.receipts;
    this.store = parts.store;
    this.randomness = parts.randomness;
    this.answerer = parts.answerer;
    this.trustRoots = parts.trustRoots;
    this.relayNow = parts.relayNow;
  }

  /**
   * Opens, checks and applies an envelope in one operation, one commit; what fails is dropped whole, and held with its reason by an operation of its own.
   * @throws {SottoError} `session-ended` (the account is over: nothing was taken), and what the store throws: the envelope must not be acked
   */
  async receive(bytes: Uint8Array): Promise<Received> {
    return this.take(await this.inspect(bytes));
  }

  /**
   * Reads an envelope as far as that goes without a lock; who a sealed sender is, too. Touches nothing.
   * @throws what the store throws
   */
  inspect(bytes: Uint8Array): Promise<Inspected> {
    const watch = <T>(work: Promise<T>): Promise<T> => this.watched(work);
    return inspectSealed(bytes, this.account(), this.sha256, this.clock.now(), this.trustRoots, watch);
  }

  /** Whether an outer layer is being opened: what follows is the executor's. */
  get busy(): boolean {
    return this.unsealing > 0;
  }

  private async watched<T>(work: Promise<T>): Promise<T> {
    this.unsealing++;
    try {
      return await work;
    } finally {
      this.unsealing--;
    }
  }

  /** The rest of `receive`: in the order of the calls, as far as envelopes have to do with each other. */
  take(inspected: Inspected): Promise<Received> {
    return this.receiveUnder(locksOf(inspected), inspected);
  }

  private receiveUnder(locks: readonly string[], inspected: Inspected): Promise<Received> {
    const steps = { before: 'decrypt.before-commit', after: 'receive.committed' } as const;
    return this.executor
      .run(
        locks,
        async (overlay) => {
          await refuseWhenEnded(overlay);
          return inspected.request ? this.answer(overlay, inspected) : this.open(overlay, inspected, locks);
        },
        { ...steps, alone: locks.includes(alone) },
      )
      .catch((error: unknown) => {
        if (error instanceof LocksWanted) return this.receiveUnder([...locks, ...error.locks], inspected);
        const hold = this.holdFor(error);
        return this.executor.run(locks, (overlay) => holdEnvelope(overlay, inspected, hold, this.holding()), steps);
      });
  }

  /**
   * Tries a held envelope again; what became of it, or undefined when it is held still, and for the same reason.
   * @throws {SottoError} `session-ended`, and what the store throws
   */
  async retry(bytes: Uint8Array): Promise<Received | undefined> {
    const { digest } = inspectEnvelope(bytes, this.account(), this.sha256);
    const inspected = await this.inspect(bytes);
    // What was held with its outer layer on it stands under the digest of that, whatever is found below.
    return this.retryUnder(locksOf(inspected), inspected, digest);
  }

  /**
   * Whether what a held envelope waits for has come: its group, a revision of that, the key of its chain. Undefined when only a try tells.
   * @param looked what was found out before in the same pass: many wait for the same
   */
  async isReached(held: HeldRecord, looked: Map<string, Promise<boolean>>): Promise<boolean | undefined> {
    const { reason, groupId, envelope: bytes } = held;
    if (groupId === undefined) return undefined;
    if (reason !== 'no-sender-key' && reason !== 'group-revision' && reason !== 'group-unknown') return undefined;
    const { sender, checked, envelope } = await this.inspect(bytes);
    const once = (name: string, look: (overlay: Overlay) => Promise<boolean>) => {
      const found = looked.get(name) ?? this.executor.run([], look);
      looked.set(name, found);
      return found;
    };
    if (reason === 'no-sender-key') {
      if (sender === undefined || checked?.kind !== 'sender-key') return undefined;
      const { distributionId, chain } = checked;
      return once(`${recordKey('senderKey', { ...sender, distributionId })} ${chain}`, async (overlay) => {
        const known = await overlay.get('senderKey', { ...sender, distributionId });
        return known?.chains.some(({ ratchetKey }) => ratchetKey === chain) ?? false;
      });
    }
    // Where it stands for one person the revision is inside: that is tried, as if it had come.
    const revision = reason === 'group-revision' ? envelope.groupEpoch : 0;
    return once(`${groupId} ${revision}`, async (overlay) => {
      const group = await overlay.get('group', { id: groupId });
      return group !== undefined && group.standing !== 'requested' && revision <= group.revision;
    });
  }

  private retryUnder(
    locks: readonly string[],
    inspected: Inspected,
    digest: Uint8Array,
  ): Promise<Received | undefined> {
    return this.executor
      .run(
        locks,
        async (overlay): Promise<Received | undefined> => {
          await refuseWhenEnded(overlay);
          const held = await overlay.get('held', { digest });
          if (held === undefined) return { outcome: 'duplicate' };
          try {
            const received = await overlay.attempt((part) =>
              inspected.request ? this.answer(part, inspected) : this.apply(part, inspected, locks),
            );
            overlay.delete('held', { digest });
            return received;
          } catch (error) {
            if (error instanceof LocksWanted) throw error;
            return holdAgain(overlay, inspected, held, this.holdFor(error), this.holding());
          }
        },
        { alone: locks.includes(alone) },
      )
      .catch((error: unknown) => {
        if (error instanceof LocksWanted) return this.retryUnder([...locks, ...error.locks], inspected, digest);
        throw error;
      });
  }

  /** What is refused leaves no trace but a line of the log: anybody between the two can make as many requests as they like. */
  private async answer(overlay: Overlay, { request, sender, digest, envelope }: Inspected): Promise<Received> {
    const refuse = (reason: string): Received => {
      this.logger.info('repair.refused', { reason });
      return { outcome: 'refused' };
    };
    if (request === undefined || request === 'malformed' || sender === undefined) return refuse('malformed');
    if (request.messageId !== uuidToText(envelope.messageId)) return refuse('malformed');
    if ((await overlay.get('seen', { key: digest })) !== undefined) return { outcome: 'duplicate' };
    const now = this.clock.now();
    const answer = await this.answerer.answer(overlay, sender, request, { now, relayNow: this.relayNow() });
    if (answer !== 'resent' && answer !== 'replaced') return refuse(answer);
    overlay.put('seen', { key: digest, at: now });
    return { outcome: 'answered', sender };
  }

  private async open(overlay: Overlay, inspected: Inspected, locks: readonly string[]): Promise<Received> {
    const received = await this.apply(overlay, inspected, locks);
    overlay.put('seen', { key: inspected.digest, at: this.clock.now() });
    return received;
  }

  private async apply(overlay: Overlay, inspected: Inspected, locks: readonly string[]): Promise<Received> {
    const { envelope, sender } = inspected;
    if (inspected.refused) throw inspected.refused;
    if (sender === undefined) throw new Hold('malformed-envelope');
    const now = this.clock.now();
    // As it is in this operation: it may have another identity key than its caller knows of.
    const account = usableAccount(await overlay.get('account', {}));
    const { acceptedAt } = envelope;
    const times = { now, takenAt: acceptedAt - this.relayNow() + now };
    if (await isUnheard(overlay, sender, account, { acceptedAt, ...times })) return { outcome: 'dropped' };
    const opened = await openEnvelope(overlay, inspected, sender, { account, sha256: this.sha256, now });
    const { content, encoded, newSession, newIdentity, identityKey } = opened;
    // The ratchet goes on with who is blocked, so that they can be taken back; nothing else does.
    if (!servesGroup(content) && (await hasBlocked(overlay, sender.userId))) return { outcome: 'dropped' };
    if (sender.userId === account.userId) await noteHeard(overlay, sender.deviceId, now);
    const result = { outcome: 'applied', newSession, sender } as const;
    const group = await this.groupOf(overlay, inspected, sender, content, locks, times);
    const settled = group?.settled ? group.groupId : undefined;
    if (identityKey !== undefined && newIdentity && (await isListed(overlay, sender.userId, identityKey))) {
      await noteNamedIdentity(overlay, sender.userId, identityKey);
    }
    await this.dropHeld(overlay, sender.userId, envelope, content);
    // Another attempt of a message that came before: the ratchet moves on, nothing else does. What a person sees is known by its own record.
    if (content.seq === 0) {
      const seen = { key: content.messageId.slice() };
      if ((await overlay.get('seen', seen)) !== undefined)
        return { ...result, receiptQueued: false, receiptWaits: false, request: undefined, group: settled };
      overlay.put('seen', { ...seen, at: now });
    }
    // Under a sender key it is not proven which identity key is theirs now; what came with that key has said it all.
    if (identityKey !== undefined) {
      await learnFromContent(overlay, sender.userId, content, identityKey, now);
      await learnSecret(overlay, sender, content.ephemeralSecret, identityKey);
    }
    const messageId = uuidToText(content.messageId) as MessageId;
    const origin = this.origin();
    const arrival = {
      overlay,
      account,
      origin,
      sender,
      messageId,
      envelope,
      content,
      encoded,
      newIdentity,
      group,
      locks,
      queries: this.store,
      ...times,
    };
    const applied = await applyOf(content)(arrival);
    const { store, receipts } = this;
    const { receiptDue, answered = false, newKeys = false, request = false, groupsBegun = [] } = applied;
    const overdueTo = await addOverdueIn(overlay, { store, receipts }, applied.accepted ?? [], now);
    const chatId = group && chatOfGroup(group.groupId);
    const isDue = receiptDue && (group === undefined || group.members - 1 <= mostReceipted);
    const queued = isDue && (await this.receipts.add(overlay, sender.userId, 'delivered', [messageId], now, chatId));
    return {
      ...result,
      newSession: newSession || newKeys,
      receiptQueued: (queued && group === undefined) || answered,
      receiptWaits: queued && group !== undefined,
      overdueTo,
      request: request ? (chatId ?? chatWith(sender.userId)) : undefined,
      group: applied.group ?? settled,
      groupsBegun,
    };
  }

  /** The group whose conversation a content belongs to. What administers groups checks by itself where it belongs. */
  private async groupOf(
    overlay: Overlay,
    { groupId: named }: Inspected,
    sender: DeviceAddress,
    content: Content,
    locks: readonly string[],
    times: ArrivalTimes,
  ): Promise<GroupContext | undefined> {
    if (content.groupId.length === 0 || !talks(content)) return undefined;
    const groupId = named ?? groupIdOf(content.groupId, this.sha256);
    demandLocks(locks, [chatLock(chatOfGroup(groupId)), groupLock(groupId)]);
    return groupContextOf(overlay, groupId, sender.userId, this.account().userId, content, times);
  }

  /** Another attempt has come, or word that none will: what is held of those messages is not waited for any more. */
  private async dropHeld(overlay: Overlay, userId: UserId, envelope: Envelope, content: Content): Promise<void> {
    const { replaces, messageId } = content;
    // The common message is a first attempt that stands for itself alone.
    if (envelope.attempt <= 1 && replaces.length === 0) return;
    for (const id of [messageId, ...replaces.slice(0, mostReplaced)]) {
      if (id.length !== 16) continue;
      const attempts = await this.store.heldAttempts(uuidToText(id) as MessageId, mostAttempts);
      for (const held of attempts) {
        // Word of what will not come counts of who wrote it.
        if (held.sender !== userId || (id !== messageId && !isOfDevice(held, envelope.senderDevice))) continue;
        overlay.delete('held', { digest: held.digest });
      }
    }
  }

  private holding(): Holding {
    return { now: this.clock.now(), randomness: this.randomness };
  }

  /** Why to hold an envelope after a failure; store failures go up instead, so that nothing is acked. */
  private holdFor(error: unknown): Hold {
    if (error instanceof Hold) return error;
    if (error instanceof SottoError) throw error;
    this.logger.error('inbox.unexpected', { message: error instanceof Error ? error.name : 'unknown' });
    return new Hold('undecryptable', { cause: error });
  }
}

/** Whether a device wrote what is held, as far as that says so without its outer layer. */
function isOfDevice({ envelope }: HeldRecord, deviceId: number): boolean {
  const writer = decodeEnvelope(envelope)?.senderDevice ?? 0;
  return writer === 0 || writer === deviceId;
}

/** Whether the known device list of a person names this identity key. */
async function isListed(overlay: Overlay, userId: UserId, identityKey: Uint8Array): Promise<boolean> {
  const list = await overlay.get('deviceList', { userId });
  return list !== undefined && sameBytes(listedIdentity(list), identityKey);
}
