import { type Client, SottoError, type SottoEvent } from '@sotto/sdk';
import type { MessageRecord, MessageState } from '@sotto/sdk/ports';
import type { WorldUser } from '../world/world-user.ts';
import { GroupWitness } from './group-witness.ts';
import { type ExpiredMail, isMailOf, mayBeFrom } from './mail-witness.ts';
import type { Violation } from './violation.ts';

/** A text that somebody asked to send. Texts are told apart by themselves, so each is used once. */
interface Asked {
  readonly from: WorldUser;
  /** Undefined: a group. */
  readonly to: WorldUser | undefined;
  /** The revisions that had let its author into their groups. */
  readonly joinedAt: ReadonlyMap<string, number>;
  /** The message that `send` resolved with: from then on it is promised. */
  messageId: string | undefined;
}

/** How far the clocks of schedules are off, and then some. */
const wrongestClockMs = 5 * 86_400_000;
/** Names a consumer of events that is to see each at least once. */
const cursor = 'witness';
const ranks: Readonly<Record<string, number>> = {
  queued: 0,
  sent: 1,
  expired: 2,
  delivered: 3,
  read: 4,
  failed: 5,
  received: 0,
  seen: 1,
};
const told: Partial<Record<MessageState, SottoEvent['type']>> = {
  sent: 'message.sent',
  expired: 'message.expired',
  delivered: 'message.delivered',
  read: 'message.read',
};

/**
 * Watches what people ask for and what their disks and events say about it: nothing unexpected, nothing twice, everything in its order, and in the end everything there and its state known to its author.
 */
export class ChatWitness {
  readonly #asked = new Map<string, Asked>();
  readonly #groups = new GroupWitness();
  readonly #states = new Map<string, MessageState>();
  /** By user and message id: whether the recipient had accepted the chat when it came. */
  readonly #arrived = new Map<string, { readonly accepted: boolean }>();
  readonly #highest = new Map<string, number>();
  readonly #events = new Map<string, Set<string>>();
  readonly #failures: Violation[] = [];
  /** Whose consumer of events ended on a full disk. */
  readonly #deaf = new Map<WorldUser, Client>();
  /** By author and recipient: since when the author knows that the recipient gives receipts. */
  readonly #knownSince = new Map<string, number>();
  /** By user: messages that were looked at before. */
  readonly #seen = new Map<WorldUser, Set<string>>();

  /** Somebody asks to send a text: to somebody, or to a group. */
  asks(text: string, from: WorldUser, to: WorldUser | undefined): void {
    this.#asked.set(text, { from, to, joinedAt: this.#groups.joinedAt(from), messageId: undefined });
  }

  /** `send` resolved. */
  accepted(text: string, messageId: string): void {
    const asked = this.#asked.get(text);
    if (asked !== undefined) asked.messageId = messageId;
  }

  /** Something failed that must not. */
  failed(violation: Violation): void {
    this.#failures.push(violation);
  }

