/** Bytes as a key of a Map: hexadecimal. */
export function byteKey(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Whether two byte strings are the same; the time it takes tells nothing that is secret here. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return byteKey(one) === byteKey(other);
}
