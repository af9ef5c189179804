import { Client, type ClientOptions, SottoError } from '@sotto/sdk';
import type { ClientStep } from '@sotto/sdk/ports';
import { betterSqlite3 } from '@sotto/storage-adapters/better-sqlite3';
import type { StopRun } from './stop-calls.ts';

/** What a scenario works with. */
export interface Scene extends StopRun {
  /** The code of the account's SMS. */
  readonly code: () => Promise<string>;
  /** Resolves when the leading process says so. */
  readonly now: Promise<void>;
  /** Takes note of how something under way ends, in the background. */
  readonly watch: (work: Promise<unknown>) => void;
  readonly promise: (text: string) => void;
  /** Opens the client; `at` is called when a step is reached. */
  readonly open: (at?: { readonly step: ClientStep; readonly call: () => void }) => Promise<Client>;
}

/** Brings a client into the middle of something, and gives it to be stopped there. */
export type Scenario = (scene: Scene) => Promise<Client>;

const live = (client: Client) =>
  client.connection === 'live'
    ? Promise.resolve()
    : new Promise<void>((resolve) => {
        const end = client.on('connection.changed', ({ state }) => {
          if (state !== 'live') return;
          end();
          resolve();
        });
      });

const profile = { username: 'Alice' };

/** Registration, stopped where a step is reached. */
const registerUntil =
  (step: ClientStep): Scenario =>
  async (scene) => {
    const reached = Promise.withResolvers<void>();
    const client = await scene.open({ step, call: reached.resolve });
    scene.watch(client.register({ phone: scene.phone, profile, code: scene.code }));
    await reached.promise;
    return client;
  };

/** Something that needs the relay, stopped while the relay does not answer. */
const whileHeld =
  (begin: (client: Client, scene: Scene) => Promise<unknown>): Scenario =>
  async (scene) => {
    const client = await scene.open();
    scene.watch(begin(client, scene));
    await scene.now;
    return client;
  };

export const freshScenarios = {
  'before there is an account': (scene) => scene.open(),
  'while a verification is asked for': whileHeld((client, { phone, code }) =>
    client.register({ phone, profile, code }),
  ),
  'while a code is waited for': async (scene) => {
    const client = await scene.open();
    const asked = Promise.withResolvers<void>();
    const never = () => {
      asked.resolve();
      return new Promise<string>(() => undefined);
    };
    scene.watch(client.register({ phone: scene.phone, profile, code: never }));
    await asked.promise;
    return client;
  },
  'when the draft of an account is committed': registerUntil('registration.draft-committed'),
  'while a registration is asked for': whileHeld((client, { phone, code }) =>
    client.register({ phone, profile, code }),
  ),
  'when a registration is answered': registerUntil('registration.answered'),
  'when an account is committed': registerUntil('registration.committed'),
} as const satisfies Readonly<Record<string, Scenario>>;

export const accountScenarios = {
  'at once': (scene) => scene.open(),
  live: async (scene) => {
    const client = await scene.open();
    await live(client);
    return client;
  },
  'after a send': async (scene) => {
    const client = await scene.open();
    const chat = await client.chats.with(scene.peer);
    await chat.send('goodbye');
    scene.promise('goodbye');
    return client;
  },
  'in the middle of 500 sends': async (scene) => {
    const client = await scene.open();
    const chat = await client.chats.with(scene.peer);
    await live(client);
    const some = Promise.withResolvers<void>();
    let sent = 0;
    for (let number = 1; number <= 500; number++) {
      const text = `number ${number}`;
      scene.watch(
        chat.send(text).then(() => {
          scene.promise(text);
          if (++sent === 100) some.resolve();
        }),
      );
    }
    await some.promise;
    return client;
  },
  'when bytes have left': async (scene) => {
    const left = Promise.withResolvers<void>();
    const client = await scene.open({ step: 'send.bytes-left', call: left.resolve });
    const chat = await client.chats.with(scene.peer);
    await chat.send('leaving');
    scene.promise('leaving');
    await left.promise;
    return client;
  },
  'in the middle of receiving': async (scene) => {
    const receiving = Promise.withResolvers<void>();
    const client = await scene.open({ step: 'decrypt.before-commit', call: receiving.resolve });
    await receiving.promise;
    return client;
  },
  'while events are read': async (scene) => {
    const client = await scene.open();
    const read = async () => {
      for await (const event of client.events({ cursor: 'reader' })) if (event.type === 'message.read') return;
    };
    scene.watch(read());
    await live(client);
    return client;
  },
  'during another stop': async (scene) => {
    const client = await scene.open();
    await live(client);
    scene.watch(client.stop());
    scene.watch(client[Symbol.asyncDispose]());
    return client;
  },
  'during history': async (scene) => {
    const client = await scene.open();
    const chat = await client.chats.with(scene.peer);
    for (let page = 0; page < 20; page++) scene.watch(chat.history({ limit: 500 }));
    return client;
  },
  'while it connects': whileHeld(async () => undefined),
  'while a number is looked up': whileHeld((client) => client.chats.with('+14155559999')),
  'while a token is refreshed': whileHeld((client) => client.chats.with('+14155559999')),
  'while the profile is stored': whileHeld((client) => client.profile.set({ username: 'Alicia' })),
} as const satisfies Readonly<Record<string, Scenario>>;

export const scenarios: Readonly<Record<string, Scenario>> = { ...freshScenarios, ...accountScenarios };

/** How a scene opens its client. */
export function opener(run: StopRun): Scene['open'] {
  return (at) => {
    const tracer = {
      reached(step: ClientStep) {
        if (step === at?.step) at.call();
      },
    };
    const ahead = run.clockAhead ?? 0;
    const options: ClientOptions = {
      relay: run.relay,
      store: betterSqlite3(run.database),
      platform: { tracer, clock: { now: () => Date.now() + ahead } },
    };
    return Client.open(options);
  };
}

/** How something ended, in a word. */
export function outcomeOf(error: unknown): string {
  if (error instanceof SottoError) return error.code;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
