/**
 * Reads by key, many of which are asked for at once: those that come while one is under way share the next one.
 *
 * What is given was read after it was asked for, so it is as fresh as a read of one's own.
 */
export class JoinedReads<Key, Value> {
  readonly #read: (key: Key) => Promise<Value>;
  readonly #running = new Map<Key, Promise<Value>>();
  readonly #next = new Map<Key, Promise<Value>>();

  constructor(read: (key: Key) => Promise<Value>) {
    this.#read = read;
  }

  read(key: Key): Promise<Value> {
    const next = this.#next.get(key);
    if (next !== undefined) return next;
    const running = this.#running.get(key);
    if (running === undefined) return this.#start(key);
    const start = () => {
      this.#next.delete(key);
      return this.#start(key);
    };
    const following = running.then(start, start);
    this.#next.set(key, following);
    return following;
  }

  #start(key: Key): Promise<Value> {
    const running = this.#read(key);
    this.#running.set(key, running);
    const ended = () => {
      if (this.#running.get(key) === running) this.#running.delete(key);
    };
    running.then(ended, ended);
    return running;
  }
}
