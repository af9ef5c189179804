/** A small generator (mulberry32): what a seed decides is decided again by the same seed. */
export class Seeded {
  #state: number;

  constructor(name: string, seed: number) {
    this.#state = seed;
    for (const char of name) this.#state = (Math.imul(this.#state, 31) + char.charCodeAt(0)) | 0;
  }

  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return from + (((mixed ^ (mixed >>> 14)) >>> 0) % (to - from + 1));
  }

  oneOf<T>(first: T, ...others: readonly T[]): T {
    return [first, ...others][this.between(0, others.length)] ?? first;
  }
}
