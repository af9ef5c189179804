import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Chat, type ChatId, Client, type GroupChat, type Message, SottoError } from '@sotto/sdk';
import type { Platform } from '@sotto/sdk/ports';
import { betterSqlite3 } from '@sotto/storage-adapters/better-sqlite3';
import { ActionLog, type SendOutcome } from '@sotto/testing/checker';
import { Seeded } from '../crash/seeded.ts';
import { GroupKeeper } from './group-keeper.ts';
import type { HostStart, Person } from './host-calls.ts';
import { loggedSockets } from './logged-sockets.ts';
import { loggedStore } from './logged-store.ts';
import { membershipsOf, noteMembership } from './membership-log.ts';
import { earlyAcks } from './planted-ack.ts';
import { chatOf, groupNameOf, isGroupName, messageOf, partiesOf, textOf } from './token-text.ts';
import { isKeyed, logOf, type UnansweredSend } from './unanswered-sends.ts';
import { wsSockets } from './ws-sockets.ts';

/** What a talker works with. */
export interface TalkerParts {
  readonly start: HostStart;
  readonly tracer: Platform['tracer'] & { reached(step: string): void };
  readonly clock: Platform['clock'];
  readonly peers: () => readonly Person[];
  readonly isTalking: () => boolean;
  readonly onSent: () => void;
  readonly log: (line: string) => void;
  readonly codeFor: (phone: string) => Promise<string>;
}

const unknownNumber = '+14155559999';
const averageBurst = 20;
/** Every how many bursts one goes to a group, and a group is changed. */
const bursts = { perGroup: 4, perChange: 6 };
/** Codes that clocks and kills lead to, and that pass: a new code is asked for, somebody is not there yet. */
const passing: ReadonlySet<string> = new Set([
  'code-wrong',
  'code-expired',
  'code-used',
  'code-void',
  'verification-unknown',
  'number-unknown',
]);
const longestLookUpMs = 5_000;
/** What a message to a group may end with: its sender is out of it. */
const outOfGroup: ReadonlySet<string> = new Set(['group-unknown', 'group-not-member']);

/** A person with a client who writes bursts to others, reads what comes, and writes down all of it. */
export class Talker {
  readonly #person: Person;
  readonly #parts: TalkerParts;
  readonly #again: readonly UnansweredSend[];
  readonly #log: ActionLog;
  readonly #seeded: Seeded;
  readonly #groups: GroupKeeper;
  readonly #accepted = new Set<ChatId>();
  readonly #toRead = new Map<ChatId, Message>();
  #client: Client | undefined;
  #talking: Promise<void> = Promise.resolve();
  #reading: Promise<void> | undefined;
  #following: Promise<void> = Promise.resolve();
  #joined: Promise<void> = Promise.resolve();
  #number = 0;
  #isStopped = false;

