import { isUuid, uuidToText } from '@sotto/proto';
import { refuseWhenEnded } from '../accounts/standing.ts';
import type { Executor } from '../crypto/executor.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { stateOf } from '../groups/stored-group.ts';
import { mostReceipted } from '../messages/group-receipts.ts';
import { type Message, toMessage } from '../messages/message.ts';
import { type MessageProgress, progressOf } from '../messages/message-progress.ts';
import { progressFields } from '../messages/message-state.ts';
import { type ContentOrigin, newContent } from '../messages/outgoing-content.ts';
import { cursorOf, placeOf } from '../messages/place-cursor.ts';
import { checkText } from '../messages/text.ts';
import { checkOptions, given, type OptionRules } from '../option-rules.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { ReceiptQueue } from '../outbox/receipt-queue.ts';
import type { ChatRecord } from '../ports/chat-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { ChatId, GroupId, MessageId, UserId } from '../ports/ids.ts';
import type { MessageRecord } from '../ports/message-record.ts';
import type { Store } from '../ports/store.ts';
import type { Tracer } from '../ports/tracer.ts';
import { SottoError } from '../sotto-error.ts';
import { syncOfRead, tellSiblings } from '../sync/own-sync.ts';
import { chatLock, chatWith, comparePlaces, withMessage } from './chat-state.ts';

/** What a conversation works with. */
export interface ConversationParts {
  readonly store: Store;
  readonly executor: Executor;
  readonly outbox: Outbox;
  readonly receipts: ReceiptQueue;
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

/** Where a message goes: to one person, or to a group, by its 32 bytes on the wire. */
export type MessageTarget = { readonly recipient: UserId } | { readonly groupId: GroupId; readonly wireId: Uint8Array };

/** What differs between conversations when a message is added. */
export interface Outgoing {
  /** The chat as it is, or a new one, in the operation that adds the message; and where the message goes. */
  open(overlay: Overlay, now: number): Promise<{ readonly chat: ChatRecord; readonly to: MessageTarget }>;
  /** Refuses, once it is known that the message is new. */
  refuse(overlay: Overlay): Promise<void>;
  /** The chat was not accepted before this message. */
  accepted(overlay: Overlay, now: number): Promise<void>;
}

// Keys, cursors and limits have errors of their own.
const sendRules: OptionRules<SendOptions> = { key: given.anything };
const historyRules: OptionRules<HistoryOptions> = {
  before: given.anything,
  after: given.anything,
  from: { fits: (from) => from === 'latest' || from === 'oldest', says: 'latest or oldest' },
  limit: given.anything,
};

/** What became of one page of a read mark. */
interface ReadPage {
  /** How many messages were found unread. */
  readonly count: number;
  /** To whom receipts were queued. */
  readonly told: readonly UserId[];
  /** Locks without which nothing was done. */
  readonly needed: readonly string[];
}

const readPage = 256;
const defaultLimit = 50;
const largestLimit = 500;

/** What of a chat is the same with one person and in a group. It holds no state. */
export class Conversation {
  readonly id: ChatId;
  readonly #parts: ConversationParts;

  constructor(id: ChatId, parts: ConversationParts) {
    this.id = id;
    this.#parts = parts;
  }

  /**
   * Adds a text and wakes the queue; resolves when it is in the store.
   * @throws {SottoError} `text-empty`, `text-too-long`, `text-malformed`, `argument-invalid`, `not-registered`, `session-ended`, what `outgoing` throws, and the store's
   */
  async send(text: string, options: SendOptions, outgoing: Outgoing): Promise<Message> {
    this.#parts.assertRunning();
    checkText(text);
    checkOptions('send', options, sendRules);
    const origin = this.#parts.origin();
    const nonce = options.key === undefined ? undefined : nonceOf(options.key, this.id, origin);
    const message = await this.#parts.executor.run(
      [chatLock(this.id)],
      (overlay) => this.#addOutgoing(overlay, origin, text, nonce, outgoing),
      { after: 'send.committed' },
    );
    this.#parts.outbox.wake(this.id);
    return toMessage(message);
  }

