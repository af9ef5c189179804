/** One timer that waits. */
interface Pending {
  readonly due: number;
  readonly order: number;
  readonly every: number | undefined;
  readonly owner: PartyTime;
  readonly run: () => void;
}

/** The time of a world: it stands still until it is moved. */
export class WorldTime {
  #now: number;
  #order = 0;
  readonly #pending = new Set<Pending>();

  constructor(now: number) {
    this.#now = now;
  }

  /** The true time, in milliseconds since the Unix epoch. */
  now(): number {
    return this.#now;
  }

  /** A clock and timers of one party. */
  party(skewMs = 0): PartyTime {
    return new PartyTime(this, skewMs);
  }

  /** When the next timer is due; undefined when none waits. */
  nextDue(): number | undefined {
    let next: number | undefined;
    for (const { due } of this.#pending) if (next === undefined || due < next) next = due;
    return next;
  }

  /** Moves the clock, never back. No timer runs. */
  moveTo(now: number): void {
    if (now > this.#now) this.#now = now;
  }

  /** Runs each timer that is due now once, those that were due earlier first; gives how many. */
  runDue(): number {
    const due = [...this.#pending].filter((pending) => pending.due <= this.#now);
    due.sort((one, other) => one.due - other.due || one.order - other.order);
    for (const pending of due) {
      // One that ran before may have ended it.
      if (!this.#pending.delete(pending)) continue;
      if (pending.every !== undefined) {
        pending.owner.replaced(pending, this.add(pending.owner, pending.every, pending.run, pending.every));
      }
      pending.run();
    }
    return due.length;
  }

  /** @internal */
  add(owner: PartyTime, ms: number, run: () => void, every: number | undefined): Pending {
    const pending = { due: this.#now + Math.max(0, ms), order: ++this.#order, every, owner, run };
    this.#pending.add(pending);
    return pending;
  }

  /** @internal */
  remove(pending: Pending): void {
    this.#pending.delete(pending);
  }

  /** @internal */
  removeAll(owner: PartyTime): void {
    for (const pending of this.#pending) if (pending.owner === owner) this.#pending.delete(pending);
  }
}

/** What one party sees of the world's time: a clock that may be wrong, and timers that run for as long as the world's time says. */
export class PartyTime {
  /** How far the clock is ahead of the true time, in milliseconds; negative when it is behind. */
  skewMs: number;
  readonly #time: WorldTime;
  readonly #successors = new Map<Pending, Pending>();
  #ended = false;

  constructor(time: WorldTime, skewMs: number) {
    this.#time = time;
    this.skewMs = skewMs;
  }

  readonly clock = { now: (): number => this.#time.now() + this.skewMs };

  readonly timers = {
    after: (ms: number, run: () => void): (() => void) => this.#add(ms, run, undefined),
    every: (ms: number, run: () => void): (() => void) => this.#add(ms, run, ms),
  };

  /** Ends all timers and begins no other: the party is gone. */
  end(): void {
    this.#ended = true;
    this.#successors.clear();
    this.#time.removeAll(this);
  }

  /** @internal */
  replaced(before: Pending, after: Pending): void {
    if (this.#ended) this.#time.remove(after);
    else this.#successors.set(before, after);
  }

  #add(ms: number, run: () => void, every: number | undefined): () => void {
    if (this.#ended) return () => undefined;
    const pending = this.#time.add(this, ms, run, every);
    return () => {
      for (let current: Pending | undefined = pending; current !== undefined; ) {
        this.#time.remove(current);
        const next = this.#successors.get(current);
        this.#successors.delete(current);
        current = next;
      }
    };
  }
}
