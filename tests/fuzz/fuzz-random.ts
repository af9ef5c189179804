import { Seeded } from '../crash/seeded.ts';

/** Lengths at which parsers change their minds. */
const lengths = [0, 1, 2, 15, 16, 17, 31, 32, 33, 64, 127, 128, 129, 255, 256, 300] as const;
/** Numbers at the ends of the ranges that anything of ours counts in. */
const integers = [
  0n,
  1n,
  2n,
  63n,
  127n,
  128n,
  255n,
  256n,
  16_380n,
  2n ** 24n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
] as const;
const texts = [
  '',
  'a',
  'hello',
  '\u0000',
  '\ud83d\ude00',
  '\u202etxet',
  "'; DROP TABLE mail; --",
  '../../etc/passwd',
  '%00',
  '__proto__',
  'constructor',
  'é'.repeat(200),
  '{"a":1}',
  '+14155550101',
  '9'.repeat(400),
] as const;

/** What a seed decides about an input. */
export class FuzzRandom {
  readonly #seeded: Seeded;
  /** Values that mean something to the target, like the ids of accounts that exist. */
  readonly known: readonly Uint8Array[];

  constructor(name: string, seed: number, known: readonly Uint8Array[] = []) {
    this.#seeded = new Seeded(name, seed);
    this.known = known;
  }

  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number {
    return this.#seeded.between(from, to);
  }

  /** Whether something that happens once in so many times happens now. */
  once(inTimes: number): boolean {
    return this.between(1, inTimes) === 1;
  }

  pick<T>(values: readonly [T, ...T[]] | readonly T[]): T {
    const value = values[this.between(0, values.length - 1)];
    if (value === undefined) throw new RangeError('there is nothing to pick from');
    return value;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.between(0, 255));
  }

  /** Bytes of a length that may be wrong, or a value that is known. */
  someBytes(): Uint8Array {
    if (this.known.length > 0 && this.once(2)) return this.pick(this.known);
    if (this.once(60)) return this.bytes(this.between(4_000, 5_000));
    return this.bytes(this.pick(lengths));
  }

  someInteger(): bigint {
    return this.once(2) ? BigInt(this.between(0, 5)) : this.pick(integers);
  }

  someText(): string {
    return this.pick(texts);
  }
}
