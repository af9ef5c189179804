import { isUuid } from '@sotto/proto';
import type { Message } from '../messages/message.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { checkOptions, demand, type OptionRules } from '../option-rules.ts';
import type { Clock } from '../ports/clock.ts';
import type { ChatId, DeviceId, GroupId, MessageId, UserId } from '../ports/ids.ts';
import type { MessageRecord } from '../ports/message-record.ts';
import type { Store } from '../ports/store.ts';
import { SottoError } from '../sotto-error.ts';

/** A message that is reported, as it came. */
export interface ReportedMessage {
  readonly id: MessageId;
  readonly senderDevice: DeviceId;
  /** 16 bytes: with the author's id and device they give the message's id (docs/protocol.md, section 4), so that an id can't be laid at somebody else's door. */
  readonly nonce: Uint8Array;
  /** By the sender's clock. */
  readonly sentAt: number;
  /** By the relay's clock, as it told this device. */
  readonly acceptedAt: number | undefined;
  /** Empty when it is of a kind that this version does not know. */
  readonly text: string;
}

/**
 * What an app's moderation needs to know of somebody.
 *
 * It is the word of the one who reports. Messages are encrypted so that both sides could have made them: nonce and id show whose message this would be, not that its text is theirs. An operator who wants more has to ask the other side.
 */
export interface Report {
  /** Who reports. */
  readonly reporter: UserId;
  /** Who is reported. */
  readonly userId: UserId;
  /** E.164; empty when only the id is known. */
  readonly number: string;
  /** From their profile; empty when it is not known. */
  readonly username: string;
  /** Their identity key as it is trusted here, 33 bytes. */
  readonly identityKey: Uint8Array | undefined;
  readonly chatId: ChatId;
  /** Where it was said, when it was in a group. */
  readonly groupId: GroupId | undefined;
  /** Whether the reporter has accepted the chat. */
  readonly accepted: boolean;
  /** What the user says about it. */
  readonly reason: string | undefined;
  /** Of the reported person alone, oldest first. */
  readonly messages: readonly ReportedMessage[];
  /** By this device's clock. */
  readonly createdAt: number;
}

/** Takes reports: an app's way to those who decide on them. */
export type ReportHook = (report: Report) => void | Promise<void>;

/** What to report. */
export interface ReportOptions {
  /** Which of their messages, at most 100; the last five when left out, none with an empty list. */
  readonly messages?: readonly Pick<Message, 'id'>[];
  /** At most 2,000 characters. */
  readonly reason?: string;
}

/** Of whom, and of which chat. */
export interface ReportTarget {
  readonly userId: UserId;
  readonly chatId: ChatId;
  readonly groupId: GroupId | undefined;
}

const lastOnes = 5;
const mostMessages = 100;
/** How far the last ones are looked for. */
const lookedAt = 256;
const mostReason = 2_000;

const rules: OptionRules<ReportOptions> = {
  messages: {
    fits: (messages) => Array.isArray(messages) && messages.length <= mostMessages,
    says: `a list of at most ${mostMessages} messages`,
  },
  reason: {
    fits: (reason) => typeof reason === 'string' && reason.length <= mostReason,
    says: `a text of at most ${mostReason} characters`,
  },
};

/** What reporting works with. */
export interface ReportParts {
  readonly store: Store;
  readonly origin: () => ContentOrigin;
  readonly clock: Clock;
  readonly onReport: ReportHook | undefined;
  /** @throws {SottoError} `client-stopped` */
  readonly assertRunning: () => void;
}

/**
 * Makes a report and hands it to the app. Nothing of it goes to the relay, nor to the person.
 * @throws {SottoError} `argument-invalid` (also when the client has no `onReport`), `message-unknown`, `not-registered`, `session-ended`; and what the app's hook throws
 */
export async function report(parts: ReportParts, target: ReportTarget, options: ReportOptions = {}): Promise<Report> {
  parts.assertRunning();
  checkOptions('report', options, rules);
  const { store, clock, onReport } = parts;
  const { account } = parts.origin();
  demand(onReport !== undefined, 'reports go to the onReport of Client.open: give one, Sotto tells nobody by itself');
  const { userId, chatId, groupId } = target;
  const [user, identity, chat, messages] = await Promise.all([
    store.get('user', { id: userId }),
    store.get('identity', { userId }),
    store.get('chat', { id: chatId }),
    options.messages === undefined
      ? lastOf(store, target)
      : Promise.all(options.messages.map((message) => named(store, target, message))),
  ]);
  const made: Report = {
    reporter: account.userId,
    userId,
    number: user?.number ?? '',
    username: user?.username ?? '',
    identityKey: identity?.key,
    chatId,
    groupId,
    accepted: chat?.accepted ?? false,
    reason: options.reason,
    messages: messages.map(reported),
    createdAt: clock.now(),
  };
  await onReport(made);
  return made;
}

async function lastOf(store: Store, { chatId, userId }: ReportTarget): Promise<readonly MessageRecord[]> {
  const latest = await store.messages({ chatId, limit: lookedAt, before: undefined });
  const theirs = latest.filter(({ senderId }) => senderId === userId);
  return theirs.slice(0, lastOnes).reverse();
}

async function named(
  store: Store,
  { chatId, userId }: ReportTarget,
  message: Pick<Message, 'id'>,
): Promise<MessageRecord> {
  const isId = typeof message?.id === 'string' && isUuid(message.id);
  const record = isId ? await store.get('message', { id: message.id }) : undefined;
  if (record?.chatId === chatId && record.senderId === userId) return record;
  throw new SottoError('message-unknown', 'give messages that this person wrote in this chat: of its history');
}

function reported({ id, senderDevice, nonce, createdAt, acceptedAt, text }: MessageRecord): ReportedMessage {
  return { id, senderDevice, nonce, sentAt: createdAt, acceptedAt, text };
}
