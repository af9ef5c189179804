import { isUuid, uuidToText } from '@sotto/proto';
import { refuseWhenEnded } from '../accounts/standing.ts';
import type { Executor } from '../crypto/executor.ts';
import type { Overlay } from '../crypto/overlay.ts';
import type { ScanResult } from '../crypto/safety-number.ts';
import type { Signals } from '../ephemeral/signals.ts';
import { type Message, toMessage } from '../messages/message.ts';
import { progressFields } from '../messages/message-state.ts';
import { type ContentOrigin, newContent } from '../messages/outgoing-content.ts';
import { cursorOf, placeOf } from '../messages/place-cursor.ts';
import { checkText } from '../messages/text.ts';
import { checkOptions, demand, given, type OptionRules } from '../option-rules.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { addOverdueReceipts } from '../outbox/overdue-receipts.ts';
import type { ReceiptQueue } from '../outbox/receipt-queue.ts';
import type { ChatRecord } from '../ports/chat-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { ChatId, MessageId, UserId } from '../ports/ids.ts';
import type { IdentityPolicy } from '../ports/key-records.ts';
import type { MessageRecord } from '../ports/message-record.ts';
import type { Store } from '../ports/store.ts';
import type { Tracer } from '../ports/tracer.ts';
import { SottoError } from '../sotto-error.ts';
import { acceptChat } from './accept-chat.ts';
import { chatLock, comparePlaces, openChat, withMessage } from './chat-state.ts';
import type { Identities, IdentityState, SafetyNumber } from './identities.ts';

/** What a chat works with. */
export interface ChatParts {
  readonly store: Store;
  readonly executor: Executor;
  readonly outbox: Outbox;
  readonly receipts: ReceiptQueue;
  readonly identities: Identities;
  readonly signals: Pick<Signals, 'setTyping'>;
  /** @throws {SottoError} `not-registered`, `session-ended` */
  readonly origin: () => ContentOrigin;
  readonly clock: Clock;
  readonly tracer: Tracer;
  /** @throws {SottoError} `client-stopped` */
  readonly assertRunning: () => void;
}

/** How to send. */
export interface SendOptions {
  /** The same key in the same chat is the same message, however often it is sent: for retries by the app, over restarts too. 1..200 characters. */
  readonly key?: string;
}

/** Which part of a history. At most one of `before`, `after` and `from`. */
export interface HistoryOptions {
  /** Older ones than this cursor. */
  readonly before?: string;
  /** Newer ones than this cursor. */
  readonly after?: string;
  /** Where to begin without a cursor: the latest page (the default), or the oldest one. */
  readonly from?: 'latest' | 'oldest';
  /** 1..500; 50 when left out. */
  readonly limit?: number;
}

/** A part of a history. */
export interface HistoryPage {
  /** Oldest first. */
  readonly messages: readonly Message[];
  /** Give it as `before` for the page of older ones; undefined when this page is empty. */
  readonly older: string | undefined;
  /** Give it as `after` for the page of newer ones; undefined when this page is empty. */
  readonly newer: string | undefined;
}

// Keys, cursors and limits have errors of their own.
const sendRules: OptionRules<SendOptions> = { key: given.anything };
const historyRules: OptionRules<HistoryOptions> = {
  before: given.anything,
  after: given.anything,
  from: { fits: (from) => from === 'latest' || from === 'oldest', says: 'latest or oldest' },
  limit: given.anything,
};

const readPage = 256;

/** What became of one page of a read mark. */
interface ReadPage {
  /** How many messages were unread. */
  readonly count: number;
  readonly receiptQueued: boolean;
}

const defaultLimit = 50;
const largestLimit = 500;

/** A conversation with one person. A light handle: it holds no state, and any number of them may stand for the same chat. */
export class Chat {
  readonly id: ChatId;
  readonly userId: UserId;
  private readonly parts: ChatParts;

  constructor(id: ChatId, userId: UserId, parts: ChatParts) {
    this.id = id;
    this.userId = userId;
    this.parts = parts;
  }

