import type { Store } from '../ports/store.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import type { Departures } from './departures.ts';
import { headStartMs } from './head-start.ts';

/** After `headStartMs` so many that the relay has are enough: they can give it to the others, and somebody may not be reached for long. */
const enough = 3;
/** After this time nobody is waited for: a group in which nobody can be reached can be changed, and left, all the same. */
const longestMs = 10_000;

/**
 * Waits until the relay has a new state key of a group for the others, before it gets the record that stands under that key.
 *
 * Everybody waits for the key of a record, for ever if need be. A device that is gone between the two (revoked, lost) would leave a group that nobody can read on.
 */
export class KeyDelivery {
  private readonly store: Pick<Store, 'get'>;
  private readonly departures: Departures;
  private readonly timers: Timers;

  constructor(parts: {
    readonly store: Pick<Store, 'get'>;
    readonly departures: Departures;
    readonly timers: Timers;
  }) {
    this.store = parts.store;
    this.departures = parts.departures;
    this.timers = parts.timers;
  }

  /**
   * Resolves when all rows of the outbox have left, whether the relay has them or never will; after two seconds, once the relay has three; after ten in any case.
   *
   * Only those count towards the three that the relay was seen to take during this wait: of what left before nobody knows whether it has them.
   * @throws the signal's reason, and what the store throws
   */
  async wait(rows: readonly number[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const waiting = new Set(rows);
    let taken = 0;
    let look: () => void = () => undefined;
    for (const row of rows) {
      this.departures.await(row, (how) => {
        waiting.delete(row);
        if (how === 'taken') taken++;
        look();
      });
    }
    try {
      // What left before tells nobody.
      for (const row of rows) {
        if ((await this.store.get('outbox', { id: row })) === undefined) waiting.delete(row);
      }
      if (waiting.size > 0) {
        const left = { all: () => waiting.size === 0, enough: () => taken >= enough };
        await this.left(left, signal, (looking) => {
          look = looking;
        });
      }
    } finally {
      for (const row of rows) this.departures.forget(row);
    }
  }

  private async left(
    left: { readonly all: () => boolean; readonly enough: () => boolean },
    signal: AbortSignal,
    onLook: (look: () => void) => void,
  ): Promise<void> {
    const timers: CancelTimer[] = [];
    let onAbort: () => void = () => undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        let isHurried = false;
        const look = () => {
          if (left.all() || (isHurried && left.enough())) resolve();
        };
        const hurry = () => {
          isHurried = true;
          look();
        };
        onAbort = () => reject(signal.reason);
        signal.addEventListener('abort', onAbort);
        if (signal.aborted) onAbort();
        timers.push(this.timers.after(headStartMs, hurry), this.timers.after(longestMs, resolve));
        onLook(look);
      });
    } finally {
      signal.removeEventListener('abort', onAbort);
      for (const cancel of timers) cancel();
    }
  }
}
