import { createHash } from 'node:crypto';
import type { UserId } from '../../ports/ids.ts';
import type { MailResult } from '../../ports/mailbox.ts';
import type { Randomness } from '../../ports/randomness.ts';
import type { SendClaim, SendKey, SendReceipt, SendReceipts } from '../../ports/send-receipts.ts';
import { decodeReceipt, encodeReceipt } from '../receipt-bytes.ts';
import { receiptRetentionMs } from '../retention.ts';
import { userIdToBytes } from '../user-id-bytes.ts';
import { clearedAfterMs, keyText, type RedisDatabase } from './redis-database.ts';
import { redisScript } from './redis-script.ts';

const tokenLength = 8;
const timeLength = 6;
/** What a value begins with: a record alone, or a lease with or without one. */
const recordAlone = 1;
const leaseLength = timeLength + tokenLength;

/**
 * A value is its kind (1 or 2); of kind 2 also the end of the lease and its token; then, if there is one, the record: `acceptedAt` and `expiresAt`, and for each recipient the user id, one byte a device, and a zero.
 * `ARGV[1]` and `ARGV[2]` are the time, and until when a record answers that was accepted then.
 */
const reading = `
local now, answered = tonumber(ARGV[1]), tonumber(ARGV[2])
local lease, record = '', ''
local value = redis.call('GET', KEYS[1])
if value and string.byte(value) == ${recordAlone} then
  record = string.sub(value, 2)
elseif value then
  lease, record = string.sub(value, 2, ${leaseLength + 1}), string.sub(value, ${leaseLength + 2})
end
local function timeAt(bytes) return (struct.unpack('>I6', bytes)) end
if record ~= '' and timeAt(record) < now - answered then record = '' end

local function recipients(bytes)
  local found, at = {}, 13
  while at <= #bytes do
    local last = string.find(bytes, '\\0', at + 16, true)
    found[#found + 1] = { string.sub(bytes, at, at + 15), string.sub(bytes, at, last) }
    at = last + 1
  end
  return found
end

local function namesOf(bytes)
  local names = {}
  for _, recipient in ipairs(recipients(bytes)) do names[recipient[1]] = true end
  return names
end

local function write()
  if lease == '' and record == '' then
    redis.call('DEL', KEYS[1])
    return
  end
  local last, kind = now, '\\1'
  if record ~= '' then last = math.max(last, timeAt(record) + answered) end
  if lease ~= '' then
    last, kind = math.max(last, timeAt(lease)), '\\2'
  end
  redis.call('SET', KEYS[1], kind .. lease .. record, 'PX', last - now + ${clearedAfterMs})
end
`;

const claim = redisScript(`${reading}
if record ~= '' then
  local names, isWhole = namesOf(record), true
  for at = 1, #ARGV[5], 16 do
    if not names[string.sub(ARGV[5], at, at + 15)] then
      isWhole = false
      break
    end
  end
  if isWhole then return { 'recorded', record } end
end
if lease ~= '' and now < timeAt(lease) then return { 'claimed', timeAt(lease) } end
lease = struct.pack('>I6', tonumber(ARGV[3])) .. ARGV[4]
write()
return { 'fresh', record }`);

const settle = redisScript(`${reading}
if string.sub(lease, 7) == ARGV[3] then lease = '' end
if record == '' then
  if #ARGV[4] > 12 then record = ARGV[4] end
else
  local names, parts = namesOf(record), { record }
  for _, recipient in ipairs(recipients(ARGV[4])) do
    if not names[recipient[1]] then parts[#parts + 1] = recipient[2] end
  end
  record = table.concat(parts)
end
write()
return record`);

const abandon = redisScript(`
local value = redis.call('GET', KEYS[1])
if not value or string.byte(value) == ${recordAlone} or string.sub(value, 8, 15) ~= ARGV[1] then return end
local record = string.sub(value, ${leaseLength + 2})
if record == '' then redis.call('DEL', KEYS[1])
else redis.call('SET', KEYS[1], '\\1' .. record, 'KEEPTTL') end`);