  /** Listens to a client's events by a named cursor, over all of its openings. */
  listen(user: WorldUser, client: Client): void {
    this.#hear(user, client).catch((error: unknown) => {
      if (error instanceof SottoError && error.code === 'client-stopped') return;
      // A cursor can't move on a full disk: its consumer comes again when there is room.
      if (error instanceof SottoError && error.code === 'store-unavailable') this.#deaf.set(user, client);
      else this.failed({ promise: 'P2', what: `${user.name}'s events ended: ${nameOf(error)}` });
    });
  }

  /** What is wrong already, whatever may come. */
  check(users: readonly WorldUser[], now: number): readonly Violation[] {
    this.#noteReceivers(users, now);
    this.#groups.look(users);
    const ids = new Map(users.map((user) => [userIdOf(user), user]));
    const found = this.#failures.splice(0);
    this.#listenAgain();
    for (const user of users) {
      for (const held of user.disk.tables.held.values()) {
        // What comes to a group may come before its key, or before the change that it was sealed under.
        if (held.groupId !== undefined) continue;
        found.push({ promise: 'P2', what: `${user.name} holds an envelope: ${held.reason}` });
      }
      const texts = new Map<string, number>();
      for (const message of user.disk.tables.message.values()) {
        texts.set(message.text, (texts.get(message.text) ?? 0) + 1);
        found.push(...this.#checkMessage(user, message, ids));
      }
      for (const [text, count] of texts) {
        if (count > 1) found.push({ promise: 'P2', what: `${user.name} has "${text}" ${count} times` });
      }
      found.push(...this.#checkOrder(user));
    }
    for (const [text, { from, messageId }] of this.#asked) {
      if (messageId !== undefined && recordOf(from, messageId)?.text !== text) {
        found.push({
          promise: 'P7',
          what: `"${text}" of ${from.name} was accepted, and is not in the store of its author`,
        });
      }
    }
    return found;
  }

  /**
   * What is wrong when everything has had its chance: all are connected and nothing is on its way.
   * @param expired mail that lawfully had its time at the relay
   */
  checkEnd(users: readonly WorldUser[], expired: readonly ExpiredMail[], now: number): readonly Violation[] {
    const found: Violation[] = [];
    for (const user of users) {
      const { connection } = user.client;
      if (connection !== 'live') found.push({ promise: 'P7', what: `${user.name} is ${connection}, not live` });
      const waiting = user.disk.tables.outbox.size;
      if (waiting > 0) found.push({ promise: 'P6', what: `${user.name} has ${waiting} unsent in the outbox` });
      found.push(...this.#checkEvents(user));
      for (const held of user.disk.tables.held.values()) {
        if (held.groupId !== undefined && this.#groups.isOpenable(user, held, users, now)) {
          found.push({ promise: 'P2', what: `${user.name} holds an envelope of a group: ${held.reason}` });
        }
      }
    }
    for (const [text, asked] of this.#asked) {
      const { to } = asked;
      if (to !== undefined) found.push(...this.#checkEnding(text, { ...asked, to }, expired));
      else found.push(...this.#checkGroupEnding(text, asked, users, expired));
    }
    return found;
  }

  /** How many texts were promised, came, and came late. */
  counts(users: readonly WorldUser[]): { readonly accepted: number; readonly arrived: number; readonly late: number } {
    const messages = users.flatMap((user) => [...user.disk.tables.message.values()].filter(isIncoming));
    return {
      accepted: [...this.#asked.values()].filter(({ messageId }) => messageId !== undefined).length,
      // One to a group counts once, however many have it.
      arrived: new Set(messages.flatMap(({ text }) => (this.#asked.has(text) ? [text] : []))).size,
      late: messages.filter(({ late }) => late).length,
    };
  }

  /** Whether somebody's text had its time at the relay and its author does not say so yet. */
  awaitsExpiry(expired: readonly ExpiredMail[]): boolean {
    return [...this.#asked.values()].some(({ from, to, messageId }) => {
      if (messageId === undefined || (to && recordOf(to, messageId) !== undefined)) return false;
      const record = recordOf(from, messageId);
      return record?.state === 'sent' && expired.some((mail) => isMailOf(mail, record));
    });
  }

  #noteReceivers(users: readonly WorldUser[], now: number): void {
    for (const from of users) {
      for (const to of users) {
        const key = `${from.name} ${to.name}`;
        const knows = from.disk.tables.user.get(userIdOf(to))?.returnsReceipts === true;
        if (knows && !this.#knownSince.has(key)) this.#knownSince.set(key, now);
      }
    }
  }

  #listenAgain(): void {
    for (const [user, client] of this.#deaf) {
      if (user.disk.full) continue;
      this.#deaf.delete(user);
      if (user.state === 'open' && user.client === client) this.listen(user, client);
    }
  }

  async #hear(user: WorldUser, client: Client): Promise<void> {
    for await (const event of client.events({ cursor })) {
      if (!('message' in event)) continue;
      const { id } = event.message;
      if (!user.disk.tables.message.has(id)) {
        this.failed({
          promise: 'P2',
          what: `${user.name} was told ${event.type} of a message that is not in the store`,
        });
      }
      const heard = this.#events.get(user.name) ?? new Set();
      this.#events.set(user.name, heard.add(`${event.type} ${id}`));
    }
  }

  #checkMessage(user: WorldUser, message: MessageRecord, ids: ReadonlyMap<string, WorldUser>): Violation[] {
    const { id, text, state } = message;
    const asked = this.#asked.get(text);
    const from = ids.get(message.senderId);
    if (asked === undefined) {
      // What stood in the template was said before the watch began.
      return isForetold(text)
        ? []
        : [{ promise: 'P2', what: `${user.name} has "${text}", which nobody asked to send` }];
    }
    const found: Violation[] = [];
    const isTheirs = asked.to === undefined ? this.#mayHave(user, asked.from, id) : asked.to === user;
    if (asked.from !== from || (!isTheirs && asked.from !== user)) {
      found.push({ promise: 'P2', what: `${user.name} has "${text}" as of ${from?.name ?? 'nobody'}` });
    }
    if (asked.from !== user && recordOf(asked.from, id)?.text !== text) {
      found.push({ promise: 'P2', what: `${user.name} has "${text}" under another id than its author` });
    }
    const key = `${user.name} ${id}`;
    const before = this.#states.get(key);
    this.#states.set(key, state);
    if (before !== undefined && (ranks[state] ?? 0) < (ranks[before] ?? 0)) {
      found.push({ promise: 'P6', what: `"${text}" of ${user.name} went from ${before} back to ${state}` });
    }
    if (state === 'failed' && !this.#groups.mayFail(user, message, asked.joinedAt))
      found.push({ promise: 'P1', what: `"${text}" of ${user.name} failed` });
    if (isIncoming(message) && !this.#arrived.has(key)) {
      this.#arrived.set(key, { accepted: user.disk.tables.chat.get(message.chatId)?.accepted ?? false });
    }
    return found;
  }

  /** In the order of the history each sender device's numbers ascend; what came behind a higher one says that it is late. */
  #checkOrder(user: WorldUser): Violation[] {
    const found: Violation[] = [];
    const seen = this.#seen.get(user) ?? new Set();
    this.#seen.set(user, seen);
    const incoming = [...user.disk.tables.message.values()].filter(isIncoming);
    incoming.sort((one, other) => one.position - other.position || one.seq - other.seq);
    const lastOf = new Map<string, number>();
    const highestNow = new Map<string, number>();
    for (const { chatId, senderId, senderDevice, id, text, seq, late } of incoming) {
      const sender = `${user.name} ${chatId} ${senderId}.${senderDevice}`;
      if (seq <= (lastOf.get(sender) ?? 0)) {
        found.push({ promise: 'P2', what: `${user.name} has "${text}" out of its order` });
      }
      lastOf.set(sender, seq);
      highestNow.set(sender, Math.max(seq, highestNow.get(sender) ?? 0));
      const isNew = !seen.has(id);
      seen.add(id);
      if (isNew && !late && seq < (this.#highest.get(sender) ?? 0)) {
        found.push({ promise: 'P2', what: `"${text}" came late to ${user.name} and does not say so` });
      }
    }
    for (const [sender, highest] of highestNow) this.#highest.set(sender, highest);
    return found;
  }

  #checkEvents(user: WorldUser): Violation[] {
    const heard = this.#events.get(user.name) ?? new Set();
    const found: Violation[] = [];
    for (const message of user.disk.tables.message.values()) {
      if (!this.#asked.has(message.text)) continue;
      const type = isIncoming(message) ? 'message.received' : told[message.state];
      if (type !== undefined && !heard.has(`${type} ${message.id}`)) {
        found.push({ promise: 'P2', what: `${user.name} was never told ${type} of "${message.text}"` });
      }
    }
    return found;
  }

  /** Whether a message to a group is for somebody. */
  #mayHave(user: WorldUser, author: WorldUser, messageId: string): boolean {
    const record = recordOf(author, messageId);
    const { receivers, others } = record === undefined ? { receivers: [], others: [] } : this.#groups.audience(record);
    return receivers.includes(userIdOf(user)) || others.includes(userIdOf(user));
  }

  #checkGroupEnding(
    text: string,
    { from, messageId }: Asked,
    users: readonly WorldUser[],
    expired: readonly ExpiredMail[],
  ): Violation[] {
    const record = messageId === undefined ? undefined : recordOf(from, messageId);
    if (record === undefined) return [];
    const { receivers, others } = this.#groups.audience(record);
    // Copies are accepted later.
    const isExpired = (user: WorldUser) =>
      expired.some(
        (mail) =>
          mail.to === userIdOf(user) &&
          (isMailOf(mail, record) || (mail.messageId === '' && mail.acceptedAt >= (record.acceptedAt ?? 0))),
      );
    const found: Violation[] = [];
    const states: string[] = [];
    let isCertain = others.length === 0;
    for (const user of users) {
      if (!receivers.includes(userIdOf(user))) continue;
      const arrived = recordOf(user, record.id);
      if (arrived !== undefined) states.push(arrived.state);
      else if (!isExpired(user)) {
        found.push({
          promise: 'P1',
          what: `"${text}" of ${from.name} to a group was lost for ${user.name} (its author says ${record.state})`,
        });
      }
      const receiptsLost = expired.some((mail) => mail.to === userIdOf(from) && mayBeFrom(mail, userIdOf(user)));
      const isAccepted = user.disk.tables.chat.get(record.chatId)?.accepted === true;
      isCertain &&= arrived !== undefined && isAccepted && !receiptsLost;
    }
    if (states.length === 0 || found.length > 0) return found;
    if (record.state === 'queued') return [{ promise: 'P6', what: `"${text}" came, and is queued` }];
    const wanted = states.every((state) => state === 'seen') ? 'read' : 'delivered';
    if (!isCertain || states.length < (record.recipients ?? 0) || record.state === wanted) return [];
    const what = `"${text}" of ${from.name} to a group is ${wanted} by all, and its author says ${record.state}`;
    return [{ promise: 'P6', what }];
  }

  #checkEnding(
    text: string,
    { from, to, messageId }: Asked & { readonly to: WorldUser },
    expired: readonly ExpiredMail[],
  ): Violation[] {
    if (messageId === undefined) return [];
    const record = recordOf(from, messageId);
    const state = record?.state;
    const arrived = recordOf(to, messageId);
    if (arrived === undefined) {
      const mail = record && expired.find((gone) => gone.to === userIdOf(to) && isMailOf(gone, record));
      if (mail === undefined) {
        return [{ promise: 'P1', what: `"${text}" of ${from.name} to ${to.name} was lost (its author says ${state})` }];
      }
      // An author who had not heard from the recipient by then could not know what silence means.
      const knownSince = this.#knownSince.get(`${from.name} ${to.name}`) ?? Number.POSITIVE_INFINITY;
      const isRight = state === 'expired' || (state === 'sent' && knownSince > mail.expiresAt - wrongestClockMs);
      return isRight
        ? []
        : [{ promise: 'P6', what: `"${text}" of ${from.name} expired, and its author says ${state}` }];
    }
    const wasStranger = this.#arrived.get(`${to.name} ${messageId}`)?.accepted === false;
    const receiptsLost = expired.some((mail) => mail.to === userIdOf(from) && mayBeFrom(mail, userIdOf(to)));
    if (wasStranger || receiptsLost)
      return state === 'queued' ? [{ promise: 'P6', what: `"${text}" came, and is queued` }] : [];
    const wanted = arrived.state === 'seen' ? 'read' : 'delivered';
    if (state === wanted) return [];
    return [
      { promise: 'P6', what: `"${text}" of ${from.name} is ${wanted} by ${to.name}, and its author says ${state}` },
    ];
  }
}

/** The beginning of what is said before a watch begins. */
export const foretold = 'before: ';

function isForetold(text: string): boolean {
  return text.startsWith(foretold);
}

function isIncoming({ state }: MessageRecord): boolean {
  return state === 'received' || state === 'seen';
}

function userIdOf(user: WorldUser): string {
  for (const { userId } of user.disk.tables.account.values()) return userId;
  return '';
}

function recordOf(user: WorldUser, messageId: string): MessageRecord | undefined {
  return user.disk.tables.message.get(messageId);
}

function nameOf(error: unknown): string {
  if (error instanceof SottoError) return error.code;
  return error instanceof Error ? error.name : typeof error;
}
