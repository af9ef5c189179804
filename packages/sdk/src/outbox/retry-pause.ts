import type { Randomness } from '../ports/randomness.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import { fullJitter } from '../transport/backoff.ts';

/** When a queue that got no further tries again: by full jitter, or when the relay says. A relay that says so again and again is not asked in a tight loop. */
export class RetryPause {
  private readonly timers: Timers;
  private readonly randomness: Randomness;
  private readonly isActive: () => boolean;
  private readonly onOver: () => void;
  private failures = 0;
  /** How often the relay said when to come again, since something was accepted. */
  private postponed = 0;
  private cancelTimer: CancelTimer | undefined;

  constructor(
    { timers, randomness }: { readonly timers: Timers; readonly randomness: Randomness },
    {
      isActive,
      onOver,
    }: {
      /** Whether it is tried at all: no pause begins while it is not. */
      readonly isActive: () => boolean;
      readonly onOver: () => void;
    },
  ) {
    this.timers = timers;
    this.randomness = randomness;
    this.isActive = isActive;
    this.onOver = onOver;
  }

  /** Whether it is not to be tried now. */
  get isOn(): boolean {
    return this.cancelTimer !== undefined;
  }

  /** Something was accepted: what comes next is a first failure. */
  reset(): void {
    this.failures = 0;
    this.postponed = 0;
  }

  /** It is tried anew, once at once, which is the normal case; after that with pauses. */
  again(): void {
    if (!this.isActive()) return;
    this.failures++;
    if (this.failures > 1) this.begin(undefined);
  }

  /** @param afterMs what the relay says; it is taken as it is at first */
  begin(afterMs: number | undefined): void {
    if (!this.isActive()) return;
    this.end();
    const wait =
      afterMs === undefined ? fullJitter(this.failures++, this.randomness) : Math.max(afterMs, this.patience());
    this.cancelTimer = this.timers.after(wait, () => {
      this.cancelTimer = undefined;
      this.onOver();
    });
  }

  /** It may be tried now. Idempotent. */
  end(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
  }

  private patience(): number {
    const times = this.postponed++;
    return times === 0 ? 0 : fullJitter(times - 1, this.randomness);
  }
}
