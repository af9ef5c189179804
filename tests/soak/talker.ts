import { setTimeout as pause } from 'node:timers/promises';
import { type Chat, type Client, type GroupChat, type Message, SottoError } from '@sotto/sdk';
import type { Platform } from '@sotto/sdk/ports';
import { ActionLog, type SendOutcome } from '@sotto/testing/checker';
import { Seeded } from '../crash/seeded.ts';
import { GroupKeeper } from './group-keeper.ts';
import type { HostStart, Person } from './host-calls.ts';
import type { MutedAcks } from './muted-acks.ts';
import { Reader } from './reader.ts';
import { talkerClient } from './talker-client.ts';
import { chatOf, groupNameOf, isGroupName, messageOf, ownerOf, partiesOf, textOf } from './token-text.ts';
import { isKeyed, logOf, type UnansweredSend } from './unanswered-sends.ts';

/** What a talker works with. */
export interface TalkerParts {
  readonly start: HostStart;
  readonly acks: MutedAcks;
  readonly tracer: Platform['tracer'] & { reached(step: string): void };
  readonly clock: Platform['clock'];
  readonly peers: () => readonly Person[];
  readonly isTalking: () => boolean;
  readonly onSent: () => void;
  readonly log: (line: string) => void;
  readonly codeFor: (phone: string) => Promise<string>;
  /** Shows the code of a further device to whoever lets it in. */
  readonly showLink: (device: string, code: string) => void;
  readonly onLinked: (device: string) => void;
  readonly onNoticed: (device: string) => void;
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
/** What everything ends with on a device that was revoked. */
const sessionEnded = 'session-ended';
const longestLookUpMs = 5_000;
/** What a message to a group may end with: its sender is out of it. */
const outOfGroup: ReadonlySet<string> = new Set(['group-unknown', 'group-not-member']);

/** A device of a person who writes bursts to others, reads what comes, and writes down all of it. */
export class Talker {
  readonly #person: Person;
  readonly #parts: TalkerParts;
  readonly #again: readonly UnansweredSend[];
  readonly #log: ActionLog;
  readonly #seeded: Seeded;
  readonly #groups: GroupKeeper;
  readonly #reader: Reader;
  #client: Client | undefined;
  #talking: Promise<void> = Promise.resolve();
  #following: Promise<void> = Promise.resolve();
  #joined: Promise<void> = Promise.resolve();
  #number = 0;
  #isStopped = false;
  #isHushed = false;
  /** It was revoked. */
  #isOut = false;

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
    this.#reader = new Reader({
      client: () => this.#opened,
      whilePossible: (act) => this.#whilePossible(act),
      onFailure: fail,
    });
  }

  get name(): string {
    return this.#person.name;
  }

  /** Opens the client and registers, or has the device linked, again and again until there is an account; then begins to read and to write. */
  join(): Promise<void> {
    this.#joined = this.#open().then(() => this.#register());
    return this.#joined;
  }

  /** Resolves when there is an account. */
  joined(): Promise<void> {
    return this.#joined;
  }

  async #open(): Promise<void> {
    const open = talkerClient(this.name, { ...this.#parts, actions: this.#log });
    await this.#whilePossible(async () => {
      this.#client = await open();
    });
  }

  get #opened(): Client {
    if (this.#client === undefined) throw new Error('the client was not opened');
    return this.#client;
  }

  async #register(): Promise<void> {
    const { name, phone, device } = this.#person;
    const { codeFor, showLink, onLinked } = this.#parts;
    this.#isOut = device === 'out' || (device === 'linked' && this.#opened.account === undefined);
    await this.#whilePossible(async () => {
      if (this.#opened.account !== undefined || this.#isOut) return;
      if (device === undefined) {
        await this.#opened.register({ phone, profile: { username: name }, code: () => codeFor(phone) });
      } else {
        await this.#opened.linkDevice({ name, onCode: (code) => showLink(name, code) });
      }
    });
    if (device !== undefined && !this.#isOut) onLinked(name);
    this.#following = this.#follow();
    this.#following.catch(fail);
    this.#reader.readEvery().catch(fail);
    this.#talking = this.#unlessOut(() => this.#talk());
    this.#talking.catch(fail);
  }

  /** Lets a device in that shows this code. */
  async letIn(code: string): Promise<void> {
    await this.#opened.devices.link(code, { confirm: () => true });
  }

  /** Puts a device out, by its name; false when there is none. */
  async putOut(name: string): Promise<boolean> {
    const device = (await this.#opened.devices.list()).find((one) => one.name === name);
    if (device === undefined) return false;
    await this.#opened.devices.revoke(device.deviceId);
    return true;
  }

  /** Changes a group, as now and then by itself. */
  async tend(): Promise<void> {
    await this.#joined;
    if (!this.#isOut) await this.#unlessOut(() => this.#groups.tend());
  }

  /** Writes no more from now on. */
  async hush(): Promise<void> {
    this.#isHushed = true;
    await this.quiet();
  }

  /** Does something on a device that may be revoked meanwhile. */
  async #unlessOut(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!this.#endedBy(error)) throw error;
    }
  }

  /** Whether a further device has found that it was revoked. A first one never is. */
  #endedBy(error: unknown): boolean {
    const isEnd = error instanceof SottoError && error.code === sessionEnded && this.#person.device !== undefined;
    if (isEnd) this.#isOut = true;
    return isEnd;
  }

  /** Accepts the chats with all others, as far as they can be looked up. */
  async meet(): Promise<void> {
    await this.#joined;
    for (const peer of this.#parts.peers()) {
      if (this.#isOut || peer.phone === this.#person.phone) continue;
      await this.#whilePossible(async () => {
        await (await this.#chatWith(peer))?.accept();
      });
    }
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
    await this.#reader.readEvery();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#client?.stop();
    await this.#following;
    this.#log.close();
  }

  async #talk(): Promise<void> {
    if (this.#isOut) return;
    for (const { chat, message } of this.#again) await this.#send(peerIn(chat, this.#person.name), message);
    const { rate, people, planted } = this.#parts.start;
    const pauseMs = (averageBurst * people.length * 1_000) / rate;
    const withGroups = planted === undefined;
    while (this.#isTalking) {
      if (withGroups && this.#seeded.between(1, bursts.perChange) === 1) await this.#groups.tend();
      const to =
        (withGroups && this.#seeded.between(1, bursts.perGroup) === 1 && (await this.#aGroup())) || this.#aPeer();
      if (to !== undefined) await this.#burst(to);
      await pause(this.#seeded.between(0, Math.round(2 * pauseMs)));
      await this.#notTooFarAhead();
    }
  }

  get #isTalking(): boolean {
    return this.#parts.isTalking() && !this.#isStopped && !this.#isHushed && !this.#isOut;
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
      const isOut = this.#endedBy(error) || (isGroupName(to) && outOfGroup.has(error.code));
      if (error.code !== 'store-unavailable' && !isOut) throw error;
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
    if (!this.#isTalking) return;
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
          if (event.type === 'message.sent') this.#synced(event.message);
          if (event.type === 'device.linked' && this.#person.device === undefined) this.#parts.onNoticed(event.name);
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

  /** What another own device has written is told, too. */
  #synced({ text, late }: Message): void {
    const message = messageOf(text);
    if (message === undefined) return;
    const { sender, chat } = partiesOf(message);
    if (sender === this.name) return;
    this.#log.write({ type: 'deliver', receiver: this.name, late, sender, chat, message });
  }

  #ended(type: 'expire' | 'fail', { text }: Message): void {
    const message = messageOf(text);
    if (message !== undefined) this.#log.write({ type, ...partiesOf(message), message });
  }

  #heard(message: Message, late: boolean): void {
    const name = messageOf(message.text);
    if (name === undefined) this.#parts.log(`${this.#person.name} error unknown-text`);
    else this.#log.write({ type: 'deliver', receiver: this.#person.name, late, ...partiesOf(name), message: name });
    this.#reader.read(message);
  }

  /** Does something again until neither the disk nor the relay stands in its way. */
  async #whilePossible(act: () => Promise<void>): Promise<void> {
    while (!this.#isStopped) {
      try {
        await act();
        return;
      } catch (error) {
        if (!(error instanceof SottoError) || error.code === 'client-stopped') throw error;
        if (this.#endedBy(error)) return;
        if (!error.retryable && !passing.has(error.code)) throw error;
        this.#parts.log(`${this.#person.name} tries again: ${error.code}`);
        await pause(Math.min(1_000, error.retryAfterMs ?? 100));
      }
    }
  }
}

function peerIn(chat: string, self: string): string {
  return isGroupName(chat) ? chat : (chat.split('+').find((name) => name !== ownerOf(self)) ?? self);
}

/** A failure that nobody waits for ends the process: the run says so. */
function fail(error: unknown): void {
  console.error(error);
  process.exit(5);
}
