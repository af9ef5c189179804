import { Client, MemoryDisk, memoryStore, type SottoEvent } from '@sotto/sdk';

/** What a test calls in the page. */
export interface TalkingPage {
  /** Opens a client and registers it. `codeFor` is the test's, by `exposeFunction`. */
  open(relay: string, phone: string): Promise<{ readonly userId: string }>;
  say(phone: string, text: string): Promise<string>;
  /** Resolves when an event of this type tells of a message with this text. */
  told(type: SottoEvent['type'], text: string): Promise<void>;
  accept(phone: string): Promise<void>;
  stop(): Promise<void>;
}

declare const codeFor: (phone: string) => Promise<string>;

let client: Client | undefined;
const events: SottoEvent[] = [];
/** Looked at again with each event. */
const waiting = new Set<() => void>();

function opened(): Client {
  if (client === undefined) throw new Error('the client is not open');
  return client;
}

const page: TalkingPage = {
  async open(relay, phone) {
    client = await Client.open({ relay, store: memoryStore(new MemoryDisk()) });
    for (const type of ['message.received', 'message.delivered', 'message.read'] as const) {
      client.on(type, (event) => {
        events.push(event);
        for (const look of [...waiting]) look();
      });
    }
    await client.register({ phone, profile: { username: 'Page' }, code: () => codeFor(phone) });
    const { account } = client;
    if (account === undefined) throw new Error('the client has no account');
    return { userId: account.userId };
  },
  async say(phone, text) {
    const { id } = await (await opened().chats.with(phone)).send(text);
    return id;
  },
  told(type, text) {
    const hasTold = () =>
      events.some((event) => event.type === type && 'message' in event && event.message.text === text);
    return new Promise((resolve) => {
      const look = () => {
        if (!hasTold()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  },
  async accept(phone) {
    await (await opened().chats.with(phone)).accept();
  },
  async stop() {
    await opened().stop();
  },
};

Object.assign(globalThis, { talkingPage: page });
