import type { CancelTimer, Timers } from '../src/ports/timers.ts';
import { MovingClock } from './moving-clock.ts';

interface Pending {
  readonly due: number;
  readonly run: () => void;
}

/** A clock whose timers run when the test moves it past them. */
export class ManualTime extends MovingClock implements Timers {
  private readonly waiting = new Set<Pending>();

  after(ms: number, run: () => void): CancelTimer {
    const timer = { due: this.now() + ms, run };
    this.waiting.add(timer);
    return () => {
      this.waiting.delete(timer);
    };
  }

  /** How many timers wait. */
  get pending(): number {
    return this.waiting.size;
  }

  /** Goes on by `ms`, and runs what falls due on the way, each at its time and in its order. */
  override advance(ms: number): void {
    const end = this.now() + ms;
    for (;;) {
      const [next] = [...this.waiting].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due);
      if (next === undefined) break;
      this.waiting.delete(next);
      super.advance(next.due - this.now());
      next.run();
    }
    super.advance(end - this.now());
  }
}
