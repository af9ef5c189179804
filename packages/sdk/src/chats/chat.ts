import type { ScanResult } from '../crypto/safety-number.ts';
import type { Signals } from '../ephemeral/signals.ts';
import type { Message } from '../messages/message.ts';
import type { MessageProgress } from '../messages/message-progress.ts';
import { demand } from '../option-rules.ts';
import { addOverdueReceipts } from '../outbox/overdue-receipts.ts';
import { refuseWhenBlocked } from '../people/blocked.ts';
import { type Report, type ReportHook, type ReportOptions, report } from '../people/report.ts';
import type { ChatId, UserId } from '../ports/ids.ts';
import type { IdentityPolicy } from '../ports/key-records.ts';
import { SottoError } from '../sotto-error.ts';
import { ownQueue } from '../sync/own-sync.ts';
import { acceptChat } from './accept-chat.ts';
import { type MutedUntil, muteChat, type SettingsOf, setChatReceipts } from './chat-settings.ts';
import { chatLock, openChat } from './chat-state.ts';
import {
  Conversation,
  type ConversationParts,
  type HistoryOptions,
  type HistoryPage,
  type Outgoing,
  type SendOptions,
} from './conversation.ts';
import type { Identities, IdentityState, SafetyNumber } from './identities.ts';
import type { Requests } from './requests.ts';

/** What a chat works with. */
export interface ChatParts extends ConversationParts {
  readonly identities: Identities;
  readonly signals: Pick<Signals, 'setTyping'>;
  readonly requests: Requests;
  /** Takes reports, if the app does. */
  readonly onReport: ReportHook | undefined;
}

/** A conversation with one person. A light handle: it holds no state, and any number of them may stand for the same chat. After `stop` every call throws {SottoError} `client-stopped`. */
export class Chat {
  readonly type = 'person';
  readonly id: ChatId;
  readonly userId: UserId;
  readonly #parts: ChatParts;
  readonly #conversation: Conversation;
  readonly #outgoing: Outgoing;
  readonly #settings: SettingsOf;

