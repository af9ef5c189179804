/**
 * How far a partition is done: every record that was fetched below this offset is resolved.
 *
 * Offsets have holes, so it goes by the records that came: it is the lowest unresolved one, or the one after the last fetched. Begins at `start`; never goes back. Time and memory grow with the records in flight alone.
 */
export class Watermark {
  /** Fetched and not passed over yet, in their order. */
  readonly #waiting: number[] = [];
  /** How many of `#waiting` are passed over. */
  #passed = 0;
  readonly #resolved = new Set<number>();
  #next: number;

  /** @param start Where reading begins. */
  constructor(start: number) {
    this.#next = start;
  }

  /** The offset to commit. */
  get offset(): number {
    return this.#waiting[this.#passed] ?? this.#next;
  }

  /** Records that were fetched and are not resolved. */
  get unresolved(): number {
    return this.#waiting.length - this.#passed - this.#resolved.size;
  }

  /** A record came. An offset below the last one is a repetition, and changes nothing. */
  fetched(offset: number): void {
    if (offset < this.#next) return;
    this.#waiting.push(offset);
    this.#next = offset + 1;
  }

  /** A record is done; of one that was not fetched, or is done, nothing changes. */
  resolved(offset: number): void {
    if (!this.#isWaiting(offset)) return;
    this.#resolved.add(offset);
    for (let first = this.#waiting[this.#passed]; first !== undefined; first = this.#waiting[this.#passed]) {
      if (!this.#resolved.delete(first)) break;
      this.#passed += 1;
    }
    if (this.#passed * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#passed);
      this.#passed = 0;
    }
  }

  /** By bisection: `#waiting` is in order. */
  #isWaiting(offset: number): boolean {
    let low = this.#passed;
    let high = this.#waiting.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#waiting[middle] ?? offset) < offset) low = middle + 1;
      else high = middle;
    }
    return this.#waiting[low] === offset;
  }
}
