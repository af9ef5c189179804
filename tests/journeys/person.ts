import { randomBytes } from 'node:crypto';
import {
  type Chat,
  Client,
  type ClientOptions,
  type EventType,
  type Message,
  type Registered,
  type RegisterOptions,
  SottoError,
  type SottoEvent,
} from '@sotto/sdk';
import type { StoreOpener } from '@sotto/sdk/ports';
import { type ObservedStore, observedStore } from '../led/observed-store.ts';
import type { Watch } from '../led/watch.ts';

/** What a person's client is opened with. */
export interface PersonOptions {
  readonly phone: string;
  readonly relay: () => string;
  readonly store: StoreOpener;
  /** Waits for the code that was sent to a number. */
  readonly codeFor: (number: string) => Promise<string>;
  readonly watch: Watch;
  readonly receipts?: boolean;
  readonly typing?: boolean;
  readonly presence?: boolean;
  readonly sealedSender?: boolean;
  readonly platform?: ClientOptions['platform'];
}

const heard: readonly EventType[] = [
  'message.received',
  'message.sent',
  'message.delivered',
  'message.read',
  'message.expired',
  'message.failed',
  'envelope.held',
  'connection.changed',
  'identity.changed',
  'device-list.forked',
  'profile.changed',
  'typing.changed',
  'presence.changed',
  'contact.number-changed',
  'device.linked',
  'device.removed',
  'chat.read',
  'chat.changed',
  'contact.blocked',
  'contact.unblocked',
  'account.deleted',
  'chat.created',
  'group.changed',
  'group.forked',
  'group.waiting',
  'group.requested',
];

/** What says that a message came so far: a receipt may be faster than the relay's answer to the sender, and then nothing tells apart that it was sent. */
const telling: Readonly<Partial<Record<EventType, readonly EventType[]>>> = {
  'message.sent': ['message.sent', 'message.delivered', 'message.read'],
};

/** Somebody with a client in this process, which can be stopped and opened again on the same store. */
export class Person {
  readonly phone: string;
  /** Every event that was heard, over all openings. */
  readonly events: SottoEvent[] = [];
  readonly observed: ObservedStore;
  readonly #options: PersonOptions;
  #client: Client | undefined;

  constructor(options: PersonOptions) {
    this.phone = options.phone;
    this.#options = options;
    this.observed = observedStore(options.store, () => options.watch.changed());
  }

  get client(): Client {
    if (this.#client === undefined) throw new Error('the client was not opened');
    return this.#client;
  }

  async open(): Promise<void> {
    const { relay, receipts, typing, presence, sealedSender, platform, watch } = this.#options;
    const client = await Client.open({
      relay: relay(),
      store: this.observed.opener,
      ...(receipts === undefined ? {} : { receipts }),
      ...(typing === undefined ? {} : { typing }),
      ...(presence === undefined ? {} : { presence }),
      ...(sealedSender === undefined ? {} : { sealedSender }),
      platform: {
        // The lower end of the jitter: tries to connect follow each other at once.
        randomness: { bytes: (count) => new Uint8Array(randomBytes(count)), fraction: () => 0.001 },
        ...platform,
      },
    });
    for (const type of heard) {
      client.on(type, (event) => {
        this.events.push(event);
        watch.changed();
      });
    }
    this.#client = client;
    watch.changed();
  }

  register(options: Partial<RegisterOptions> = {}): Promise<Registered> {
    return this.client.register({
      phone: this.phone,
      profile: { username: 'Somebody' },
      code: () => this.#options.codeFor(this.phone),
      ...options,
    });
  }

  /** Resolves when the client is connected and has caught up. */
  live(): Promise<void> {
    return this.#options.watch.until(() => this.#client?.connection === 'live');
  }

  async stop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.stop();
  }

  chat(other: Person): Promise<Chat> {
    return this.client.chats.with(other.phone);
  }

  /** Sends a text and resolves when it got as far as asked. */
  async say(other: Person, text: string, until: 'queued' | 'sent' | 'delivered' = 'sent'): Promise<Message> {
    const message = await (await this.chat(other)).send(text);
    if (until !== 'queued') await this.told(`message.${until}`, message);
    return message;
  }

  /** Resolves when an event of this type told of the message, or one that says more. */
  async told(type: EventType, message: Pick<Message, 'id'>): Promise<SottoEvent> {
    const found = () => this.#find(type, message);
    await this.#options.watch.until(() => found() !== undefined);
    const event = found();
    if (event === undefined) throw new Error('an event was unsaid');
    return event;
  }

  hasTold(type: EventType, message: Pick<Message, 'id'>): boolean {
    return this.#find(type, message) !== undefined;
  }

  /** Resolves with the message of this text that came. */
  async received(text: string): Promise<Message> {
    await this.#options.watch.until(() => this.incoming().some((message) => message.text === text));
    const found = this.incoming().find((message) => message.text === text);
    if (found === undefined) throw new Error('a message was taken back');
    return found;
  }

  /** Messages that events told of, in that order. */
  incoming(): readonly Message[] {
    return this.events.flatMap((event) => (event.type === 'message.received' ? [event.message] : []));
  }

  /** The whole history with somebody, oldest first. */
  async history(other: Person): Promise<readonly Message[]> {
    const chat = await this.chat(other);
    const messages: Message[] = [];
    let page = await chat.history({ from: 'oldest', limit: 500 });
    while (page.newer !== undefined) {
      messages.push(...page.messages);
      page = await chat.history({ after: page.newer, limit: 500 });
    }
    return messages;
  }

  async state(message: Pick<Message, 'id'>): Promise<string | undefined> {
    return (await this.observed.store().get('message', { id: message.id }))?.state;
  }

  #find(type: EventType, { id }: Pick<Message, 'id'>): SottoEvent | undefined {
    const types = telling[type] ?? [type];
    return this.events.find((event) => types.includes(event.type) && 'message' in event && event.message.id === id);
  }
}

/** What a call failed with, as far as callers branch on it. */
export async function failureOf(call: Promise<unknown>): Promise<SottoError> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof SottoError) return outcome;
  throw new Error(`expected a SottoError, not ${String(outcome)}`);
}
