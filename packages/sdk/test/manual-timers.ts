import type { CancelTimer, Timers } from '../src/ports/timers.ts';

interface Pending {
  readonly ms: number;
  readonly run: () => void;
}

/** Timers that run when the test says so. */
export class ManualTimers implements Timers {
  private readonly waiting = new Set<Pending>();

  after(ms: number, run: () => void): CancelTimer {
    const timer = { ms, run };
    this.waiting.add(timer);
    return () => {
      this.waiting.delete(timer);
    };
  }

  /** The delays of the timers that wait, in the order in which they were set. */
  get delays(): readonly number[] {
    return [...this.waiting].map(({ ms }) => ms);
  }

  /** Runs those that wait now for no longer than this. */
  runUpTo(ms: number): void {
    const due = [...this.waiting].filter((timer) => timer.ms <= ms);
    for (const timer of due) this.waiting.delete(timer);
    for (const { run } of due) run();
  }

  /** Runs all that wait now. */
  runAll(): void {
    const due = [...this.waiting];
    this.waiting.clear();
    for (const { run } of due) run();
  }
}