  constructor(id: ChatId, userId: UserId, parts: ChatParts) {
    this.id = id;
    this.userId = userId;
    this.#parts = parts;
    this.#conversation = new Conversation(id, parts);
    this.#settings = { id, open: (overlay, now) => openChat(overlay, userId, now) };
    this.#outgoing = {
      open: async (overlay, now) => ({ chat: await openChat(overlay, userId, now), to: { recipient: userId } }),
      refuse: async (overlay) => {
        await refuseWhenBlocked(overlay, userId);
        await parts.identities.assertTrusted(overlay, userId);
      },
      accepted: (overlay, now) => addOverdueReceipts(overlay, parts, userId, now),
    };
  }

  /**
   * Sends a text. Resolves when the message is in the store (`queued`), connected or not; it leaves when it can, in order, and events tell how far it got.
   * @throws {SottoError} `text-empty`, `text-too-long` (over 65,536 bytes of UTF-8), `text-malformed`, `argument-invalid`, `blocked`, `identity-changed` (with an `action` that accepts the new key), `device-list-forked` (the relay was asked once more), `not-registered`, `session-ended`, and the store's
   */
  async send(text: string, options: SendOptions = {}): Promise<Message> {
    const add = () => this.#conversation.send(text, options, this.#outgoing);
    const message = await add().catch(async (error: unknown) => {
      if (!(error instanceof SottoError) || error.code !== 'device-list-forked') throw error;
      await this.#parts.identities.askForDevices(this.userId);
      return add();
    });
    this.#parts.signals.setTyping(this.userId, false);
    return message;
  }

  /**
   * A page of the history: the latest, or those before or after a cursor.
   * @throws {SottoError} `cursor-invalid`, `argument-invalid`
   */
  history(options: HistoryOptions = {}): Promise<HistoryPage> {
    return this.#conversation.history(options);
  }

  /**
   * How far an own message is: for how many it is, how many have it and have read it, and who they are.
   * @throws {SottoError} `message-unknown`
   */
  progress(message: Pick<Message, 'id'>): Promise<MessageProgress> {
    return this.#conversation.progress(message);
  }

  /**
   * Marks everything up to a message as read, and tells its authors if this user has accepted the chat and receipts are on.
   * @throws {SottoError} `message-unknown`
   */
  markRead(message: Pick<Message, 'id'>): Promise<void> {
    return this.#conversation.markRead(message);
  }

  /**
   * Tells the other side that this user types, or has stopped. Call it with each key: it is told at once and then every four seconds, ends by itself after ten without a call, and with `send`.
   *
   * Nothing of it is stored, and nothing waits for a connection. Only people whom this user and who themselves have accepted the chat see it.
   * @throws {SottoError} `client-stopped`, `argument-invalid`
   */
  setTyping(typing: boolean): void {
    this.#parts.assertRunning();
    demand(typeof typing === 'boolean', 'setTyping takes true or false');
    this.#parts.signals.setTyping(this.userId, typing);
  }

  /**
   * Lets a stranger's chat be as one that this user began: receipts are sent, also for what came before. Writing into a chat accepts it, too.
   * @throws {SottoError} `blocked`
   */
  async accept(): Promise<void> {
    this.#parts.assertRunning();
    const isNew = await this.#parts.executor.run([chatLock(this.id)], async (overlay) => {
      await refuseWhenBlocked(overlay, this.userId);
      return acceptChat(overlay, this.#parts, this.userId, this.#parts.clock.now());
    });
    if (!isNew) return;
    this.#parts.outbox.wake(this.id);
    this.#parts.outbox.wake(ownQueue(this.#parts.origin().account));
  }

  /**
   * Removes a stranger's chat with its messages, on the own other devices too, without a word to them. What they send next is a new request; to end that, block them. Harmless when there is no such chat.
   * @throws {SottoError} `argument-invalid`: the chat was accepted
   */
  async decline(): Promise<void> {
    this.#parts.assertRunning();
    const told = await this.#parts.requests.decline(this.userId);
    if (told) this.#parts.outbox.wake(ownQueue(this.#parts.origin().account));
  }

  /**
   * Mutes this chat until a time to come (milliseconds since the Unix epoch, so `Date.now() + 3_600_000` for an hour), for ever, or no more (`undefined`). Everything comes and is told as before; events and the list say that it is muted, and not to make a sound of it is the app's.
   * @throws {SottoError} `argument-invalid`
   */
  async mute(until: MutedUntil | undefined): Promise<void> {
    this.#parts.assertRunning();
    return muteChat(this.#parts, this.#settings, until);
  }

  /**
   * Says whether this person is told that their messages came and were read; `undefined`: as the client says.
   * @throws {SottoError} `argument-invalid`
   */
  async setReceipts(receipts: boolean | undefined): Promise<void> {
    this.#parts.assertRunning();
    return setChatReceipts(this.#parts, this.#settings, receipts);
  }

  /**
   * Hands what moderation needs to know of this person to the `onReport` of `Client.open`: their last five messages, or those given. Nothing goes to the relay, nor to them; block them, too, if nothing more is to come.
   * @throws {SottoError} `argument-invalid` (also without `onReport`), `message-unknown` (none of theirs in this chat), `not-registered`, `session-ended`; and what `onReport` throws
   */
  report(options: ReportOptions = {}): Promise<Report> {
    return report(this.#parts, { userId: this.userId, chatId: this.id, groupId: undefined }, options);
  }

  /**
   * What both compare, by sight, by voice or by scanning, to be sure that nobody is in between.
   * @throws {SottoError} `user-unknown`, `device-list-invalid`, `relay-unreachable`: when the person's key is not known yet and could not be asked for
   */
  async safetyNumber(): Promise<SafetyNumber> {
    this.#parts.assertRunning();
    return this.#parts.identities.safetyNumber(this.userId);
  }

  /**
   * Compares what was scanned from the other device. It changes nothing: call `setVerified(true)` after a `match`.
   * @throws {SottoError} `argument-invalid`, and as `safetyNumber`
   */
  async verifySafetyNumber(scanned: Uint8Array): Promise<ScanResult> {
    this.#parts.assertRunning();
    return this.#parts.identities.compare(this.userId, scanned);
  }

  /**
   * Says that the user has compared the safety number, or takes that back. A new key is not verified.
   * @throws {SottoError} `argument-invalid`, `identity-changed` when a new key waits to be accepted, or the key is another one than that of which `safetyNumber` was shown last; as `safetyNumber`
   */
  async setVerified(verified: boolean): Promise<void> {
    this.#parts.assertRunning();
    return this.#parts.identities.setVerified(this.userId, verified);
  }

  /** How it stands with the person's identity key. */
  async identity(): Promise<IdentityState> {
    this.#parts.assertRunning();
    return this.#parts.identities.state(this.userId);
  }

  /** Trusts the person's new identity key; what waits leaves under it. Harmless when there is none. */
  async acceptIdentity(): Promise<void> {
    this.#parts.assertRunning();
    return this.#parts.identities.accept(this.userId);
  }

  /**
   * Says what a new identity key does in this chat; `undefined`: as the client says.
   * @throws {SottoError} `argument-invalid`
   */
  async setIdentityPolicy(policy: IdentityPolicy | undefined): Promise<void> {
    this.#parts.assertRunning();
    return this.#parts.identities.setPolicy(this.userId, policy);
  }
}
