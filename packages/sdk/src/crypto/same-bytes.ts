/** Whether two byte strings are equal. Not for secrets: it takes a different time for different ones. */
export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}
