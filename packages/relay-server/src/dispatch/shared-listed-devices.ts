import type { UserId } from '../ports/ids.ts';
import type { ListedDevices, ListedUser } from '../ports/listed-devices.ts';
import { WorkLimit } from './work-limit.ts';

/** Fewer than a connection to an engine takes. */
const mostReadings = 256;

/**
 * Reads who is listed once for all that ask meanwhile, and of so many users at once, so that a burst of sends is one of calls in this process alone.
 *
 * Who asks while a user is being read is given the next reading, which begins after the call: nothing is remembered.
 */
export class SharedListedDevices implements ListedDevices {
  readonly #listed: ListedDevices;
  readonly #readings = new WorkLimit(mostReadings);
  /** Of each user, the last reading that has not ended. */
  readonly #last = new Map<UserId, Promise<ListedUser>>();
  /** Readings that have not begun. */
  readonly #next = new Map<UserId, Promise<ListedUser>>();

  constructor(listed: ListedDevices) {
    this.#listed = listed;
  }

  of(userId: UserId): Promise<ListedUser> {
    const next = this.#next.get(userId);
    if (next !== undefined) return next;
    const reading = this.#read(userId, this.#last.get(userId));
    this.#next.set(userId, reading);
    this.#last.set(userId, reading);
    return reading;
  }

  async #read(userId: UserId, before: Promise<ListedUser> | undefined): Promise<ListedUser> {
    // Whoever asked for that one is told of its failure.
    await before?.catch(() => undefined);
    const reading = this.#readings.run(() => {
      this.#next.delete(userId);
      return this.#listed.of(userId);
    });
    try {
      return await reading;
    } finally {
      if (!this.#next.has(userId)) this.#last.delete(userId);
    }
  }
}
