import type { PrekeyKind, PrekeyRecord } from '../ports/key-records.ts';
import type { Randomness } from '../ports/randomness.ts';

/** `kyber` and `last-resort` keys are looked up by one id, `ec` and `signed` ones each by their own. */
function idSpace(kind: PrekeyKind): 'ec' | 'signed' | 'kyber' {
  return kind === 'last-resort' ? 'kyber' : kind;
}

/** Gives random prekey ids that no own prekey has. */
export class PrekeyIds {
  readonly #taken: Set<string>;
  readonly #randomness: Randomness;

  constructor(randomness: Randomness, existing: readonly PrekeyRecord[]) {
    this.#randomness = randomness;
    this.#taken = new Set(existing.map(({ kind, id }) => `${idSpace(kind)}.${id}`));
  }

  /** 1 .. 2^24 - 1, not given before. */
  next(kind: PrekeyKind): number {
    for (;;) {
      const [high = 0, middle = 0, low = 0] = this.#randomness.bytes(3);
      const id = (high << 16) | (middle << 8) | low;
      const name = `${idSpace(kind)}.${id}`;
      if (id === 0 || this.#taken.has(name)) continue;
      this.#taken.add(name);
      return id;
    }
  }
}
