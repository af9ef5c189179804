import type { Timers } from '../ports/timers.ts';

/** Waits until something is done, but not for ever. */
export class Drain {
  readonly #isDone: () => boolean;
  #finish: (() => void) | undefined;
  /** Resolves when it is done, or the time is over. */
  readonly over: Promise<void>;

  constructor(timers: Timers, ms: number, isDone: () => boolean) {
    this.#isDone = isDone;
    this.over = new Promise((resolve) => {
      const cancelTimer = timers.after(ms, () => this.#finish?.());
      this.#finish = () => {
        this.#finish = undefined;
        cancelTimer();
        resolve();
      };
    });
    this.check();
  }

  /** It is over, done or not. */
  giveUp(): void {
    this.#finish?.();
  }

  /** Something has come to its end: it may be done now. */
  check(): void {
    if (this.#isDone()) this.#finish?.();
  }
}
