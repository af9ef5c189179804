import type { CancelTimer, Timers } from '../../ports/timers.ts';

/**
 * How long a member may believe that it is one: a session from the sending of the last message that the coordinator answered.
 *
 * The coordinator counts from the arrival, which is later: so this one ends first, and its partitions are given up before others get them (clocks that run alike provided).
 */
export class GroupSession {
  readonly #timers: Timers;
  readonly #ms: number;
  readonly #onOver: () => void;
  #cancel: CancelTimer | undefined;

  constructor(timers: Timers, ms: number, onOver: () => void) {
    this.#timers = timers;
    this.#ms = ms;
    this.#onOver = onOver;
  }

  /** Something is sent now: call what this gives when it was answered, and the session lasts from now on. An answer that comes after a whole session prolongs nothing. */
  sent(): { readonly answered: () => void; readonly unanswered: () => void } {
    let state: 'pending' | 'answered' | 'late' | 'over' = 'pending';
    const cancel = this.#timers.after(this.#ms, () => {
      if (state === 'pending') state = 'late';
      else if (state === 'answered') this.#over();
    });
    return {
      answered: () => {
        if (state === 'late') this.#cancel ??= this.#timers.after(0, () => this.#over());
        if (state !== 'pending') return;
        state = 'answered';
        this.#cancel?.();
        this.#cancel = cancel;
      },
      unanswered: () => {
        if (state !== 'pending') return;
        state = 'over';
        cancel();
      },
    };
  }

  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #over(): void {
    this.#cancel = undefined;
    this.#onOver();
  }
}