  /**
   * Sends a text. Resolves when the message is in the store (`queued`), connected or not; it leaves when it can, in order, and events tell how far it got.
   * @throws {SottoError} `text-empty`, `text-too-long` (over 65,536 bytes of UTF-8), `text-malformed`, `argument-invalid`, `identity-changed` (with an `action` that accepts the new key), `device-list-forked` (the relay was asked once more), `not-registered`, `session-ended`, and the store's
   */
  async send(text: string, options: SendOptions = {}): Promise<Message> {
    checkText(text);
    checkOptions('send', options, sendRules);
    const origin = this.parts.origin();
    const nonce = options.key === undefined ? undefined : nonceOf(options.key, this.id, origin);
    const add = () =>
      this.parts.executor.run([chatLock(this.id)], (overlay) => this.addOutgoing(overlay, origin, text, nonce), {
        after: 'send.committed',
      });
    const message = await add().catch(async (error: unknown) => {
      if (!(error instanceof SottoError) || error.code !== 'device-list-forked') throw error;
      await this.parts.identities.askForDevices(this.userId);
      return add();
    });
    this.parts.outbox.wake(this.id);
    this.parts.signals.setTyping(this.userId, false);
    return toMessage(message);
  }

  /**
   * A page of the history: the latest, or those before or after a cursor.
   * @throws {SottoError} `cursor-invalid`, `argument-invalid`
   */
  async history(options: HistoryOptions = {}): Promise<HistoryPage> {
    this.parts.assertRunning();
    checkOptions('history', options, historyRules);
    const { before, after, from, limit = defaultLimit } = options;
    if (!Number.isInteger(limit) || limit < 1 || limit > largestLimit) {
      throw new SottoError('argument-invalid', `limit is a whole number from 1 to ${largestLimit}`);
    }
    if ([before, after, from].filter((given) => given !== undefined).length > 1) {
      throw new SottoError('argument-invalid', 'give one of before, after and from');
    }
    const place = before ?? after;
    const cursor = place === undefined ? undefined : placeOf(place);
    const page = { chatId: this.id, limit };
    const { store } = this.parts;
    const records =
      after !== undefined || from === 'oldest'
        ? await store.messages({ ...page, after: cursor })
        : [...(await store.messages({ ...page, before: cursor }))].reverse();
    const first = records[0];
    const last = records.at(-1);
    return {
      messages: records.map((record) => toMessage(record)),
      older: first && cursorOf(first),
      newer: last && cursorOf(last),
    };
  }

  /**
   * Marks everything up to a message as read, and tells its authors if this user has accepted the chat and receipts are on.
   * @throws {SottoError} `message-unknown`
   */
  async markRead(message: Pick<Message, 'id'>): Promise<void> {
    if (typeof message?.id !== 'string' || !isUuid(message.id)) {
      throw new SottoError('message-unknown', 'give a message of this chat: from its history, or from an event');
    }
    let page: ReadPage;
    do {
      page = await this.parts.executor.run([chatLock(this.id)], (overlay) => this.readOn(overlay, message.id));
      if (page.receiptQueued) this.parts.tracer.reached('receipt.queued');
    } while (page.count === readPage);
    this.parts.outbox.wake(this.id);
  }

  /**
   * Tells the other side that this user types, or has stopped. Call it with each key: it is told at once and then every four seconds, ends by itself after ten without a call, and with `send`.
   *
   * Nothing of it is stored, and nothing waits for a connection. Only people whom this user and who themselves have accepted the chat see it.
   * @throws {SottoError} `client-stopped`, `argument-invalid`
   */
  setTyping(typing: boolean): void {
    this.parts.assertRunning();
    demand(typeof typing === 'boolean', 'setTyping takes true or false');
    this.parts.signals.setTyping(this.userId, typing);
  }

  /** Lets a stranger's chat be as one that this user began: receipts are sent, also for what came before. Writing into a chat accepts it, too. */
  async accept(): Promise<void> {
    const isNew = await this.parts.executor.run([chatLock(this.id)], (overlay) =>
      acceptChat(overlay, this.parts, this.userId, this.parts.clock.now()),
    );
    if (isNew) this.parts.outbox.wake(this.id);
  }

  /**
   * What both compare, by sight, by voice or by scanning, to be sure that nobody is in between.
   * @throws {SottoError} `user-unknown`, `device-list-invalid`, `relay-unreachable`: when the person's key is not known yet and could not be asked for
   */
  safetyNumber(): Promise<SafetyNumber> {
    this.parts.assertRunning();
    return this.parts.identities.safetyNumber(this.userId);
  }

  /**
   * Compares what was scanned from the other device. It changes nothing: call `setVerified(true)` after a `match`.
   * @throws {SottoError} `argument-invalid`, and as `safetyNumber`
   */
  verifySafetyNumber(scanned: Uint8Array): Promise<ScanResult> {
    this.parts.assertRunning();
    return this.parts.identities.compare(this.userId, scanned);
  }

  /**
   * Says that the user has compared the safety number, or takes that back. A new key is not verified.
   * @throws {SottoError} `argument-invalid`, `identity-changed` when a new key waits to be accepted, or the key is another one than that of which `safetyNumber` was shown last; as `safetyNumber`
   */
  setVerified(verified: boolean): Promise<void> {
    return this.parts.identities.setVerified(this.userId, verified);
  }

