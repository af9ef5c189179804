/** Time that a test moves: a clock and timers, for relays and clients alike. Starts at the present. */
export class HandTime {
  #now = Date.now();
  readonly #pending = new Set<Pending>();
  readonly clock = { now: () => this.#now };
  readonly timers = {
    after: (ms: number, run: () => void) => this.#add({ due: this.#now + ms, every: undefined, run }),
    every: (ms: number, run: () => void) => this.#add({ due: this.#now + ms, every: ms, run }),
  };

  /** Moves the clock and nothing else: what is due has not run yet. */
  set(now: number): void {
    this.#now = now;
  }

  /** Moves the clock, then runs what is due, each timer once. */
  moveTo(now: number): void {
    this.set(now);
    const due = [...this.#pending].filter((pending) => pending.due <= now).sort((a, b) => a.due - b.due);
    for (const pending of due) {
      if (!this.#pending.has(pending)) continue;
      if (pending.every === undefined) this.#pending.delete(pending);
      else pending.due = now + pending.every;
      pending.run();
    }
  }

  advance(ms: number): void {
    this.moveTo(this.#now + ms);
  }

  #add(pending: Pending): () => void {
    this.#pending.add(pending);
    return () => this.#pending.delete(pending);
  }
}

interface Pending {
  due: number;
  readonly every: number | undefined;
  readonly run: () => void;
}
