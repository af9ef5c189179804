import { WorkLimit } from './work-limit.ts';

/** Fewer than a connection to an engine takes. */
const mostReadings = 256;

/**
 * Reads by key, once for all that ask meanwhile, and of so many keys at once, so that a burst of sends is one of calls in this process alone.
 *
 * Who asks while a key is being read is given the next reading, which begins after the call: nothing is remembered.
 */
export class SharedReads<Key, Value> {
  readonly #readNow: (key: Key) => Promise<Value>;
  readonly #readings = new WorkLimit(mostReadings);
  /** Of each key, the last reading that has not ended. */
  readonly #last = new Map<Key, Promise<Value>>();
  /** Readings that have not begun. */
  readonly #next = new Map<Key, Promise<Value>>();

  constructor(read: (key: Key) => Promise<Value>) {
    this.#readNow = read;
  }

  read(key: Key): Promise<Value> {
    const next = this.#next.get(key);
    if (next !== undefined) return next;
    const reading = this.#read(key, this.#last.get(key));
    this.#next.set(key, reading);
    this.#last.set(key, reading);
    return reading;
  }

  async #read(key: Key, before: Promise<Value> | undefined): Promise<Value> {
    // Whoever asked for that one is told of its failure.
    await before?.catch(() => undefined);
    const reading = this.#readings.run(() => {
      this.#next.delete(key);
      return this.#readNow(key);
    });
    try {
      return await reading;
    } finally {
      if (!this.#next.has(key)) this.#last.delete(key);
    }
  }
}
