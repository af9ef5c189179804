import type { UserId } from '../../ports/ids.ts';
import type { MailResult } from '../../ports/mailbox.ts';
import type { Randomness } from '../../ports/randomness.ts';
import type { SendClaim, SendKey, SendReceipt, SendReceipts } from '../../ports/send-receipts.ts';
import { receiptRetentionMs } from '../retention.ts';
import { byteKey } from './byte-key.ts';
import { incarnationKey } from './incarnation-key.ts';

interface Lease {
  readonly token: string;
  readonly endsAt: number;
}

interface SendRecord {
  lease: Lease | undefined;
  receipt: SendReceipt | undefined;
}

/** How many claims pass between two removals of what has had its time. */
const claimsPerSweep = 4096;

/** Receipts of sends in one process: what is here is what every other adapter must do. */
export class MemorySendReceipts implements SendReceipts {
  readonly #records = new Map<string, SendRecord>();
  readonly #randomness: Randomness;
  readonly #retentionMs: number;
  #claims = 0;

  constructor(randomness: Randomness, retentionMs = receiptRetentionMs) {
    this.#randomness = randomness;
    this.#retentionMs = retentionMs;
  }

  async claim(key: SendKey, recipients: readonly UserId[], now: number, leaseMs: number): Promise<SendClaim> {
    if (++this.#claims % claimsPerSweep === 0) this.#sweep(now);
    const { receipt, lease } = this.#at(key, now);
    const accepted = new Set(receipt?.results.map(({ userId }) => userId));
    if (receipt !== undefined && recipients.every((userId) => accepted.has(userId))) {
      return { status: 'recorded', receipt };
    }
    if (lease !== undefined && now < lease.endsAt) return { status: 'claimed', endsAt: lease.endsAt };
    const token = byteKey(this.#randomness.bytes(8));
    this.#put(key, { receipt, lease: { token, endsAt: now + leaseMs } });
    return { status: 'fresh', token, receipt };
  }

  async settle(key: SendKey, token: string, receipt: SendReceipt, now: number): Promise<SendReceipt | undefined> {
    const { receipt: before, lease } = this.#at(key, now);
    const results = new Map<UserId, MailResult>(before?.results.map((result) => [result.userId, result]));
    for (const result of receipt.results) {
      if (result.status === 'accepted' && !results.has(result.userId)) results.set(result.userId, result);
    }
    const { acceptedAt, expiresAt } = before ?? receipt;
    const merged = results.size === 0 ? undefined : { acceptedAt, expiresAt, results: [...results.values()] };
    this.#put(key, { receipt: merged, lease: lease?.token === token ? undefined : lease });
    return merged;
  }

  async abandon(key: SendKey, token: string): Promise<void> {
    const record = this.#records.get(keyOf(key));
    if (record?.lease?.token === token) this.#put(key, { receipt: record.receipt, lease: undefined });
  }

  async recorded(key: SendKey, now: number): Promise<SendReceipt | undefined> {
    return this.#at(key, now).receipt;
  }

  #at(key: SendKey, now: number): SendRecord {
    const { receipt, lease } = this.#records.get(keyOf(key)) ?? { receipt: undefined, lease: undefined };
    return { lease, receipt: receipt !== undefined && this.#answers(receipt, now) ? receipt : undefined };
  }

  #put(key: SendKey, record: SendRecord): void {
    if (record.receipt === undefined && record.lease === undefined) this.#records.delete(keyOf(key));
    else this.#records.set(keyOf(key), record);
  }

  #answers({ acceptedAt }: SendReceipt, now: number): boolean {
    return now <= acceptedAt + this.#retentionMs;
  }

  #sweep(now: number): void {
    for (const [key, { receipt, lease }] of this.#records) {
      const isLeased = lease !== undefined && now < lease.endsAt;
      if (!isLeased && (receipt === undefined || !this.#answers(receipt, now))) this.#records.delete(key);
    }
  }
}

function keyOf({ sender, sendId }: SendKey): string {
  return `${sender === undefined ? 'sealed' : incarnationKey(sender)}.${byteKey(sendId)}`;
}
