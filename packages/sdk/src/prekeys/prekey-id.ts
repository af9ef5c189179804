import type { PrekeyKind, PrekeyRecord } from '../ports/key-records.ts';
import type { Randomness } from '../ports/randomness.ts';

const largestId = 2 ** 24 - 1;

/** `kyber` and `last-resort` keys are looked up by one id, `ec` and `signed` ones each by their own. */
type IdSpace = 'ec' | 'signed' | 'kyber';

function spaceOf(kind: PrekeyKind): IdSpace {
  return kind === 'last-resort' ? 'kyber' : kind;
}

/**
 * Gives prekey ids that no own prekey has.
 *
 * They ascend, so that the relay, which gives away the lowest id first, gives away the oldest key first; a random step keeps clear of ids that the relay may remember and this device does not.
 */
export class PrekeyIds {
  readonly #randomness: Randomness;
  readonly #taken: ReadonlyMap<IdSpace, ReadonlySet<number>>;
  readonly #last = new Map<IdSpace, number>();

  constructor(randomness: Randomness, existing: readonly PrekeyRecord[]) {
    this.#randomness = randomness;
    const idsOf = (space: IdSpace) =>
      new Set(existing.filter(({ kind }) => spaceOf(kind) === space).map(({ id }) => id));
    this.#taken = new Map((['ec', 'signed', 'kyber'] as const).map((space) => [space, idsOf(space)]));
  }

  /** 1 .. 2^24 - 1, not given before. */
  next(kind: PrekeyKind): number {
    const space = spaceOf(kind);
    const taken = this.#taken.get(space) ?? new Set();
    let id = this.#last.get(space) ?? this.#start(taken);
    do id = id >= largestId ? 1 : id + 1;
    while (taken.has(id));
    this.#last.set(space, id);
    return id;
  }

  #start(taken: ReadonlySet<number>): number {
    const [high = 0, middle = 0, low = 0] = this.#randomness.bytes(3);
    if (taken.size > 0) return Math.max(...taken) + low;
    // Far from the end, so that they can ascend for as long as an account lives.
    return ((high & 31) << 16) | (middle << 8) | low;
  }
}
