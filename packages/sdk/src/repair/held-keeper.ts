import type { Executor } from '../crypto/executor.ts';
import type { Clock } from '../ports/clock.ts';
import type { HeldRecord, HeldUsage } from '../ports/inbox-records.ts';
import { recordKey } from '../ports/record-key.ts';
import type { StoreQueries } from '../ports/store.ts';

/** How much may be held. */
export interface HeldLimits {
  /** Of one sender. */
  readonly count: number;
  readonly bytes: number;
  /** Of all together. */
  readonly countInAll: number;
  readonly bytesInAll: number;
  /** How long, in milliseconds: as long as its digest is remembered. */
  readonly age: number;
}

export const heldLimits: HeldLimits = {
  count: 8_192,
  bytes: 32 * 1024 * 1024,
  countInAll: 32_768,
  bytesInAll: 128 * 1024 * 1024,
  age: 62 * 24 * 3_600_000,
};

const page = 128;

/** Keeps what is held within bounds, so that nobody can fill the store with what can't be opened. Whoever has the most held loses first; of theirs what can't be mended, then the oldest. */
export class HeldKeeper {
  private readonly executor: Executor;
  private readonly store: StoreQueries;
  private readonly clock: Clock;
  private readonly limits: HeldLimits;

  constructor(parts: {
    readonly executor: Executor;
    readonly store: StoreQueries;
    readonly clock: Clock;
    readonly limits?: HeldLimits;
  }) {
    this.executor = parts.executor;
    this.store = parts.store;
    this.clock = parts.clock;
    this.limits = parts.limits ?? heldLimits;
  }

  /** Drops what is over a bound, after something was held. */
  async trim(): Promise<void> {
    for (;;) {
      const usage = await this.store.heldUsage();
      const excess = this.excess(usage);
      if (excess === undefined) return;
      const { sender, count, bytes } = excess;
      const oldest = await this.store.heldOf(sender, Math.min(Math.max(count, 1), page));
      let left = Math.max(0, bytes);
      const dropped = oldest.filter((held, at) => {
        const needed = at < count || left > 0;
        left -= held.envelope.length;
        return needed;
      });
      if (dropped.length === 0) return;
      await this.drop(dropped);
    }
  }

  /** Drops what is too old, and what is over a bound. */
  async sweep(): Promise<void> {
    const before = this.clock.now() - this.limits.age;
    for (;;) {
      const oldest = await this.store.held(page);
      const dropped = oldest.filter(({ heldAt }) => heldAt < before);
      await this.drop(dropped);
      if (dropped.length < page) break;
    }
    await this.trim();
  }

  /** By how much a sender is over; `undefined` when all is within bounds. */
  private excess(usage: readonly HeldUsage[]): HeldUsage | undefined {
    const { limits } = this;
    for (const { sender, count, bytes } of usage) {
      if (count > limits.count || bytes > limits.bytes) {
        return { sender, count: count - limits.count, bytes: bytes - limits.bytes };
      }
    }
    const count = usage.reduce((sum, one) => sum + one.count, 0) - limits.countInAll;
    const bytes = usage.reduce((sum, one) => sum + one.bytes, 0) - limits.bytesInAll;
    if (count <= 0 && bytes <= 0) return undefined;
    const [most] = [...usage].sort((a, b) => (count > 0 ? b.count - a.count : b.bytes - a.bytes));
    return most && { sender: most.sender, count: Math.min(count, page), bytes };
  }

  private async drop(dropped: readonly HeldRecord[]): Promise<void> {
    if (dropped.length === 0) return;
    await this.executor.run([], async (overlay) => {
      for (const { digest, reason } of dropped) {
        // It may have been opened meanwhile.
        if ((await overlay.get('held', { digest })) === undefined) continue;
        overlay.delete('held', { digest });
        overlay.record({ type: 'envelope.dropped', digest: recordKey('held', { digest }), reason });
      }
    });
  }
}
