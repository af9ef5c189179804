import type { Clock } from '../../ports/clock.ts';
import type { DeviceCodeStore } from '../../ports/device-code-store.ts';
import type { DeviceAddress, UserId } from '../../ports/ids.ts';
import type { Randomness } from '../../ports/randomness.ts';
import { issuedText, readIssued } from './issued-to.ts';
import { clearedAfterMs, handleOf, keyText, type RedisDatabase } from './redis-database.ts';
import { redisScript } from './redis-script.ts';
import { Standing } from './standing.ts';

const issue = redisScript(`
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'ends', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`);

const claim = redisScript(`
local code = redis.call('HMGET', KEYS[1], 'owner', 'ends', 'claim')
if not code[1] or tonumber(ARGV[1]) >= tonumber(code[2]) then return false end
if not code[3] then
  redis.call('HSET', KEYS[1], 'claim', ARGV[2])
elseif code[3] ~= ARGV[2] then
  return false
end
return code[1]`);

/**
 * Codes for new devices, of all nodes: one hash a code, claimed in one step. Claims are kept as SHA-256.
 *
 * A code counts only while its device's mark stands, see {@link Standing}: the mark is there before the code, so a crash in between leaves a mark that nothing carries. Codes that Redis lost are unknown.
 */
export class RedisDeviceCodeStore implements DeviceCodeStore {
  readonly #database: RedisDatabase;
  readonly #clock: Clock;
  readonly #standing: Standing;

  constructor(database: RedisDatabase, clock: Clock, randomness: Randomness) {
    this.#database = database;
    this.#clock = clock;
    this.#standing = new Standing(database, randomness, 'code');
  }

  async issue(code: Uint8Array, device: DeviceAddress, expiresAt: number): Promise<void> {
    const ttlMs = Math.max(0, expiresAt - this.#clock.now()) + clearedAfterMs;
    const mark = await this.#standing.mark(device, ttlMs);
    await this.#database.run(issue, this.#key(code), issuedText(device, mark), expiresAt, ttlMs);
  }

  async claim(code: Uint8Array, claimant: Uint8Array, now: number): Promise<DeviceAddress | undefined> {
    const owner = await this.#database.run(claim, this.#key(code), now, handleOf(claimant));
    if (!Buffer.isBuffer(owner)) return undefined;
    const { device, mark } = readIssued(owner.toString());
    return (await this.#standing.stands(device, mark)) ? device : undefined;
  }

  revoke(userId: UserId, deviceId?: number): Promise<void> {
    return this.#standing.revoke(userId, deviceId);
  }

  #key(code: Uint8Array): string {
    return this.#database.key('device-code', keyText(code));
  }
}
