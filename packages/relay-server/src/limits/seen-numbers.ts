import type { NumberMac } from '../ports/ids.ts';

/**
 * Remembers which numbers somebody has looked up, so that looking them up again costs nothing of a budget.
 *
 * Six bytes of each number's keyed hash are kept; of each asker at most `mostOfOne`, of all together at most `mostInAll`: who asked the longest ago is forgotten first.
 */
export class SeenNumbers {
  readonly #mostOfOne: number;
  readonly #mostInAll: number;
  /** By asker; the one that asked last comes last. */
  readonly #seen = new Map<string, Set<number>>();
  #size = 0;

  constructor(mostOfOne = 5_000, mostInAll = 500_000) {
    this.#mostOfOne = mostOfOne;
    this.#mostInAll = mostInAll;
  }

  /** How many of these the asker has not looked up before, as far as is remembered. */
  countNew(asker: string, numbers: readonly NumberMac[]): number {
    const seen = this.#seen.get(asker);
    return seen === undefined ? numbers.length : numbers.filter((number) => !seen.has(keyOf(number))).length;
  }

  /** How many askers are remembered. */
  get askers(): number {
    return this.#seen.size;
  }

  /** The asker has looked these up. */
  add(asker: string, numbers: readonly NumberMac[]): void {
    // Who asked for nothing would be kept for ever: only numbers count against `mostInAll`.
    if (numbers.length === 0) return;
    const seen = this.#seen.get(asker) ?? new Set<number>();
    this.#seen.delete(asker);
    this.#seen.set(asker, seen);
    this.#size -= seen.size;
    for (const number of numbers) seen.add(keyOf(number));
    for (const oldest of seen) {
      if (seen.size <= this.#mostOfOne) break;
      seen.delete(oldest);
    }
    this.#size += seen.size;
    for (const [idle, { size }] of this.#seen) {
      if (this.#size <= this.#mostInAll) break;
      this.#seen.delete(idle);
      this.#size -= size;
    }
  }
}

function keyOf(number: NumberMac): number {
  return Buffer.from(number.buffer, number.byteOffset, number.byteLength).readUIntBE(0, 6);
}
