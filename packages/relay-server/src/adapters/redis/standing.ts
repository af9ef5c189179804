import type { DeviceAddress, UserId } from '../../ports/ids.ts';
import type { Randomness } from '../../ports/randomness.ts';
import type { RedisDatabase } from './redis-database.ts';
import { redisScript } from './redis-script.ts';

/** The mark of a device, made when there is none, and kept for as long as what is issued now may live. */
const mark = redisScript(`
local held = redis.call('HGET', KEYS[1], ARGV[1])
if not held then
  held = ARGV[2]
  redis.call('HSET', KEYS[1], ARGV[1], held)
end
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return held`);

/**
 * Whether what was issued to a device still stands, without a list of what was.
 *
 * Each device has a random mark, in one hash an account. What is issued carries the mark of then, and stands as long as that is the device's mark: forgetting the mark revokes all at once, also what another node is just writing.
 * A mark that is lost, with Redis or by its time, revokes as well.
 */
export class Standing {
  readonly #database: RedisDatabase;
  readonly #randomness: Randomness;
  readonly #name: string;

  /** `name` tells kinds of what is issued apart: they are revoked each by itself. */
  constructor(database: RedisDatabase, randomness: Randomness, name: string) {
    this.#database = database;
    this.#randomness = randomness;
    this.#name = name;
  }

  /** What is issued to the device has to carry: `ttlMs` at least covers its life. */
  async mark({ userId, deviceId }: DeviceAddress, ttlMs: number): Promise<string> {
    const fresh = Buffer.from(this.#randomness.bytes(12)).toString('base64url');
    return String(await this.#database.run(mark, this.#key(userId), deviceId, fresh, ttlMs));
  }

  async stands({ userId, deviceId }: DeviceAddress, issued: string): Promise<boolean> {
    const held = await this.#database.ask('HGET', this.#key(userId), deviceId);
    return Buffer.isBuffer(held) && held.toString() === issued;
  }

  /** Revokes what a device was issued, or all devices of an account. */
  async revoke(userId: UserId, deviceId?: number): Promise<void> {
    if (deviceId === undefined) await this.#database.ask('DEL', this.#key(userId));
    else await this.#database.ask('HDEL', this.#key(userId), deviceId);
  }

  #key(userId: UserId): string {
    return this.#database.key('standing', this.#name, userId);
  }
}
