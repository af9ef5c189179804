import { setTimeout as pause } from 'node:timers/promises';
import { ClientFrames, Envelope, ServerFrames, uuidToBytes } from '@sotto/proto';
import { Client, MemoryDisk, memoryStore } from '@sotto/sdk';
import type { AccountRecord, Fetch, MessageId, SocketFactory, SocketHandlers } from '@sotto/sdk/ports';

const framesAtOnce = 32;
const longestMs = 60_000;
const pollMs = 20;
/** So often in a row a client has to be found idle. */
const idlePolls = 10;
const hello = {
  protocol: 1,
  serverTime: Date.now(),
  idleTimeoutMs: longestMs,
  maxMessageBytes: 1024 * 1024,
  inFlight: 256,
};

/** A device's store as it was at one moment. */
export function copyOf(disk: MemoryDisk): MemoryDisk {
  const copy = new MemoryDisk();
  for (const kind of Object.keys(disk.tables) as (keyof MemoryDisk['tables'])[]) {
    const into: Map<string, unknown> = copy.tables[kind];
    // Records are only ever replaced.
    for (const [key, record] of disk.tables[kind]) into.set(key, record);
  }
  copy.ownerEpoch = disk.ownerEpoch;
  copy.counters = disk.counters;
  return copy;
}

/** Whose store this is. */
export function accountOf(disk: MemoryDisk): AccountRecord {
  const [account] = disk.tables.account.values();
  if (account === undefined) throw new Error('a store without an account can open nothing');
  return account;
}

/** What a relay gives away. */
export interface Loot {
  readonly relay: string;
  /** Envelopes that were for anybody. */
  readonly envelopes: readonly Uint8Array[];
  /** Of those who are in groups: with one of them the relay shows the log and the checkpoint of each. The first one's are this store's own. */
  readonly accessTokens: readonly string[];
}

/** What a store made of it. */
export interface Opened {
  /** The envelopes that it was given, and that it has dealt with. */
  readonly fed: number;
  /** All messages that are in its history then. */
  readonly messages: ReadonlySet<MessageId>;
}

/**
 * Feeds a store with all that a relay gives away, as if it had been for this device: without a network, but for what the relay has of groups, which it is let read as if it was a member.
 *
 * Resolves when each envelope was applied, held or dropped.
 */
export async function feed(disk: MemoryDisk, { relay, envelopes, accessTokens }: Loot): Promise<Opened> {
  const { userId, deviceId } = accountOf(disk);
  const mine = { recipientUser: uuidToBytes(userId), recipientDevice: deviceId };
  const given = envelopes.map((bytes) => Envelope.encode({ ...Envelope.decode(bytes), ...mine }));
  const line = new FeedingLine(given);
  const client = await Client.open({
    relay,
    store: memoryStore(disk),
    platform: { sockets: line.factory, fetch: asMember(accessTokens) },
  });
  try {
    // A crowd leaves a hundred thousand: what counts is that it goes on.
    for (let left = line.left, latest = performance.now() + longestMs; left > 0; await pause(pollMs)) {
      if (line.left < left) latest = performance.now() + longestMs;
      left = line.left;
      if (performance.now() > latest) throw new Error(`${left} of ${given.length} envelopes were not dealt with`);
    }
    // The logs of its groups are read behind the last one, and what waited for them is tried again.
    for (let idle = 0; idle < idlePolls; idle = client.busy ? 0 : idle + 1) await pause(pollMs);
    return { fed: given.length, messages: new Set([...disk.tables.message.values()].map(({ id }) => id)) };
  } finally {
    await client.stop();
  }
}

/** A connection that brings the given envelopes, some at a time, and nothing else. */
class FeedingLine {
  readonly factory: SocketFactory;
  readonly #waiting = new Map<number, Uint8Array>();
  readonly #given = new Set<number>();

  constructor(envelopes: readonly Uint8Array[]) {
    for (const [at, envelope] of envelopes.entries()) this.#waiting.set(at, envelope);
    this.factory = {
      credential: 'header',
      open: (_target, handlers) => {
        setImmediate(() => handlers.opened());
        return {
          send: (bytes) => this.#heard(bytes, handlers),
          close: () => handlers.closed({ code: 1000, text: '' }),
          terminate: () => handlers.closed({ code: 1006, text: '' }),
          bufferedBytes: 0,
        };
      },
    };
  }

  /** How many were not acknowledged yet. */
  get left(): number {
    return this.#waiting.size;
  }

  #give(handlers: SocketHandlers): void {
    const some: [number, Uint8Array][] = [];
    for (const each of this.#waiting) {
      if (some.length === framesAtOnce) break;
      some.push(each);
    }
    for (const [at] of some) this.#given.add(at);
    const frames = some.map(([at, envelope]) => ({ deliver: { deliveryId: idOf(at), envelope } }));
    // Behind the last one the relay says that it has no more: the client looks after its groups then.
    handlers.received(ServerFrames.encode({ frames: frames.length > 0 ? frames : [{ queueEmpty: {} }] }));
  }

  #heard(bytes: Uint8Array, handlers: SocketHandlers): void {
    const hadGiven = this.#given.size > 0;
    for (const { ack, hello: greeting } of ClientFrames.decode(bytes).frames) {
      if (greeting) {
        handlers.received(ServerFrames.encode({ frames: [{ hello }] }));
        setImmediate(() => this.#give(handlers));
      }
      for (const id of ack?.deliveryIds ?? []) {
        const at = Buffer.from(id).readUInt32BE(4);
        this.#waiting.delete(at);
        this.#given.delete(at);
      }
    }
    // The next ones once all of those before are through.
    if (hadGiven && this.#given.size === 0) setImmediate(() => this.#give(handlers));
  }
}

function idOf(at: number): Uint8Array {
  const id = Buffer.alloc(8);
  id.writeUInt32BE(at, 4);
  return id;
}

/** The relay as it is to members, for what it has of groups; everything else is out of reach. */
function asMember(accessTokens: readonly string[]): Fetch {
  return async (url, request) => {
    const isOfGroup = request.method === 'GET' && new URL(url).pathname.startsWith('/v1/groups');
    if (!isOfGroup) throw new TypeError('the network is off');
    for (const accessToken of accessTokens) {
      const headers = { ...request.headers, authorization: `Bearer ${accessToken}` };
      const answer = await fetch(url, { ...request, headers });
      if (answer.ok) return answer;
      await answer.body?.cancel();
    }
    throw new TypeError('no member may read this');
  };
}
