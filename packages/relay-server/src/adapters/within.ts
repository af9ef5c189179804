import type { Timers } from '../ports/timers.ts';

/** Waits for something, but no longer than `ms`; tells whether it came in time. Rejects with it when it does. */
export function within(timers: Timers, ms: number, work: Promise<void>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const cancel = timers.after(ms, () => resolve(false));
    work.then(
      () => {
        cancel();
        resolve(true);
      },
      (error) => {
        cancel();
        reject(error);
      },
    );
  });
}
