import type { Randomness } from '../../ports/randomness.ts';

const secretLength = 8;

/** How many secrets are fetched at once: one by one they would cost as much as a row. */
const fetched = 128;

const length = 8 + secretLength;

/** Makes the id of a row: 8 bytes of its number, then its random bytes, so that it can't be guessed. */
export function deliveryIdOf(seq: number, secret: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(length);
  writeUint32(bytes, 0, Math.floor(seq / 2 ** 32));
  writeUint32(bytes, 4, seq % 2 ** 32);
  for (let at = 0; at < secretLength; at++) bytes[8 + at] = secret[at] ?? 0;
  return bytes;
}

/** The number of the row that an id names; `undefined` when no row can have it. */
export function seqOf(deliveryId: Uint8Array): number | undefined {
  if (deliveryId.length !== length) return undefined;
  const seq = readUint32(deliveryId, 0) * 2 ** 32 + readUint32(deliveryId, 4);
  return Number.isSafeInteger(seq) ? seq : undefined;
}

/** The random bytes of an id that names a row. */
export function secretOf(deliveryId: Uint8Array): Uint8Array {
  return deliveryId.subarray(8);
}

/** The random bytes of delivery ids, from a supply. */
export class DeliverySecrets {
  readonly #randomness: Randomness;
  #supply: Uint8Array = new Uint8Array(0);
  #used = 0;

  constructor(randomness: Randomness) {
    this.#randomness = randomness;
  }

  next(): Uint8Array {
    if (this.#used === this.#supply.length) {
      this.#supply = this.#randomness.bytes(fetched * secretLength);
      this.#used = 0;
    }
    this.#used += secretLength;
    return this.#supply.subarray(this.#used - secretLength, this.#used);
  }
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function readUint32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const low = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  return high * 2 ** 16 + low;
}
