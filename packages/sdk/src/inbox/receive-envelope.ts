import { CiphertextKind, type Content, Envelope, uuidToText } from '@sotto/proto';
import { refuseWhenEnded } from '../accounts/standing.ts';
import { chatLock, chatWith } from '../chats/chat-state.ts';
import type { Executor } from '../crypto/executor.ts';
import { Hold } from '../crypto/hold.ts';
import { noteNamedIdentity } from '../crypto/identity-trust.ts';
import { LocksWanted } from '../crypto/locks-wanted.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { type CheckedCiphertext, checkStructure } from '../crypto/precheck.ts';
import { peerLock, Ratchet } from '../crypto/ratchet.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { listedIdentity } from '../devices/accepted-list.ts';
import { learnSecret } from '../ephemeral/ephemeral-secrets.ts';
import { applyOf } from '../messages/kinds.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import type { ReceiptQueue } from '../outbox/receipt-queue.ts';
import { hasBlocked, servesGroup } from '../people/blocked.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { DeviceAddress, DeviceId, GroupId, MessageId, UserId } from '../ports/ids.ts';
import type { HeldReason } from '../ports/inbox-records.ts';
import type { Logger } from '../ports/logger.ts';
import type { Randomness } from '../ports/randomness.ts';
import { recordKey } from '../ports/record-key.ts';
import type { StoreQueries } from '../ports/store.ts';
import { mostReplaced } from '../repair/empty-content.ts';
import type { RetryAnswerer } from '../repair/retry-answer.ts';
import { nextRequestAt } from '../repair/retry-asker.ts';
import { isMendable, type ReadRetryRequest, readRetryRequest } from '../repair/retry-request.ts';
import { SottoError } from '../sotto-error.ts';
import { checkContent } from './check-content.ts';
import { decodeEnvelope } from './decode-envelope.ts';
import { learnFromContent } from './learn-from-content.ts';

/** The most attempts of one message that are looked for. */
const mostAttempts = 16;

/** What became of an envelope. In every case its effects are durable and it may be acked. */
export type Received =
  | {
      readonly outcome: 'applied';
      readonly newSession: boolean;
      /** Receipts to its sender wait in the outbox, or an answer. */
      readonly receiptQueued: boolean;
      /** It is a stranger's, in a chat that is not accepted. */
      readonly request: boolean;
      /** A group of which it brought news. */
      readonly group?: GroupId | undefined;
      readonly sender: DeviceAddress;
    }
  /** A request to send something again was honoured: it waits in the outbox. */
  | { readonly outcome: 'answered'; readonly sender: DeviceAddress }
  /** Its sender is blocked: nothing of it is kept. */
  | { readonly outcome: 'dropped' }
  | { readonly outcome: 'duplicate' | 'held' | 'refused' };

