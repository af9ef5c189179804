import type { NumberMac } from '../../ports/ids.ts';
import type {
  Verification,
  VerificationAttempt,
  VerificationGuess,
  VerificationStart,
  VerificationStore,
} from '../../ports/verification-store.ts';
import { clearedAfterMs, handleOf, keyText, type RedisDatabase } from './redis-database.ts';
import { redisScript } from './redis-script.ts';

/** How many ended codes are cleared away in one go. */
const sweptAtOnce = 500;

/** Gives 0, or how long to wait. A clock that was set back must not bar a number for longer than the pause itself. */
const start = redisScript(`
local before, pause = redis.call('HGET', KEYS[1], 'created'), tonumber(ARGV[6])
if before then
  local age = tonumber(ARGV[4]) - tonumber(before)
  if age < pause then return math.min(pause, pause - age) end
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'id', ARGV[1], 'mac', ARGV[2], 'number', ARGV[3], 'created', ARGV[4], 'tries', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 0`);

/** Gives how many tries are left, and the number when the code is right. The macs are compared in constant time. */
const attempt = redisScript(`
local function isSame(one, other)
  if #one ~= #other then return false end
  local differs = 0
  for i = 1, #one do differs = bit.bor(differs, bit.bxor(string.byte(one, i), string.byte(other, i))) end
  return differs == 0
end
local code = redis.call('HMGET', KEYS[1], 'id', 'mac', 'tries', 'claim', 'number')
if code[1] ~= ARGV[1] then return {'void'} end
local isRight = isSame(code[2], ARGV[2])
if code[4] then
  if isRight and code[4] == ARGV[3] then return {'right', code[5]} end
  return {'used'}
end
local left = tonumber(ARGV[4]) - tonumber(code[3])
if left <= 0 then return {'void'} end
redis.call('HINCRBY', KEYS[1], 'tries', 1)
if not isRight then return {'wrong', left - 1} end
redis.call('HSET', KEYS[1], 'claim', ARGV[3])
return {'right', code[5]}`);

/** Gives 0 when the code is a claimed one, which stays. */
const cancel = redisScript(`
local code = redis.call('HMGET', KEYS[1], 'id', 'claim')
if code[1] ~= ARGV[1] then return 1 end
if code[2] then return 0 end
redis.call('DEL', KEYS[1])
return 1`);

const forget = redisScript(`
if redis.call('HGET', KEYS[1], 'id') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1`);

/** Where an id leads. */
interface Pointer {
  readonly numberMac: NumberMac;
  readonly expiresAt: number;
}

/**
 * Codes of all nodes. The truth is ONE hash a number, with the latest code, its tries and its claim, changed in one step each: so parallel guesses count, wherever they come in, and a newer code voids the one before by taking its place.
 *
 * An id leads to its number by a pointer of its own, and a sorted set knows what has ended; both are written after the code and before `start` answers. A crash in between leaves a code whose id nobody was told: it ends by its time, and the number waits for the pause.
 * Ids and claims are kept as SHA-256. Codes that Redis lost are unknown: who waits for one asks for another. When a replica takes over, the tries of the last moment may count anew.
 */
export class RedisVerificationStore implements VerificationStore {
  readonly #database: RedisDatabase;

  constructor(database: RedisDatabase) {
    this.#database = database;
  }

  async start(verification: Verification, resendAfterMs: number): Promise<VerificationStart> {
    const { id, numberMac, numberCiphertext, codeMac, createdAt, expiresAt } = verification;
    const handle = handleOf(id);
    // Longer than the code: until the sweep an ended one is told from an unknown one.
    const ttlMs = Math.max(expiresAt - createdAt, resendAfterMs, 0) + 10 * clearedAfterMs;
    const values = [handle, codeMac, numberCiphertext, createdAt, ttlMs, resendAfterMs];
    const wait = Number(await this.#database.run(start, this.#codeKey(numberMac), ...values));
    if (wait > 0) return { status: 'too-soon', retryAfterMs: wait };
    await Promise.all([
      this.#database.ask('SET', this.#pointerKey(handle), `${expiresAt} ${keyText(numberMac)}`, 'PX', ttlMs),
      this.#database.ask('ZADD', this.#endsKey(), expiresAt, handle),
    ]);
    return { status: 'started' };
  }

  async cancel(id: string): Promise<void> {
    const handle = handleOf(id);
    const pointer = await this.#pointer(handle);
    if (pointer === undefined) return;
    if ((await this.#database.run(cancel, this.#codeKey(pointer.numberMac), handle)) === 0) return;
    await this.#database.ask('DEL', this.#pointerKey(handle));
    await this.#database.ask('ZREM', this.#endsKey(), handle);
  }

  async numberOf(id: string): Promise<NumberMac | undefined> {
    return (await this.#pointer(handleOf(id)))?.numberMac;
  }

  async attempt({ id, codeMac, claim, maxAttempts, now }: VerificationGuess): Promise<VerificationAttempt> {
    const handle = handleOf(id);
    const pointer = await this.#pointer(handle);
    if (pointer === undefined) return { status: 'unknown' };
    const { numberMac, expiresAt } = pointer;
    if (now >= expiresAt) return { status: 'expired' };
    const values = [handle, codeMac, handleOf(claim), maxAttempts];
    const [status, detail] = (await this.#database.run(attempt, this.#codeKey(numberMac), ...values)) as unknown[];
    switch (String(status)) {
      case 'right':
        return { status: 'right', numberMac, numberCiphertext: detail as Buffer };
      case 'wrong':
        return { status: 'wrong', attemptsLeft: Number(detail) };
      case 'used':
        return { status: 'used' };
      default:
        return { status: 'void' };
    }
  }

  /** Takes back whatever code a number has: its owner wants nothing of it to be known any more. What leads to it ends by its time. */
  async forgetNumber(numberMac: NumberMac): Promise<void> {
    await this.#database.ask('DEL', this.#codeKey(numberMac));
  }

  async sweep(now: number): Promise<number> {
    let swept = 0;
    for (;;) {
      const page = ['-inf', `(${now}`, 'LIMIT', 0, sweptAtOnce];
      const ended = (await this.#database.ask('ZRANGEBYSCORE', this.#endsKey(), ...page)) as Buffer[];
      const gone = await Promise.all(ended.map((handle) => this.#forget(handle.toString())));
      for (const count of gone) swept += count;
      if (ended.length < sweptAtOnce) return swept;
    }
  }

  /** The end is taken off last: a crash before leaves it to the next sweep. Of several nodes that sweep one counts it. */
  async #forget(handle: string): Promise<number> {
    const pointer = await this.#pointer(handle);
    if (pointer !== undefined) {
      await this.#database.run(forget, this.#codeKey(pointer.numberMac), handle);
      await this.#database.ask('DEL', this.#pointerKey(handle));
    }
    return Number(await this.#database.ask('ZREM', this.#endsKey(), handle));
  }

  async #pointer(handle: string): Promise<Pointer | undefined> {
    const held = await this.#database.ask('GET', this.#pointerKey(handle));
    if (!Buffer.isBuffer(held)) return undefined;
    const [expiresAt, mac = ''] = held.toString().split(' ');
    const bytes = new Uint8Array(Buffer.from(mac, 'base64url'));
    return { numberMac: bytes as NumberMac, expiresAt: Number(expiresAt) };
  }

  #codeKey(numberMac: NumberMac): string {
    return this.#database.key('code', keyText(numberMac));
  }

  #pointerKey(handle: string): string {
    return this.#database.key('verification', handle);
  }

  #endsKey(): string {
    return this.#database.key('verification-ends');
  }
}
