import type { Clock } from '../src/ports/clock.ts';
import type { CancelTimer, Timers } from '../src/ports/timers.ts';

interface Pending {
  readonly due: number;
  readonly run: () => void;
  readonly every: number | undefined;
}

/** A clock and timers that move only when a test says so. */
export class ManualTime implements Clock, Timers {
  #now = Date.UTC(2026, 0, 1);
  readonly #pending = new Set<Pending>();

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): CancelTimer {
    return this.#add({ due: this.#now + ms, run, every: undefined });
  }

  every(ms: number, run: () => void): CancelTimer {
    return this.#add({ due: this.#now + ms, run, every: ms });
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Moves on, running what falls due in its order. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const [next] = [...this.#pending].filter(({ due }) => due <= until).sort((a, b) => a.due - b.due);
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.due);
      this.#pending.delete(next);
      if (next.every !== undefined) this.#replace(next, { ...next, due: next.due + next.every });
      next.run();
    }
    this.#now = until;
  }

  /** Moves the clock alone: no timer runs. */
  jump(ms: number): void {
    this.#now += ms;
  }

  readonly #successors = new Map<Pending, Pending>();

  #replace(before: Pending, after: Pending): void {
    this.#successors.set(before, after);
    this.#pending.add(after);
  }

  #add(pending: Pending): CancelTimer {
    this.#pending.add(pending);
    return () => {
      let current: Pending | undefined = pending;
      while (current !== undefined) {
        this.#pending.delete(current);
        current = this.#successors.get(current);
      }
    };
  }
}
