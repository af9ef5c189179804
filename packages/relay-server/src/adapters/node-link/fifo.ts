/** What waits in order, of which any can be taken out: each step is of constant cost, however much waits. */
export class Fifo<T> {
  readonly #entries = new Set<T>();
  // An iterator of a Set goes on with what is added behind it, so that what was taken is never passed over again.
  #cursor = this.#entries.values();

  get size(): number {
    return this.#entries.size;
  }

  add(entry: T): void {
    this.#entries.add(entry);
  }

  /** Takes one out; whether it was there. */
  delete(entry: T): boolean {
    return this.#entries.delete(entry);
  }

  /** Takes the first out. */
  take(): T | undefined {
    let step = this.#cursor.next();
    if (step.done === true) {
      this.#cursor = this.#entries.values();
      step = this.#cursor.next();
    }
    if (step.done === true) return undefined;
    this.#entries.delete(step.value);
    return step.value;
  }

  clear(): void {
    this.#entries.clear();
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#entries.values();
  }
}