  /** How it stands with the person's identity key. */
  identity(): Promise<IdentityState> {
    this.parts.assertRunning();
    return this.parts.identities.state(this.userId);
  }

  /** Trusts the person's new identity key; what waits leaves under it. Harmless when there is none. */
  acceptIdentity(): Promise<void> {
    return this.parts.identities.accept(this.userId);
  }

  /**
   * Says what a new identity key does in this chat; `undefined`: as the client says.
   * @throws {SottoError} `argument-invalid`
   */
  setIdentityPolicy(policy: IdentityPolicy | undefined): Promise<void> {
    return this.parts.identities.setPolicy(this.userId, policy);
  }

  private async addOutgoing(
    overlay: Overlay,
    origin: ContentOrigin,
    text: string,
    givenNonce: Uint8Array | undefined,
  ): Promise<MessageRecord> {
    await refuseWhenEnded(overlay);
    const now = this.parts.clock.now();
    const chat = await openChat(overlay, this.userId, now);
    const seq = chat.nextSeq;
    const made = newContent(origin, this.userId, { seq, sentAt: now, text: { body: text } }, givenNonce);
    const id = uuidToText(made.id) as MessageId;
    const known = givenNonce && (await overlay.get('message', { id }));
    if (known) return known;
    await this.parts.identities.assertTrusted(overlay, this.userId);
    const position = overlay.nextPosition();
    const message: MessageRecord = {
      id,
      nonce: made.nonce,
      chatId: this.id,
      senderId: origin.account.userId,
      senderDevice: origin.account.deviceId,
      receiverId: this.userId,
      groupId: undefined,
      hasFiles: false,
      text,
      unknownContent: undefined,
      seq,
      position,
      late: false,
      state: 'queued',
      createdAt: now,
      updatedAt: now,
      acceptedAt: undefined,
      expiresAt: undefined,
      failure: undefined,
    };
    overlay.put('message', message);
    overlay.put('chat', { ...withMessage(chat, message, position, now), accepted: true, nextSeq: seq + 1 });
    if (!chat.accepted) await addOverdueReceipts(overlay, this.parts, this.userId, now);
    overlay.put('outbox', {
      id: overlay.nextOutboxId(),
      chatId: this.id,
      recipient: this.userId,
      messageId: id,
      kind: 'content',
      visible: true,
      content: made.encoded,
      createdAt: now,
      attempt: 0,
      sealed: undefined,
    });
    return message;
  }

  /** Marks one page. */
  private async readOn(overlay: Overlay, upTo: MessageId): Promise<ReadPage> {
    const now = this.parts.clock.now();
    const target = await overlay.get('message', { id: upTo });
    const chat: ChatRecord | undefined = await overlay.get('chat', { id: this.id });
    if (target?.chatId !== this.id || chat === undefined) {
      throw new SottoError('message-unknown', 'this chat has no such message: give one of its history');
    }
    const found = await this.parts.store.unread(this.id, target, readPage);
    // The store does not know what an operation before this one in the batch has marked.
    const current = await Promise.all(found.map(({ id }) => overlay.get('message', { id })));
    const unread = current
      .filter((message) => message?.state === 'received')
      .filter((message) => message !== undefined);
    for (const message of unread) overlay.put('message', { ...message, state: 'seen', updatedAt: now }, progressFields);
    const readUpTo =
      comparePlaces(chat.readUpTo, target) < 0 ? { position: target.position, seq: target.seq } : chat.readUpTo;
    overlay.put('chat', { ...chat, unread: Math.max(0, chat.unread - unread.length), readUpTo });
    if (unread.length > 0) overlay.record({ type: 'chat.read', chatId: this.id });
    const receiptQueued =
      chat.accepted &&
      (await this.parts.receipts.add(
        overlay,
        this.userId,
        'read',
        unread.map(({ id }) => id),
        now,
      ));
    return { count: found.length, receiptQueued };
  }
}

/** The nonce that an app's own key stands for. */
function nonceOf(key: string, chatId: ChatId, { sha256, account }: ContentOrigin): Uint8Array {
  if (typeof key !== 'string' || key.length < 1 || key.length > 200) {
    throw new SottoError('argument-invalid', 'a key has 1 to 200 characters');
  }
  const encoder = new TextEncoder();
  return sha256(encoder.encode('sotto send key v1'), account.profileKey, encoder.encode(`${chatId}:${key}`)).subarray(
    0,
    16,
  );
}
