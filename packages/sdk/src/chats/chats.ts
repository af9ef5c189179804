import { parsePhoneNumber } from '../accounts/phone-number.ts';
import type { Executor } from '../crypto/executor.ts';
import { type Message, toMessage } from '../messages/message.ts';
import { checkOptions, demandId, given, signalOnly } from '../option-rules.ts';
import { newUser } from '../people/blocked.ts';
import type { ChatRecord } from '../ports/chat-record.ts';
import type { GroupRecord } from '../ports/group-records.ts';
import type { ChatId, GroupId, UserId } from '../ports/ids.ts';
import { SottoError } from '../sotto-error.ts';
import { ownQueue, syncOfContact, tellSiblings } from '../sync/own-sync.ts';
import type { AuthorizedClient, CallOptions } from '../transport/http-client.ts';
import { lookUpNumbers } from '../transport/user-calls.ts';
import { acceptChat } from './accept-chat.ts';
import { Chat, type ChatParts } from './chat.ts';
import { isMuted, type MutedUntil, mutedUntilOf } from './chat-settings.ts';
import { chatLock, chatWith, openChat } from './chat-state.ts';
import type { GroupChat } from './group-chat.ts';

/** Chats on a page of the list, as the study has it. */
const pageSize = 15;

const listRules = { after: { ...given.number, says: 'what the page before gave as `next`' } };

/** A line of the chat list. */
export interface ChatSummary {
  /** `chat.type` says whether it is one `person`'s or a `group`'s. */
  readonly chat: Chat | GroupChat;
  /** Of a group; empty for a person. */
  readonly title: string;
  /** E.164; empty when only the id is known, and for groups. */
  readonly number: string;
  /** From the person's profile; empty until it is known, and for groups. */
  readonly username: string;
  readonly lastMessage: Message | undefined;
  readonly unread: number;
  /** Whether this user began it, wrote into it or accepted it. */
  readonly accepted: boolean;
  /** Whether it is muted now, and until when. */
  readonly muted: boolean;
  readonly mutedUntil: MutedUntil | undefined;
  /** Whether its person is blocked. */
  readonly blocked: boolean;
}

/** A page of the chat list. */
export interface ChatPage {
  /** Latest activity first, at most 15. */
  readonly chats: readonly ChatSummary[];
  /** Give it to `list` for the next page; undefined when this is the last one. */
  readonly next: number | undefined;
}

/** The conversations of this account. */
export class Chats {
  readonly #parts: ChatParts;
  readonly #executor: Executor;
  readonly #http: AuthorizedClient;
  readonly #groupChat: (groupId: GroupId) => GroupChat;

  constructor(
    parts: ChatParts & {
      readonly http: AuthorizedClient;
      readonly groupChat: (groupId: GroupId) => GroupChat;
    },
  ) {
    this.#parts = parts;
    this.#executor = parts.executor;
    this.#http = parts.http;
    this.#groupChat = parts.groupChat;
  }