  constructor(person: Person, parts: TalkerParts, again: readonly UnansweredSend[]) {
    this.#person = person;
    this.#parts = parts;
    this.#again = again;
    const { start } = parts;
    this.#log = new ActionLog(logOf(start, start.life));
    this.#seeded = new Seeded(`${person.name} ${start.life}`, start.seed);
    this.#groups = new GroupKeeper({
      self: person,
      client: () => this.#opened,
      peers: parts.peers,
      seeded: this.#seeded,
      userIdOf: async (peer) => (await this.#chatWith(peer))?.userId,
      log: parts.log,
    });
  }

  /** Opens the client and registers, again and again until there is an account; then begins to read and to write. */
  join(): Promise<void> {
    this.#joined = this.#open().then(() => this.#register());
    return this.#joined;
  }

  async #open(): Promise<void> {
    const { start, tracer, clock, log } = this.#parts;
    const { name } = this.#person;
    const level = (level: string) => (event: string, fields?: object) =>
      log(`${name} ${level} ${event} ${JSON.stringify(fields ?? {})}`);
    const memberships = membershipsOf(start, start.life);
    const store = loggedStore(betterSqlite3(join(start.data, `${name}.db`)), {
      applied: ({ text }) => {
        const message = messageOf(text);
        if (message !== undefined) this.#saw('apply', message);
      },
      member: (member) => noteMembership(memberships, member),
    });
    const sockets = loggedSockets(wsSockets(), (messageId, senderUser) =>
      // The text is not known here: whoever reads the log finds the message by its id.
      this.#log.write({ type: 'ack', receiver: name, sender: senderUser, chat: '', message: messageId }),
    );
    await this.#whilePossible(async () => {
      this.#client = await Client.open({
        relay: start.relay,
        store,
        // What is planted shows by acknowledgements, and those of sealed envelopes name no message.
        sealedSender: start.planted === undefined,
        platform: {
          tracer,
          clock,
          sockets: start.planted === 'ack-before-commit' ? earlyAcks(sockets) : sockets,
          // Waits between tries to connect grow while the relay is killed again and again; the jitter's lower end keeps them short.
          randomness: { bytes: (count) => new Uint8Array(randomBytes(count)), fraction: () => 0.01 },
          logger: { debug: () => undefined, info: () => undefined, warn: level('warn'), error: level('error') },
        },
      });
    });
  }

  get #opened(): Client {
    if (this.#client === undefined) throw new Error('the client was not opened');
    return this.#client;
  }

  async #register(): Promise<void> {
    const { name, phone } = this.#person;
    await this.#whilePossible(async () => {
      if (this.#opened.account !== undefined) return;
      await this.#opened.register({ phone, profile: { username: name }, code: () => this.#parts.codeFor(phone) });
    });
    this.#following = this.#follow();
    this.#following.catch(fail);
    this.#readEvery().catch(fail);
    this.#talking = this.#talk();
    this.#talking.catch(fail);
  }

  /** Needs a token: whoever's has run out gets a new one. A client that is not open yet asks when it opens. */
  async ask(): Promise<void> {
    try {
      await this.#client?.chats.with(unknownNumber);
    } catch (error) {
      if (!(error instanceof SottoError)) throw error;
      this.#parts.log(`${this.#person.name} asked: ${error.code}`);
    }
  }

  reconnect(): void {
    this.#client?.reconnect();
  }

  /** Resolves when it writes no more. */
  async quiet(): Promise<void> {
    await this.#joined;
    await this.#talking;
  }

  /** Accepts every chat, and marks all as read. */
  async readAll(): Promise<void> {
    await this.#joined;
    await this.#readEvery();
  }

  async #readEvery(): Promise<void> {
    await this.#whilePossible(async () => {
      for (let after: number | undefined, isLast = false; !isLast; ) {
        const { chats, next } = await this.#opened.chats.list(after === undefined ? {} : { after });
        for (const { chat, accepted, unread, lastMessage } of chats) {
          if (!accepted) await chat.accept();
          if (unread > 0 && lastMessage !== undefined) await chat.markRead(lastMessage);
        }
        after = next;
        isLast = next === undefined;
      }
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#client?.stop();
    await this.#following;
    this.#log.close();
  }

  async #talk(): Promise<void> {
    for (const { chat, message } of this.#again) await this.#send(peerIn(chat, this.#person.name), message);
    const { rate, people, planted } = this.#parts.start;
    const pauseMs = (averageBurst * people.length * 1_000) / rate;
    const withGroups = planted === undefined;
    while (this.#parts.isTalking() && !this.#isStopped) {
      if (withGroups && this.#seeded.between(1, bursts.perChange) === 1) await this.#groups.tend();
      const to =
        (withGroups && this.#seeded.between(1, bursts.perGroup) === 1 && (await this.#aGroup())) || this.#aPeer();
      if (to !== undefined) await this.#burst(to);
      await pause(this.#seeded.between(0, Math.round(2 * pauseMs)));
      await this.#notTooFarAhead();
    }
  }

  #aPeer(): string | undefined {
    const [first, ...more] = this.#parts.peers().filter(({ phone }) => phone !== this.#person.phone);
    return first && this.#seeded.oneOf(first, ...more).name;
  }

  async #aGroup(): Promise<string | undefined> {
    const [first, ...more] = await this.#groups.open();
    return first && groupNameOf(this.#seeded.oneOf(first, ...more).groupId);
  }

  /** @param to somebody's name, or a group's */
  async #burst(to: string): Promise<void> {
    const count = this.#seeded.between(1, 2 * averageBurst - 1);
    const together = this.#seeded.oneOf(true, true, false);
    const messages = Array.from(
      { length: count },
      () => `${this.#person.name}>${to} ${this.#parts.start.life}.${++this.#number}`,
    );
    if (together) await Promise.all(messages.map((message) => this.#send(to, message)));
    else for (const message of messages) await this.#send(to, message);
  }

  async #send(to: string, message: string): Promise<void> {
    const chat = await this.#chatOf(to);
    if (chat === undefined) return;
    const about = { sender: this.#person.name, chat: chatOf(this.#person.name, to), message };
    this.#log.write({ type: 'send-invoke', ...about });
    let outcome: SendOutcome = 'accepted';
    try {
      await chat.send(textOf(message), isKeyed(message) ? { key: message } : {});
    } catch (error) {
      if (!(error instanceof SottoError)) throw error;
      if (error.code !== 'store-unavailable' && !(isGroupName(to) && outOfGroup.has(error.code))) throw error;
      // A commit that failed may have been written all the same.
      outcome = error.code === 'store-unavailable' ? 'unknown' : 'refused';
    }
    this.#log.write({ type: 'send-result', outcome, ...about });
    if (outcome === 'accepted') this.#parts.onSent();
  }

  #chatOf(to: string): Promise<Chat | GroupChat | undefined> {
    if (isGroupName(to)) return this.#groups.named(to);
    const peer = this.#parts.peers().find(({ name }) => name === to);
    return peer === undefined ? Promise.resolve(undefined) : this.#chatWith(peer);
  }

  async #chatWith(peer: Person): Promise<Chat | undefined> {
    try {
      return await this.#opened.chats.with(peer.phone, { signal: AbortSignal.timeout(longestLookUpMs) });
    } catch (error) {
      // Before it is known to the device, somebody can be looked up only while there is a relay.
      if (error instanceof SottoError || error instanceof DOMException) return undefined;
      throw error;
    }
  }

  /** Gives what is on its way some time to leave: a queue without end would show nothing more. */
  async #notTooFarAhead(): Promise<void> {
    if (!this.#parts.isTalking() || this.#isStopped) return;
    try {
      await this.#opened.flush({ signal: AbortSignal.timeout(1_000) });
    } catch (error) {
      if (error instanceof DOMException) return;
      if (!(error instanceof SottoError)) throw error;
    }
  }

  /** Handles each event before it asks for the next one, and begins again after its disk was full. */
  async #follow(): Promise<void> {
    while (!this.#isStopped) {
      try {
        for await (const event of this.#opened.events({ cursor: 'follower' })) {
          if (event.type === 'message.received') this.#heard(event.message, event.late);
          if (event.type === 'message.expired') this.#ended('expire', event.message);
          if (event.type === 'message.failed' && outOfGroup.has(event.code)) this.#ended('fail', event.message);
          if (event.type === 'group.forked') throw new Error(`${this.#person.name} sees a forked group`);
          this.#parts.tracer.reached('event.handled');
        }
      } catch (error) {
        if (error instanceof SottoError && error.code === 'client-stopped') return;
        if (!(error instanceof SottoError) || error.code !== 'store-unavailable') throw error;
        await pause(100);
      }
    }
  }

  #ended(type: 'expire' | 'fail', { text }: Message): void {
    const message = messageOf(text);
    if (message !== undefined) this.#log.write({ type, ...partiesOf(message), message });
  }

  #heard(message: Message, late: boolean): void {
    const name = messageOf(message.text);
    if (name === undefined) this.#parts.log(`${this.#person.name} error unknown-text`);
    else this.#log.write({ type: 'deliver', receiver: this.#person.name, late, ...partiesOf(name), message: name });
    this.#toRead.set(message.chatId, message);
    this.#reading ??= this.#readOn().finally(() => {
      this.#reading = undefined;
    });
    this.#reading.catch(fail);
  }

  async #readOn(): Promise<void> {
    for (const [chatId, message] of this.#toRead) {
      this.#toRead.delete(chatId);
      await this.#whilePossible(async () => {
        const { groupId, senderId } = message;
        const chat = groupId ? await this.#opened.groups.get(groupId) : await this.#opened.chats.get(senderId);
        if (chat === undefined) return;
        if (!this.#accepted.has(chatId)) await chat.accept();
        this.#accepted.add(chatId);
        await chat.markRead(message);
      });
    }
  }

  #saw(type: 'apply', message: string): void {
    this.#log.write({ type, receiver: this.#person.name, ...partiesOf(message), message });
  }

  /** Does something again until neither the disk nor the relay stands in its way. */
  async #whilePossible(act: () => Promise<void>): Promise<void> {
    while (!this.#isStopped) {
      try {
        await act();
        return;
      } catch (error) {
        if (!(error instanceof SottoError) || error.code === 'client-stopped') throw error;
        if (!error.retryable && !passing.has(error.code)) throw error;
        this.#parts.log(`${this.#person.name} tries again: ${error.code}`);
        await pause(Math.min(1_000, error.retryAfterMs ?? 100));
      }
    }
  }
}

function peerIn(chat: string, self: string): string {
  return isGroupName(chat) ? chat : (chat.split('+').find((name) => name !== self) ?? self);
}

/** A failure that nobody waits for ends the process: the run says so. */
function fail(error: unknown): void {
  console.error(error);
  process.exit(5);
}