/** An envelope with what was found out about it before any lock. */
interface Inspected {
  readonly envelope: Envelope;
  /** As it came. */
  readonly bytes: Uint8Array;
  readonly digest: Uint8Array;
  readonly sender: DeviceAddress | undefined;
  readonly checked: CheckedCiphertext | undefined;
  /** It is no message, but a request to send one again. */
  readonly request: ReadRetryRequest | 'malformed' | undefined;
  /** Why it is held before decryption was tried. */
  readonly refused: Hold | undefined;
}

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
  private readonly answerer: RetryAnswerer;

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
  }

  /**
   * Opens, checks and applies an envelope in one operation, one commit; what fails is dropped whole, and held with its reason by an operation of its own.
   * @throws {SottoError} `session-ended` (the account is over: nothing was taken), and what the store throws: the envelope must not be acked
   */
  receive(bytes: Uint8Array): Promise<Received> {
    const inspected = this.inspect(bytes);
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
        steps,
      )
      .catch((error: unknown) => {
        if (error instanceof LocksWanted) return this.receiveUnder([...locks, ...error.locks], inspected);
        const reason = this.reasonToHold(error);
        return this.executor.run(locks, (overlay) => this.hold(overlay, inspected, reason), steps);
      });
  }

  /**
   * Tries a held envelope again; whether it is held no more.
   * @throws {SottoError} `session-ended`, and what the store throws
   */
  retry(bytes: Uint8Array): Promise<boolean> {
    const inspected = this.inspect(bytes);
    return this.retryUnder(locksOf(inspected), inspected);
  }

  private retryUnder(locks: readonly string[], inspected: Inspected): Promise<boolean> {
    return this.executor
      .run(locks, async (overlay) => {
        await refuseWhenEnded(overlay);
        const held = await overlay.get('held', { digest: inspected.digest });
        if (held === undefined) return true;
        try {
          await overlay.attempt((part) => this.apply(part, inspected, locks));
          overlay.delete('held', { digest: inspected.digest });
          return true;
        } catch (error) {
          if (error instanceof LocksWanted) throw error;
          const reason = this.reasonToHold(error);
          overlay.put('held', { ...held, reason, retries: held.retries + 1 }, ['reason', 'retries']);
          return false;
        }
      })
      .catch((error: unknown) => {
        if (error instanceof LocksWanted) return this.retryUnder([...locks, ...error.locks], inspected);
        throw error;
      });
  }

  private inspect(bytes: Uint8Array): Inspected {
    const envelope = decodeEnvelope(bytes);
    // Envelopes without a ciphertext (of a suite to come) must not be taken for one another.
    const digest = this.sha256(
      envelope === undefined || envelope.ciphertext.length === 0 ? bytes : envelope.ciphertext,
    );
    const inspected = {
      envelope: envelope ?? Envelope.decode(new Uint8Array()),
      bytes,
      digest,
      sender: undefined,
      checked: undefined,
      request: undefined,
    };
    try {
      if (envelope === undefined) throw new Hold('malformed-envelope');
      if (envelope.suite !== 1) throw new Hold('unknown-suite');
      const self = this.account();
      if (
        envelope.senderUser.length !== 16 ||
        envelope.recipientUser.length !== 16 ||
        envelope.messageId.length !== 16
      ) {
        throw new Hold('malformed-envelope');
      }
      if (envelope.senderDevice < 1 || envelope.senderDevice > 127) throw new Hold('malformed-envelope');
      if (uuidToText(envelope.recipientUser) !== self.userId || envelope.recipientDevice !== self.deviceId) {
        throw new Hold('wrong-recipient');
      }
      const sender = {
        userId: uuidToText(envelope.senderUser) as UserId,
        deviceId: envelope.senderDevice as DeviceId,
      };
      if (sender.userId === self.userId) throw new Hold('sender-mismatch');
      if (envelope.kind === CiphertextKind.CIPHERTEXT_KIND_RETRY_REQUEST) {
        const request = readRetryRequest(envelope.ciphertext) ?? 'malformed';
        return { ...inspected, sender, request, refused: undefined };
      }
      const checked = checkStructure(envelope.kind, envelope.ciphertext);
      return { ...inspected, sender, checked, refused: undefined };
    } catch (error) {
      if (!(error instanceof Hold)) throw error;
      return { ...inspected, refused: error };
    }
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
    const answer = await this.answerer.answer(overlay, sender, request, now);
    if (answer !== 'resent' && answer !== 'replaced') return refuse(answer);
    overlay.put('seen', { key: digest, at: now });
    return { outcome: 'answered', sender };
  }

  private async open(overlay: Overlay, inspected: Inspected, locks: readonly string[]): Promise<Received> {
    const received = await this.apply(overlay, inspected, locks);
    overlay.put('seen', { key: inspected.digest, at: this.clock.now() });
    return received;
  }

  /** A ratchet opens nothing twice, so only what failed is looked up: it may have come before. */
  private async hold(overlay: Overlay, inspected: Inspected, reason: HeldReason): Promise<Received> {
    await refuseWhenEnded(overlay);
    const { digest, bytes, envelope, sender, checked } = inspected;
    if ((await overlay.get('seen', { key: digest })) !== undefined) return { outcome: 'duplicate' };
    const now = this.clock.now();
    overlay.put('seen', { key: digest, at: now });
    if (sender !== undefined && (await hasBlocked(overlay, sender.userId))) return { outcome: 'dropped' };
    const mendable = sender !== undefined && checked !== undefined && isMendable(reason);
    overlay.put('held', {
      digest,
      envelope: bytes,
      reason,
      heldAt: now,
      retries: 0,
      sender: sender?.userId,
      messageId: sender && (uuidToText(envelope.messageId) as MessageId),
      mendable,
      requests: 0,
      requestAt: mendable ? nextRequestAt(0, now, this.randomness) : undefined,
    });
    overlay.record({ type: 'envelope.held', digest: recordKey('held', { digest }), reason });
    return { outcome: 'held' };
  }

  private async apply(overlay: Overlay, inspected: Inspected, locks: readonly string[]): Promise<Received> {
    const { envelope, sender, checked } = inspected;
    if (inspected.refused) throw inspected.refused;
    if (sender === undefined || checked === undefined) throw new Hold('malformed-envelope');
    const now = this.clock.now();
    const account = this.account();
    const ratchet = new Ratchet(account, overlay, now);
    const { plaintext, newSession, newIdentity, identityKey } = await ratchet.open(
      sender,
      checked,
      envelope.ciphertext,
    );
    const { content, encoded } = checkContent(plaintext, envelope, sender, account, this.sha256);
    // The ratchet goes on with who is blocked, so that they can be taken back; nothing else does.
    if (!servesGroup(content) && (await hasBlocked(overlay, sender.userId))) return { outcome: 'dropped' };
    const result = { outcome: 'applied', newSession, sender } as const;
    if (newIdentity && (await isListed(overlay, sender.userId, identityKey))) {
      await noteNamedIdentity(overlay, sender.userId, identityKey);
    }
    await this.dropHeld(overlay, sender.userId, envelope, content);
    // Another attempt of a message that came before: the ratchet moves on, nothing else does. What a person sees is known by its own record.
    if (content.seq === 0) {
      const seen = { key: content.messageId.slice() };
      if ((await overlay.get('seen', seen)) !== undefined) return { ...result, receiptQueued: false, request: false };
      overlay.put('seen', { ...seen, at: now });
    }
    await learnFromContent(overlay, sender.userId, content, identityKey, now);
    await learnSecret(overlay, sender, content.ephemeralSecret, identityKey);
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
      locks,
      queries: this.store,
      now,
    };
    const { receiptDue, group, answered, request = false } = await applyOf(content)(arrival);
    const receiptQueued =
      receiptDue && (await this.receipts.add(overlay, sender.userId, 'delivered', [messageId], now));
    return { ...result, receiptQueued: receiptQueued || answered === true, request, group };
  }

  /** Another attempt has come, or word that none will: what is held of those messages is not waited for any more. */
  private async dropHeld(overlay: Overlay, userId: UserId, envelope: Envelope, content: Content): Promise<void> {
    const { replaces, messageId } = content;
    // The common message is a first attempt that stands for itself alone.
    if (envelope.attempt <= 1 && replaces.length === 0) return;
    for (const id of [messageId, ...replaces.slice(0, mostReplaced)]) {
      if (id.length !== 16) continue;
      const attempts = await this.store.heldAttempts(uuidToText(id) as MessageId, mostAttempts);
      for (const held of attempts) if (held.sender === userId) overlay.delete('held', { digest: held.digest });
    }
  }

  /** The reason to hold an envelope after a failure; store failures go up instead, so that nothing is acked. */
  private reasonToHold(error: unknown): HeldReason {
    if (error instanceof Hold) return error.reason;
    if (error instanceof SottoError) throw error;
    this.logger.error('inbox.unexpected', { message: error instanceof Error ? error.name : 'unknown' });
    return 'undecryptable';
  }
}

/** Whether the known device list of a person names this identity key. */
async function isListed(overlay: Overlay, userId: UserId, identityKey: Uint8Array): Promise<boolean> {
  const list = await overlay.get('deviceList', { userId });
  return list !== undefined && sameBytes(listedIdentity(list), identityKey);
}

function locksOf({ sender, checked, digest }: Inspected): readonly string[] {
  if (sender === undefined) return [`held:${recordKey('held', { digest })}`];
  const locks = [peerLock(sender.userId), chatLock(chatWith(sender.userId))];
  const ids = checked?.prekeyIds;
  if (ids === undefined) return locks;
  if (ids.ec !== undefined) locks.push(`prekey:ec.${ids.ec}`);
  if (ids.kyber !== undefined) locks.push(`prekey:kyber.${ids.kyber}`);
  return locks;
}
