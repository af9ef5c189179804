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

/** Keeps the offsets from the first unresolved one on, in order. */
export class FetchedOffsets implements OffsetProgress {
  #open = 0;
  /** From the first that is not resolved on. */
  #offsets: number[] = [];
  readonly #resolved = new Set<number>();
  #next: number | undefined;

  get open(): number {
    return this.#open;
  }

  fetched(offset: number): void {
    if (this.#next !== undefined && offset < this.#next) return;
    this.#offsets.push(offset);
    this.#next = offset + 1;
    this.#open++;
  }

  resolved(offset: number): void {
    if (this.#resolved.has(offset) || !this.#offsets.includes(offset)) return;
    this.#resolved.add(offset);
    this.#open--;
    let done = 0;
    for (const first of this.#offsets) {
      if (!this.#resolved.delete(first)) break;
      done++;
    }
    if (done > 0) this.#offsets = this.#offsets.slice(done);
  }

  watermark(): number | undefined {
    return this.#offsets[0] ?? this.#next;
  }
}
