import type { Timers } from '../ports/timers.ts';

/** One who waits. */
export interface LinkWait {
  /** Resolves when somebody wakes it, or after this time. */
  until(ms: number): Promise<void>;
  end(): void;
}

/** Who waits at this process for the message of a link. */
export class LinkWaits {
  readonly #timers: Timers;
  readonly #waiting = new Map<string, Set<() => void>>();
  #isStopped = false;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Begins to listen; what comes before `until` counts. */
  begin(linkId: string, signal: AbortSignal): LinkWait {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const wakes = this.#waiting.get(linkId) ?? new Set();
    this.#waiting.set(linkId, wakes.add(wake));
    signal.addEventListener('abort', wake);
    return {
      until: async (ms) => {
        if (this.#isStopped || signal.aborted) return;
        const cancel = this.#timers.after(ms, wake);
        await promise;
        cancel();
      },
      end: () => {
        signal.removeEventListener('abort', wake);
        wakes.delete(wake);
        if (wakes.size === 0 && this.#waiting.get(linkId) === wakes) this.#waiting.delete(linkId);
      },
    };
  }

  /** The message has been left: whoever waits for it looks. */
  wake(linkId: string): void {
    for (const wake of this.#waiting.get(linkId) ?? []) wake();
  }

  /** Ends all that wait, now and from now on. */
  stop(): void {
    this.#isStopped = true;
    for (const wakes of this.#waiting.values()) for (const wake of wakes) wake();
  }
}