  /**
   * A page of the history: the latest, or those before or after a cursor.
   * @throws {SottoError} `cursor-invalid`, `argument-invalid`
   */
  async history(options: HistoryOptions = {}): Promise<HistoryPage> {
    this.#parts.assertRunning();
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
    const { store } = this.#parts;
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
   * How far an own message is: for how many it is, how many have it and have read it, and who they are.
   * @throws {SottoError} `message-unknown`
   */
  async progress(message: Pick<Message, 'id'>): Promise<MessageProgress> {
    this.#parts.assertRunning();
    const { store } = this.#parts;
    const record = await store.get('message', { id: checkedId(message) });
    if (record?.chatId !== this.id) {
      throw new SottoError('message-unknown', 'this chat has no such message: give one of its history');
    }
    return progressOf(record, await store.receipts(record.id));
  }

  /**
   * Marks everything up to a message as read, and tells its authors if this user has accepted the chat and receipts are on.
   * @throws {SottoError} `message-unknown`
   */
  async markRead(message: Pick<Message, 'id'>): Promise<void> {
    this.#parts.assertRunning();
    const id = checkedId(message);
    const locks = new Set([chatLock(this.id)]);
    for (;;) {
      const page = await this.#parts.executor.run([...locks], (overlay) => this.#readOn(overlay, id, locks));
      if (page.told.length > 0) this.#parts.tracer.reached('receipt.queued');
      for (const author of page.told) this.#parts.outbox.wake(chatWith(author));
      for (const lock of page.needed) locks.add(lock);
      if (page.needed.length === 0 && page.count < readPage) return;
    }
  }

  async #addOutgoing(
    overlay: Overlay,
    origin: ContentOrigin,
    text: string,
    givenNonce: Uint8Array | undefined,
    outgoing: Outgoing,
  ): Promise<MessageRecord> {
    await refuseWhenEnded(overlay);
    const now = this.#parts.clock.now();
    const { chat, to } = await outgoing.open(overlay, now);
    const seq = chat.nextSeq;
    const fields = { seq, sentAt: now, text: { body: text } };
    const made =
      'recipient' in to
        ? newContent(origin, to.recipient, fields, givenNonce)
        : newContent(origin, undefined, { ...fields, groupId: to.wireId }, givenNonce);
    const id = uuidToText(made.id) as MessageId;
    const known = givenNonce && (await overlay.get('message', { id }));
    if (known) return known;
    await outgoing.refuse(overlay);
    const position = overlay.nextPosition();
    const message: MessageRecord = {
      id,
      nonce: made.nonce,
      chatId: this.id,
      senderId: origin.account.userId,
      senderDevice: origin.account.deviceId,
      receiverId: 'recipient' in to ? to.recipient : undefined,
      groupId: 'recipient' in to ? undefined : to.groupId,
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
      recipients: undefined,
      revision: undefined,
    };
    overlay.put('message', message);
    overlay.put('chat', { ...withMessage(chat, message, position, now), accepted: true, nextSeq: seq + 1 });
    if (!chat.accepted) await outgoing.accepted(overlay, now);
    overlay.put('outbox', {
      id: overlay.nextOutboxId(),
      chatId: this.id,
      recipient: message.receiverId,
      groupId: message.groupId,
      messageId: id,
      kind: 'content',
      visible: true,
      content: made.encoded,
      partId: undefined,
      createdAt: now,
      attempt: 0,
      sealed: undefined,
    });
    return message;
  }

  /** Marks one page. A receipt goes into its author's own queue: where that one's lock is not held, nothing is done before it is. */
  async #readOn(overlay: Overlay, upTo: MessageId, locks: ReadonlySet<string>): Promise<ReadPage> {
    const now = this.#parts.clock.now();
    const target = await overlay.get('message', { id: upTo });
    const chat: ChatRecord | undefined = await overlay.get('chat', { id: this.id });
    if (target?.chatId !== this.id || chat === undefined) {
      throw new SottoError('message-unknown', 'this chat has no such message: give one of its history');
    }
    const found = await this.#parts.store.unread(this.id, target, readPage);
    const authors = new Set(found.map(({ senderId }) => senderId));
    const needed = [...authors].map((author) => chatLock(chatWith(author))).filter((lock) => !locks.has(lock));
    if (needed.length > 0) return { count: found.length, told: [], needed };
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
    const told: UserId[] = [];
    for (const author of chat.accepted && !(await isCrowd(overlay, chat)) ? authors : []) {
      const ids = unread.filter(({ senderId }) => senderId === author).map(({ id }) => id);
      if (await this.#parts.receipts.add(overlay, author, 'read', ids, now, this.id)) told.push(author);
    }
    const { origin } = this.#parts;
    const read = syncOfRead(unread.map(({ id }) => id));
    if (unread.length > 0 && (await tellSiblings(overlay, origin, read, now))) told.push(origin().account.userId);
    return { count: found.length, told, needed: [] };
  }
}

/** Whether so many are in the chat that nobody is told what was read. */
async function isCrowd(overlay: Overlay, { groupId }: ChatRecord): Promise<boolean> {
  const group = groupId && (await overlay.get('group', { id: groupId }));
  return group !== undefined && (stateOf(group)?.members.length ?? 0) - 1 > mostReceipted;
}

function checkedId(message: Pick<Message, 'id'>): MessageId {
  if (typeof message?.id !== 'string' || !isUuid(message.id)) {
    throw new SottoError('message-unknown', 'give a message of this chat: from its history, or from an event');
  }
  return message.id;
}

/** The nonce that an app's own key stands for. */
function nonceOf(key: string, chatId: ChatId, { sha256, account }: ContentOrigin): Uint8Array {
  if (typeof key !== 'string' || key.length < 1 || key.length > 200) {
    throw new SottoError('argument-invalid', 'a key has 1 to 200 characters');
  }
  const encoder = new TextEncoder();
  // A secret that stays as it is as long as the device, whose messages these are.
  const secret = account.devicePrivateKey;
  return sha256(encoder.encode('sotto send key v1'), secret, encoder.encode(`${chatId}:${key}`)).subarray(0, 16);
}
