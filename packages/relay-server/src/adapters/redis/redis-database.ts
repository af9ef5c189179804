import { createHash } from 'node:crypto';
import { createClient, ErrorReply, RESP_TYPES } from 'redis';
import { RelayError } from '../../relay-error.ts';
import { openFailure, storeFailure, unavailable } from './redis-failure.ts';
import type { RedisScript } from './redis-script.ts';

/** How a relay reaches its Redis. */
export interface RedisOptions {
  /** `redis://user:password@host:port/database`, or `rediss://` for TLS. */
  readonly url: string;
  /** When it does not stand in the url. */
  readonly password?: string;
  /** The authorities whose certificates are taken, PEM, for TLS; those that Node trusts when left out. */
  readonly authority?: string;
  /** What all keys begin with. Nodes of one relay have the same, relays that share a Redis each their own. */
  readonly prefix: string;
  /** After which a command that had no answer has failed, in milliseconds; 2,000 by default. */
  readonly commandTimeoutMs?: number;
  /** Is told what goes wrong with the connection while nobody waits for an answer; it is made anew by itself. */
  readonly onTrouble: (error: RelayError) => void;
  /** Is told that a connection was made, the first one too. */
  readonly onReady?: () => void;
}

/** A value of a command: numbers are written out, bytes are sent as they are. */
export type RedisValue = string | number | Uint8Array;

type Client = ReturnType<typeof newClient>;

/** Commands that wait at most, answered or not: beyond them the node is lost anyway, and memory is not. */
const mostWaiting = 100_000;
const longestPauseMs = 2_000;
const shortestPauseMs = 50;

/**
 * The one connection of a node to Redis.
 *
 * Every call is answered, or fails with {@link RelayError} `store-unavailable` (retryable) within `commandTimeoutMs`: nothing is queued while there is no connection, and nothing that was sent is sent again. A call that failed may have been carried out.
 * A connection over which nothing was heard for the length of a time-out is given up and made anew, so that a dead one under load does not live until TCP notices.
 * Everything in this Redis may be lost at any time, and what was written last is when a replica takes over: adapters say what that costs. It must not evict keys (`maxmemory-policy noeviction`): a full Redis has to refuse, since a limit that was evicted would be a fresh one.
 */
export class RedisDatabase {
  readonly #options: RedisOptions;
  readonly #commandTimeoutMs: number;
  #client: Client;
  #isOpen = false;
  /** How many answers came. */
  #heard = 0;

  private constructor(options: RedisOptions) {
    this.#options = options;
    this.#commandTimeoutMs = options.commandTimeoutMs ?? 2_000;
    this.#client = this.#newClient();
  }

  /**
   * Connects.
   * @throws {RelayError} `store-unavailable` when Redis does not answer; `config-invalid` when it refuses this relay, or evicts keys
   */
  static async open(options: RedisOptions): Promise<RedisDatabase> {
    const database = new RedisDatabase(options);
    try {
      await database.#inTime(database.#client.connect());
      database.#isOpen = true;
      await database.#checkEviction();
      return database;
    } catch (error) {
      database.#isOpen = false;
      database.#client.destroy();
      throw openFailure(error);
    }
  }

