import type { LinkPoll, LinkStore, NewLink } from '../../ports/link-store.ts';
import { clearedAfterMs, handleOf, type RedisDatabase } from './redis-database.ts';
import { redisScript } from './redis-script.ts';

/** Takes one of the places, if there is one. */
const enter = redisScript(`
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[5]) then redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
return 1`);

const open = redisScript(`
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'token', ARGV[1], 'key', ARGV[2], 'ends', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1`);

const leave = redisScript(`
local link = redis.call('HMGET', KEYS[1], 'key', 'ends', 'message')
if not link[1] or tonumber(ARGV[1]) >= tonumber(link[2]) then return 0 end
if link[3] or link[1] ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'message', ARGV[3])
return 1`);

const take = redisScript(`
local link = redis.call('HMGET', KEYS[1], 'token', 'ends', 'message')
if not link[1] or tonumber(ARGV[1]) >= tonumber(link[2]) or link[1] ~= ARGV[2] then return {} end
if not link[3] then return {link[2]} end
redis.call('DEL', KEYS[1])
return {link[2], link[3]}`);

/**
 * Links of all nodes: one hash a link, under the SHA-256 of its id; a sorted set counts those that are open.
 *
 * A link counts until its time ends, also when its message was taken. The place is there before the link: a crash in between leaves a place that nobody uses until then.
 */
export class RedisLinkStore implements LinkStore {
  readonly #database: RedisDatabase;
  readonly #mostOpen: number;

  constructor(database: RedisDatabase, mostOpen = 100_000) {
    this.#database = database;
    this.#mostOpen = mostOpen;
  }

  async open({ id, tokenHash, publicKey, expiresAt }: NewLink, now: number): Promise<'opened' | 'full'> {
    const ttlMs = Math.max(0, expiresAt - now) + clearedAfterMs;
    const places = this.#database.key('links');
    const entered = await this.#database.run(enter, places, now, expiresAt, handleOf(id), this.#mostOpen, ttlMs);
    if (entered === 0) return 'full';
    await this.#database.run(open, this.#key(id), tokenHash, publicKey, expiresAt, ttlMs);
    return 'opened';
  }

  async leave(id: Uint8Array, publicKey: Uint8Array, message: Uint8Array, now: number): Promise<'left' | 'unknown'> {
    const left = await this.#database.run(leave, this.#key(id), now, publicKey, message);
    return left === 1 ? 'left' : 'unknown';
  }

  async take(id: Uint8Array, tokenHash: Uint8Array, now: number): Promise<LinkPoll> {
    const [ends, message] = (await this.#database.run(take, this.#key(id), now, tokenHash)) as Buffer[];
    if (ends === undefined) return { status: 'unknown' };
    if (message === undefined) return { status: 'waiting', expiresAt: Number(ends.toString()) };
    return { status: 'taken', message };
  }

  #key(id: Uint8Array): string {
    return this.#database.key('link', handleOf(id));
  }
}
