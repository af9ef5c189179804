import { mkdtempSync, rmSync, watch as watchFolder } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@sotto/relay-server';
import type { ChallengeCheck } from '@sotto/relay-server/ports';
import { memoryStore } from '@sotto/sdk';
import { betterSqlite3 } from '@sotto/storage-adapters/better-sqlite3';
import Database from 'better-sqlite3';
import { Watch } from '../led/watch.ts';
import type { HandTime } from './hand-time.ts';
import { Person, type PersonOptions } from './person.ts';
import { somePhones } from './phones.ts';
import type { RelayUnderTest } from './relay-kind.ts';
import { relayUnderTest } from './relay-under-test.ts';

const generous = { burst: 1_000_000, refillMs: 1 };

/** What a world is made with. */
export interface WorldOptions {
  /** Moves the relay's clock and timers. */
  readonly time?: HandTime;
  /** Settings of the relay, as in a config file. */
  readonly config?: object;
  /** Asked before each code. */
  readonly challengeCheck?: ChallengeCheck;
  /** Where clients keep what they have; files when left out. */
  readonly stores?: 'memory' | 'sqlite';
}

/** A relay on real sockets, with people, who are connected to its nodes in turns. */
export class JourneyWorld implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'sotto-journey-'));
  readonly data = join(this.folder, 'relay');
  readonly watch = new Watch();
  /** Every code that was sent: each is an SMS. */
  readonly codes: { readonly number: string; readonly code: string }[] = [];
  /** Every step that the relay reached. */
  readonly steps: string[] = [];
  readonly #options: WorldOptions;
  readonly #people: Person[] = [];
  /** The number of somebody: those of people are the first ones. */
  readonly phone = somePhones();
  readonly #relay: RelayUnderTest;
  #urls: readonly [string, ...string[]] | undefined;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    const { time, config, challengeCheck } = options;
    this.#relay = relayUnderTest({
      data: this.data,
      settings: {
        logLevel: 'silent',
        codes: { resendAfterMs: 0 },
        limits: Object.fromEntries(Object.keys(loadConfig().limits).map((name) => [name, generous])),
        ...config,
      },
      codeSender: {
        send: async ({ number, code }) => {
          this.codes.push({ number, code });
          this.watch.changed();
        },
      },
      tracer: {
        reached: (step) => {
          this.steps.push(step);
          this.watch.changed();
        },
      },
      clock: time?.clock,
      timers: time?.timers,
      challengeCheck,
    });
  }

  static async open(options: WorldOptions = {}): Promise<JourneyWorld> {
    const world = new JourneyWorld(options);
    await world.start();
    return world;
  }

  /** Of all nodes of the relay. */
  get urls(): readonly [string, ...string[]] {
    if (this.#urls === undefined) throw new Error('the relay was not started');
    return this.#urls;
  }

  /** Of the first node. */
  get url(): string {
    return this.urls[0];
  }

  /** Starts the relay, at the addresses that it had before. */
  async start(): Promise<void> {
    this.#urls = await this.#relay.start();
  }

  stop(): Promise<void> {
    return this.#relay.stop();
  }

  /** What all nodes have counted, by name. */
  async metric(name: string): Promise<number> {
    const line = new RegExp(`^${name} (\\d+)$`, 'm');
    const pages = await Promise.all(this.urls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
    return pages.reduce((sum, page) => {
      const value = line.exec(page)?.[1];
      if (value === undefined) throw new Error(`there is no metric ${name}`);
      return sum + Number(value);
    }, 0);
  }

  /** The private key of the root of its certificates, before the relay is started. */
  trustRoot(): Promise<Uint8Array> {
    return this.#relay.trustRoot();
  }

  /** How many envelopes the relay keeps for devices. */
  mailHeld(): Promise<number> {
    return this.#relay.mailHeld();
  }

  /** How many avatars of groups the relay keeps. */
  groupAvatars(): Promise<number> {
    return this.#relay.groupAvatars();
  }

  /** Where a person's store is, when it is a file. */
  databaseOf(person: number): string {
    return join(this.folder, `${person}.db`);
  }

  /** Changes the file of somebody's store while their client is away, and opens it again. */
  async whileAway(person: Person, number: number, sql: string): Promise<void> {
    await person.stop();
    const database = new Database(this.databaseOf(number));
    database.exec(sql);
    database.close();
    await person.open();
  }

  /** Somebody new, who is not open yet. */
  newcomer(options: Partial<PersonOptions> = {}): Person {
    const number = this.#people.length + 1;
    const inMemory = this.#options.stores === 'memory';
    // Neighbours are at different nodes, and whoever comes again is at another one.
    let at = number;
    const person = new Person({
      phone: this.phone(number),
      relay: () => this.urls[at++ % this.urls.length] ?? this.url,
      store: inMemory ? memoryStore() : betterSqlite3(this.databaseOf(number)),
      codeFor: (phone) => this.codeFor(phone),
      watch: this.watch,
      ...(this.#options.time && { platform: { clock: this.#options.time.clock } }),
      ...options,
    });
    this.#people.push(person);
    return person;
  }

  /** Somebody's next phone: their number, and an empty store that is open. */
  async nextPhone({ phone }: Person): Promise<Person> {
    const next = this.newcomer({ phone });
    await next.open();
    return next;
  }

  /** Somebody new with an account, connected. */
  async person(options: Partial<PersonOptions> = {}): Promise<Person> {
    const person = this.newcomer(options);
    await person.open();
    await person.register();
    await person.live();
    return person;
  }

  /** The latest code that was sent to a number, as soon as there is one. */
  async codeFor(number: string): Promise<string> {
    const latest = () => this.codes.findLast((sent) => sent.number === number);
    await this.watch.until(() => latest() !== undefined);
    return latest()?.code ?? '';
  }

  /** Has the conditions that are waited for looked at whenever a file of the relay changes. */
  watchData(): Disposable {
    const watcher = watchFolder(this.data, () => this.watch.changed());
    return { [Symbol.dispose]: () => watcher.close() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#people.map((person) => person.stop()));
    await this.#relay[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Two people write to each other once, so that each knows that the other gives receipts (or doesn't). */
export async function exchange(one: Person, other: Person): Promise<void> {
  const [hello, answer] = [`hello ${crypto.randomUUID()}`, `answer ${crypto.randomUUID()}`];
  await one.say(other, hello);
  await other.received(hello);
  await other.say(one, answer);
  await one.received(answer);
}