/**
 * Receipts of sends of all nodes: one string a send, changed by one script, so that no step can be left half done. A node that dies between `claim` and `settle` leaves a lease that ends.
 *
 * The key is a digest of sender and send id, so that nothing in Redis leads from a receipt to who sent; that of a sealed send is its id. Receipts of a device that is gone are read by nobody and go with their time.
 * Whether a receipt still answers is told by the relay's clock; Redis clears it away a minute later.
 * A Redis that lost its data, or the last moments of it, knows less: then what is sent again may be stored again.
 */
export class RedisSendReceipts implements SendReceipts {
  readonly #database: RedisDatabase;
  readonly #randomness: Randomness;
  readonly #retentionMs: number;

  constructor(database: RedisDatabase, randomness: Randomness, retentionMs = receiptRetentionMs) {
    this.#database = database;
    this.#randomness = randomness;
    this.#retentionMs = retentionMs;
  }

  async claim(key: SendKey, recipients: readonly UserId[], now: number, leaseMs: number): Promise<SendClaim> {
    const token = Buffer.from(this.#randomness.bytes(tokenLength));
    const wanted = Buffer.concat(recipients.map(userIdToBytes));
    const values = [now, this.#retentionMs, now + leaseMs, token, wanted];
    const [status, detail] = (await this.#database.run(claim, this.#key(key), ...values)) as [Buffer, Buffer | number];
    if (typeof detail === 'number') return { status: 'claimed', endsAt: detail };
    const receipt = receiptOf(detail);
    if (status.toString() === 'recorded' && receipt !== undefined) return { status: 'recorded', receipt };
    return { status: 'fresh', token: token.toString('hex'), receipt };
  }

  async settle(key: SendKey, token: string, receipt: SendReceipt, now: number): Promise<SendReceipt | undefined> {
    const values = [now, this.#retentionMs, Buffer.from(token, 'hex'), recordOf(receipt)];
    return receiptOf(await this.#database.run(settle, this.#key(key), ...values));
  }

  async abandon(key: SendKey, token: string): Promise<void> {
    await this.#database.run(abandon, this.#key(key), Buffer.from(token, 'hex'));
  }

  async recorded(key: SendKey, now: number): Promise<SendReceipt | undefined> {
    const value = await this.#database.ask('GET', this.#key(key));
    if (!Buffer.isBuffer(value)) return undefined;
    const receipt = receiptOf(value.subarray(value[0] === recordAlone ? 1 : 1 + leaseLength));
    return receipt !== undefined && receipt.acceptedAt + this.#retentionMs >= now ? receipt : undefined;
  }

  #key({ sender, sendId }: SendKey): string {
    if (sender === undefined) return this.#database.key('sealed', keyText(sendId));
    const { userId, deviceId, incarnation } = sender;
    const digest = createHash('sha256').update(sendId).update(`${userId}.${deviceId}.${incarnation}`).digest();
    return this.#database.key('sent', keyText(digest.subarray(0, 16)));
  }
}

function recordOf({ acceptedAt, expiresAt, results }: SendReceipt): Buffer {
  const accepted = new Map<UserId, MailResult>();
  for (const result of results) {
    if (result.status === 'accepted' && !accepted.has(result.userId)) accepted.set(result.userId, result);
  }
  const time = Buffer.alloc(timeLength);
  time.writeUIntBE(acceptedAt, 0, timeLength);
  return Buffer.concat([time, encodeReceipt(expiresAt, accepted, userIdToBytes)]);
}

function receiptOf(record: unknown): SendReceipt | undefined {
  if (!Buffer.isBuffer(record) || record.length === 0) return undefined;
  const { expiresAt, results } = decodeReceipt(record.subarray(timeLength));
  return { acceptedAt: record.readUIntBE(0, timeLength), expiresAt, results: [...results.values()] };
}
