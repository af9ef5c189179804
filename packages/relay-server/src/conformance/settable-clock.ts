import type { SettableClock } from './harness.ts';
import { start } from './samples.ts';

/** A clock that stands at `start` until it is set. */
export function settableClock(): SettableClock {
  let now = start;
  return {
    now: () => now,
    set(next) {
      now = next;
    },
  };
}
