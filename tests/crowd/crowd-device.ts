import { randomBytes } from 'node:crypto';
import { type Chat, Client, type GroupChat, MemoryDisk, type Message, memoryStore, type UserId } from '@sotto/sdk';
import type { GroupId, MessageId } from '@sotto/sdk/ports';
import type { Watch } from '../led/watch.ts';
import type { Traffic } from './traffic.ts';

/** What a device of the crowd is opened with. */
export interface CrowdDeviceOptions {
  readonly name: string;
  readonly phone: string;
  readonly relay: () => string;
  readonly codeFor: (number: string) => Promise<string>;
  readonly watch: Watch;
  /** Where it is noted what the relay hands to it. */
  readonly traffic: Traffic;
}

/** One device of somebody in the crowd: a real client that can go away and come back. */
export class CrowdDevice {
  readonly name: string;
  /** Every message of which an event told that it is in this device's history. */
  readonly seen = new Set<MessageId>();
  /** Reasons for which something was held. */
  readonly held: string[] = [];
  readonly disk = new MemoryDisk();
  readonly #options: CrowdDeviceOptions;
  #client: Client | undefined;

  constructor(options: CrowdDeviceOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get client(): Client {
    if (this.#client === undefined) throw new Error(`${this.name} is not open`);
    return this.#client;
  }

  get isOpen(): boolean {
    return this.#client !== undefined;
  }

  get userId(): UserId {
    const { account } = this.client;
    if (account === undefined) throw new Error(`${this.name} has no account`);
    return account.userId;
  }

  async open(): Promise<void> {
    const { relay, watch, traffic } = this.#options;
    const client = await Client.open({
      relay: relay(),
      store: memoryStore(this.disk),
      platform: {
        sockets: traffic.sockets(),
        // The lower end of the jitter: tries to connect follow each other at once.
        randomness: { bytes: (count) => new Uint8Array(randomBytes(count)), fraction: () => 0.001 },
      },
    });
    const note = ({ message }: { readonly message: Message }) => {
      this.seen.add(message.id);
      watch.changed();
    };
    client.on('message.received', note);
    client.on('message.sent', note);
    client.on('envelope.held', ({ reason }) => this.held.push(reason));
    client.on('connection.changed', () => watch.changed());
    client.on('group.changed', () => watch.changed());
    client.on('device.linked', () => watch.changed());
    client.on('device.removed', () => watch.changed());
    this.#client = client;
  }

  async register(): Promise<void> {
    const { phone, name, codeFor } = this.#options;
    await this.client.register({ phone, profile: { username: name }, code: () => codeFor(phone) });
  }

  live(): Promise<void> {
    return this.#options.watch.until(() => this.#client?.connection === 'live');
  }

  async stop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.stop();
  }

  /** The chat of a group that this device knows. */
  async group(groupId: GroupId): Promise<GroupChat> {
    const chat = await this.client.groups.get(groupId);
    if (chat === undefined) throw new Error(`${this.name} does not know the group`);
    return chat;
  }

  /** The whole history of a chat, oldest first. */
  async history(chat: Chat | GroupChat): Promise<readonly Message[]> {
    const messages: Message[] = [];
    let page = await chat.history({ from: 'oldest', limit: 500 });
    while (page.newer !== undefined) {
      messages.push(...page.messages);
      page = await chat.history({ after: page.newer, limit: 500 });
    }
    return messages;
  }
}