  /**
   * The chat with a person, by phone number. A number that this device does not know is looked up at the relay.
   * @param phone with its country code, as people write it
   * @throws {SottoError} `number-invalid`, `number-unknown` (nobody has registered it), `recipient-invalid` (the own number), `relay-unreachable`, `rate-limited`, `not-registered`, `session-ended`, `argument-invalid`, `client-stopped`
   */
  async with(phone: string, options: CallOptions = {}): Promise<Chat> {
    this.#parts.assertRunning();
    const number = parsePhoneNumber(phone);
    checkOptions('chats.with', options, signalOnly);
    const { account } = this.#parts.origin();
    if (number === account.number) {
      throw new SottoError('recipient-invalid', 'this is your own number: a chat is with somebody else');
    }
    const known = await this.#parts.store.userByNumber(number);
    const userId = known?.id ?? (await this.#lookUp(number, options));
    return this.#begin(userId, number);
  }

  /**
   * The chat of an id that a message or an event names: that of a chat (`chatId`), or of a person (`senderId`). `undefined` when there is none (yet).
   * @throws {SottoError} `argument-invalid` (no id at all), `client-stopped`, and the store's
   */
  get(id: UserId): Promise<Chat | undefined>;
  get(id: ChatId | UserId): Promise<Chat | GroupChat | undefined>;
  async get(id: ChatId | UserId): Promise<Chat | GroupChat | undefined> {
    const record = await this.#record('chats.get', id);
    return record && this.#handleOf(record, await this.#groupOf(record));
  }

  /**
   * One chat as the list has it, to bring its line up to date; `undefined` when there is none (yet).
   * @throws {SottoError} `argument-invalid` (no id at all), `client-stopped`, and the store's
   */
  async summary(id: ChatId | UserId): Promise<ChatSummary | undefined> {
    const record = await this.#record('chats.summary', id);
    return record && this.#summarise(record);
  }

  /** A page of the chat list, latest activity first. @throws {SottoError} `argument-invalid` */
  async list(options: { readonly after?: number } = {}): Promise<ChatPage> {
    this.#parts.assertRunning();
    checkOptions('chats.list', options, listRules);
    const records = await this.#parts.store.chats(options.after, pageSize + 1);
    const page = records.slice(0, pageSize);
    const chats = await Promise.all(page.map((record) => this.#summarise(record)));
    return {
      chats: chats.filter((summary) => summary !== undefined),
      next: records.length > pageSize ? page.at(-1)?.activity : undefined,
    };
  }

  /**
   * A page of the chats that strangers began and this user has neither accepted nor declined, latest activity first; `list` has them, too. Those of people who are blocked are left out. At most 1,000 are kept, with the latest 100 messages each.
   * @throws {SottoError} `argument-invalid`
   */
  async requests(options: { readonly after?: number } = {}): Promise<ChatPage> {
    this.#parts.assertRunning();
    checkOptions('chats.requests', options, listRules);
    const { records, next } = await this.#parts.requests.page(options.after, pageSize);
    const chats = await Promise.all(records.map((record) => this.#summarise(record)));
    return { chats: chats.filter((summary) => summary !== undefined), next };
  }

  async #lookUp(number: string, options: CallOptions): Promise<UserId> {
    const [found] = await lookUpNumbers(this.#http, [number], options);
    if (found === undefined) {
      throw new SottoError('number-unknown', 'nobody has registered this number: invite them');
    }
    return found.userId;
  }

  async #begin(userId: UserId, number: string): Promise<Chat> {
    const chatId = chatWith(userId);
    const isNew = await this.#executor.run([chatLock(chatId)], async (overlay) => {
      const now = this.#parts.clock.now();
      const user = await overlay.get('user', { id: userId });
      if (user?.number !== number) {
        const named = { ...(user ?? newUser(userId, now)), number, updatedAt: now };
        overlay.put('user', named);
        // As a part of a snapshot: it says who they are, and takes back no block that has not come here yet.
        await tellSiblings(overlay, this.#parts.origin, { snapshot: { contacts: [syncOfContact(named)] } }, now);
      }
      // Whoever is blocked is looked at, not accepted.
      if (user?.blockedAt !== undefined) {
        await openChat(overlay, userId, now);
        return false;
      }
      return acceptChat(overlay, this.#parts, userId, now);
    });
    if (isNew) this.#parts.outbox.wake(chatId);
    this.#parts.outbox.wake(ownQueue(this.#parts.origin().account));
    return this.#chatOf(userId);
  }

  async #summarise(record: ChatRecord): Promise<ChatSummary | undefined> {
    const { store, clock } = this.#parts;
    const now = clock.now();
    const { userId, lastMessageId, unread, accepted } = record;
    const group = await this.#groupOf(record);
    const chat = this.#handleOf(record, group);
    if (chat === undefined) return undefined;
    const user = userId && (await store.get('user', { id: userId }));
    const last = lastMessageId && (await store.get('message', { id: lastMessageId }));
    return {
      chat,
      title: group?.title ?? '',
      number: user?.number ?? '',
      username: user?.username ?? '',
      lastMessage: last && toMessage(last),
      unread,
      accepted,
      muted: isMuted(record, now),
      mutedUntil: mutedUntilOf(record, now),
      blocked: user?.blockedAt !== undefined,
    };
  }

  async #record(call: string, id: ChatId | UserId): Promise<ChatRecord | undefined> {
    this.#parts.assertRunning();
    demandId(call, id);
    // The chat with a person has their id.
    return this.#parts.store.get('chat', { id: id as string as ChatId });
  }

  async #groupOf({ groupId }: ChatRecord): Promise<GroupRecord | undefined> {
    return groupId === undefined ? undefined : this.#parts.store.get('group', { id: groupId });
  }

  #handleOf({ userId }: ChatRecord, group: GroupRecord | undefined): Chat | GroupChat | undefined {
    return userId === undefined ? group && this.#groupChat(group.id) : this.#chatOf(userId);
  }

  #chatOf(userId: UserId): Chat {
    return new Chat(chatWith(userId), userId, this.#parts);
  }
}
