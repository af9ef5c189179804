import type { Clock } from '../../ports/clock.ts';
import type { DeviceAddress } from '../../ports/ids.ts';
import type { Holder, Keeping, Presence, PresenceClaim } from '../../ports/presence.ts';
import type { Randomness } from '../../ports/randomness.ts';
import { clearedAfterMs, type RedisDatabase } from './redis-database.ts';
import { redisScript } from './redis-script.ts';

/** How long an entry lasts that nobody keeps, in milliseconds: twice the longest time between two looks of a node, and some more, so that one that fails costs nothing. */
export const presenceLeaseMs = 150_000;

/** How many entries are kept in one go: a node with many devices leaves room for others between them. */
const keptAtOnce = 1_000;

/** An entry is the text `epoch until node`. */
const release = redisScript(`
local held = redis.call('GET', KEYS[1])
if not held then return 0 end
local mine = ARGV[1] .. ' '
if string.sub(held, 1, #mine) ~= mine then return 0 end
return redis.call('DEL', KEYS[1])`);

const keep = redisScript(`
local now, mine = tonumber(ARGV[2]), ARGV[1] .. ' '
local outcome = 'restored'
local held = redis.call('GET', KEYS[1])
if held then
  local isOver = now >= tonumber(string.match(held, '^%S+ (%S+) '))
  if string.sub(held, 1, #mine) == mine then
    if not isOver then outcome = 'kept' end
  elseif not isOver then
    return 'taken'
  end
end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
return outcome`);

/**
 * Presence of all nodes: one string a device. An entry ends {@link presenceLeaseMs} after it was last claimed or kept, so that those of a node that died go away.
 *
 * It is always read from the Redis that is written to, never from a replica. A Redis that lost its data has nobody connected until the nodes keep their entries again.
 */
export class RedisPresence implements Presence {
  readonly #database: RedisDatabase;
  readonly #clock: Clock;
  readonly #randomness: Randomness;

  constructor(database: RedisDatabase, clock: Clock, randomness: Randomness) {
    this.#database = database;
    this.#clock = clock;
    this.#randomness = randomness;
  }

  async claim(
    device: DeviceAddress,
    node: string,
  ): Promise<{ readonly epoch: string; readonly previous: Holder | undefined }> {
    const now = this.#clock.now();
    const epoch = Buffer.from(this.#randomness.bytes(16)).toString('hex');
    const entry = entryOf({ node, epoch }, now);
    const before = await this.#database.ask(
      'SET',
      this.#key(device),
      entry,
      'PX',
      presenceLeaseMs + clearedAfterMs,
      'GET',
    );
    return { epoch, previous: holderOf(before, now) };
  }

  async holder(device: DeviceAddress): Promise<Holder | undefined> {
    return holderOf(await this.#database.ask('GET', this.#key(device)), this.#clock.now());
  }

  async release(device: DeviceAddress, epoch: string): Promise<void> {
    await this.#database.run(release, this.#key(device), epoch);
  }

  async keep(node: string, claims: readonly PresenceClaim[]): Promise<readonly Keeping[]> {
    const kept: Keeping[] = [];
    for (let from = 0; from < claims.length; from += keptAtOnce) {
      const page = claims.slice(from, from + keptAtOnce);
      kept.push(...(await Promise.all(page.map((claim) => this.#keep(node, claim)))));
    }
    return kept;
  }

  async #keep(node: string, { device, epoch }: PresenceClaim): Promise<Keeping> {
    const now = this.#clock.now();
    const entry = entryOf({ node, epoch }, now);
    const lasts = presenceLeaseMs + clearedAfterMs;
    return String(await this.#database.run(keep, this.#key(device), epoch, now, entry, lasts)) as Keeping;
  }

  #key({ userId, deviceId }: DeviceAddress): string {
    return this.#database.key('presence', userId, deviceId);
  }
}

function entryOf({ node, epoch }: Holder, now: number): string {
  return `${epoch} ${now + presenceLeaseMs} ${node}`;
}

function holderOf(entry: unknown, now: number): Holder | undefined {
  if (!Buffer.isBuffer(entry)) return undefined;
  const [, epoch = '', until, node = ''] = /^(\S+) (\S+) (.*)$/s.exec(entry.toString()) ?? [];
  return now < Number(until) ? { node, epoch } : undefined;
}
