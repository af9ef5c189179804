/** Which of the fetched records of one partition are resolved, and up to where that is contiguous. */
export interface OffsetProgress {
  /** A record was fetched. Offsets only grow; they have holes (compaction, transactions, other records). */
  fetched(offset: number): void;
  /** The record at `offset` is resolved; what was not fetched is passed over. */
  resolved(offset: number): void;
  /** What may be committed: the first fetched record that is not resolved, else one past the last fetched; undefined before anything was fetched. */
  watermark(): number | undefined;
  /** How many fetched records are not resolved. */
  readonly open: number;
}

/** Keeps the offsets from the first unresolved one on, in order. Time and memory grow with the records in flight alone. */
export class FetchedOffsets implements OffsetProgress {
  /** Fetched and not passed over yet, in their order. */
  readonly #waiting: number[] = [];
  /** How many of `#waiting` are passed over. */
  #passed = 0;
  readonly #resolved = new Set<number>();
  #next: number | undefined;

  get open(): number {
    return this.#waiting.length - this.#passed - this.#resolved.size;
  }

  /** An offset below the last one is a repetition, and changes nothing. */
  fetched(offset: number): void {
    if (this.#next !== undefined && offset < this.#next) return;
    this.#waiting.push(offset);
    this.#next = offset + 1;
  }

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

  watermark(): number | undefined {
    return this.#waiting[this.#passed] ?? this.#next;
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
