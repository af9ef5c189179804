import type { Randomness } from '../../ports/randomness.ts';

const secretLength = 8;

/** How many secrets are fetched at once: one by one they would cost as much as a row. */
const fetched = 128;

const length = 8 + secretLength;

/** Makes the id of a row: 8 bytes of its number, then its random bytes, so that it can't be guessed. */
export function deliveryIdOf(seq: number, secret: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(seq / 2 ** 32));
  view.setUint32(4, seq % 2 ** 32);
  bytes.set(secret, 8);
  return bytes;
}

/** Takes an id apart; `undefined` when no row can have it. */
export function readDeliveryId(
  deliveryId: Uint8Array,
): { readonly seq: number; readonly secret: Uint8Array } | undefined {
  if (deliveryId.length !== length) return undefined;
  const view = new DataView(deliveryId.buffer, deliveryId.byteOffset, length);
  const seq = view.getUint32(0) * 2 ** 32 + view.getUint32(4);
  return Number.isSafeInteger(seq) ? { seq, secret: deliveryId.subarray(8) } : undefined;
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