  /** The name of a key: the parts are told apart by colons, and may be chosen by nobody outside. */
  key(...parts: readonly (string | number)[]): string {
    return [this.#options.prefix, ...parts].join(':');
  }

  /** Carries out one command on one key. Bulk strings come as Buffers. */
  async ask(command: string, key: string, ...values: readonly RedisValue[]): Promise<unknown> {
    try {
      return await this.#send([command, key, ...values.map(encoded)]);
    } catch (error) {
      throw storeFailure(error);
    }
  }

  /** Carries out a script on one key, or on several that share a hash tag. It is sent by its hash, and whole when Redis does not know it (any more): then nothing was carried out before. */
  async run(script: RedisScript, keys: string | readonly string[], ...values: readonly RedisValue[]): Promise<unknown> {
    const named = typeof keys === 'string' ? [keys] : keys;
    const args = [String(named.length), ...named, ...values.map(encoded)];
    try {
      try {
        return await this.#send(['EVALSHA', script.sha, ...args]);
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
        return await this.#send(['EVAL', script.lua, ...args]);
      }
    } catch (error) {
      throw storeFailure(error);
    }
  }

  /** Waits for what was asked, as long as a command may take, and lets go of the connection; idempotent. */
  async close(): Promise<void> {
    const client = this.#client;
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (client.isReady) await this.#inTime(client.close()).catch(() => client.destroy());
    else client.destroy();
  }

  #newClient(): Client {
    const { url, password, authority, onTrouble } = this.#options;
    const client = newClient({
      url,
      password,
      authority,
      timeoutMs: this.#commandTimeoutMs,
      // While the relay starts, one try is enough: whoever starts it sees why.
      pause: (tries) => this.#isOpen && pauseBefore(tries),
    });
    client.on('error', (error: unknown) => {
      if (this.#isOpen && this.#client === client) onTrouble(storeFailure(error));
    });
    client.on('ready', () => {
      if (this.#client === client) this.#options.onReady?.();
    });
    return client;
  }

  async #send(args: (string | Buffer)[]): Promise<unknown> {
    const client = this.#client;
    const before = this.#heard;
    const heard = () => {
      this.#heard++;
    };
    const answer = client.sendCommand(args);
    answer.then(heard, (error: unknown) => {
      if (error instanceof ErrorReply) heard();
    });
    return this.#inTime(answer, () => {
      if (this.#heard === before) this.#giveUp(client);
    });
  }

  /** Makes a connection in place of one that has gone silent. */
  #giveUp(client: Client): void {
    if (this.#client !== client || !this.#isOpen) return;
    const next = this.#newClient();
    this.#client = next;
    client.destroy();
    next.connect().catch((error: unknown) => {
      // It tries until it is closed or given up itself: then nobody waits for it.
      if (this.#isOpen && this.#client === next) this.#options.onTrouble(storeFailure(error));
    });
  }

  async #inTime<T>(work: Promise<T>, late: () => void = () => undefined): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        late();
        reject(unavailable('is up, has memory and answers in time', undefined));
      }, this.#commandTimeoutMs);
    });
    try {
      return await Promise.race([work, deadline]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #checkEviction(): Promise<void> {
    const about = String(await this.#send(['INFO', 'memory']));
    const read = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(about)?.[1];
    if (read('maxmemory') === '0' || read('maxmemory_policy') === 'noeviction') return;
    throw new RelayError(
      'config-invalid',
      'Redis evicts keys when its memory is full, and with them limits: set its maxmemory-policy to noeviction',
    );
  }
}

/** What a secret, or what is too long, is known by in a key: SHA-256, so that no key of Redis opens anything. */
export function handleOf(secret: string | Uint8Array): string {
  return createHash('sha256').update(secret).digest('base64url');
}

/** Bytes in a key. */
export function keyText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/** How much longer than needed a key lives by Redis's own clock: what has ended is told by the relay's, and Redis only clears away. */
export const clearedAfterMs = 60_000;

function newClient(options: {
  url: string;
  password: string | undefined;
  authority: string | undefined;
  timeoutMs: number;
  pause: (tries: number) => number | false;
}) {
  const { url, password, authority, timeoutMs, pause } = options;
  return createClient({
    url,
    ...(password !== undefined && { password }),
    disableOfflineQueue: true,
    commandsQueueMaxLength: mostWaiting,
    maintNotifications: 'disabled',
    // The client's own time-out, of five seconds for what waits to be written, would be another one than `commandTimeoutMs`.
    commandOptions: { timeout: 0, typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    // A connection with nothing to do is asked now and then, or it would end by the socket's time-out.
    pingInterval: 2 * timeoutMs,
    socket: {
      connectTimeout: timeoutMs,
      socketTimeout: 5 * timeoutMs,
      reconnectStrategy: pause,
      ...(authority !== undefined && { ca: authority, tls: true as const }),
    },
  });
}

/** Full jitter, so that the nodes of a cluster don't come back at the same moment. */
function pauseBefore(tries: number): number {
  return Math.random() * Math.min(longestPauseMs, shortestPauseMs * 2 ** Math.min(tries, 10));
}

function encoded(value: RedisValue): string | Buffer {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
