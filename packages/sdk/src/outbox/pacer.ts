import { type Bucket, fullBucket, type Rate, refilled, waitFor } from '../limits/token-bucket.ts';

/** How fast the relay lets this account send to one other: one whose access key it shows, and any other; and this device to all together. `burst` 0 = no limit. */
export interface SendRates {
  readonly contact: Rate;
  readonly stranger: Rate;
  readonly device: Rate;
}

const none: Rate = { burst: 0, perSecond: 0 };
export const unlimited: SendRates = { contact: none, stranger: none, device: none };

/** What a relay counts may arrive closer together than it left: so much of the burst is not used, and stays for that. */
const usedOfBurst = 0.9;
/** Whoever waits, waits for as many as come in this time, so that they leave together. */
const batchMs = 250;

/** Keeps sends, to one person or of the whole device, below a limit of the relay, so that they wait here in their order and are not refused there. */
export class Pacer {
  private rate: Rate | undefined;
  private bucket: Bucket | undefined;

  /** How many of `wanted` sends may leave now. They are not taken yet. */
  room(wanted: number, limit: Rate, now: number): number {
    if (limit.burst === 0) return wanted;
    return Math.min(wanted, Math.floor(this.refill(limit, now).tokens + 1e-9));
  }

  /** So many leave now. */
  take(count: number, limit: Rate, now: number): void {
    if (limit.burst === 0) return;
    const bucket = this.refill(limit, now);
    this.bucket = { ...bucket, tokens: bucket.tokens - count };
  }

  /** How long until some of `wanted` may leave, in milliseconds. */
  wait(wanted: number, limit: Rate, now: number): number {
    if (limit.burst === 0) return 0;
    const bucket = this.refill(limit, now);
    const together = Math.ceil((limit.perSecond * batchMs) / 1_000);
    const most = this.rate?.burst ?? 1;
    return waitFor(bucket, limit, Math.max(1, Math.min(wanted, together, most)));
  }

  private refill(limit: Rate, now: number): Bucket {
    const rate = { burst: Math.max(1, Math.floor(limit.burst * usedOfBurst)), perSecond: limit.perSecond };
    // With another limit, what was used stays used; a lower one leaves nothing, and no debt to wait for.
    const used = this.rate && this.bucket ? Math.max(0, this.rate.burst - this.bucket.tokens) : 0;
    const changed = this.rate?.burst !== rate.burst;
    const known =
      this.bucket && !changed ? this.bucket : { tokens: Math.max(0, rate.burst - used), at: this.bucket?.at ?? now };
    this.rate = rate;
    this.bucket = this.bucket === undefined ? fullBucket(rate, now) : refilled(known, rate, now);
    return this.bucket;
  }
}
