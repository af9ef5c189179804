/** Random bytes in a delivery id. */
export const secretLength = 8;

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
