import { setImmediate } from 'node:timers/promises';

/** Lets everything run that can run by itself: microtasks, and what native code has finished. */
export async function settled(turns = 8): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await setImmediate();
}

/**
 * Goes on until something is so, one turn of the event loop at a time.
 * @throws when it never comes to be
 */
export async function until(isSo: () => boolean | Promise<boolean>, turns = 20_000): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    if (await isSo()) return;
    await setImmediate();
  }
  throw new Error('what was waited for did not happen');
}
