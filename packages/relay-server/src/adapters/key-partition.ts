/**
 * The partition of a key: murmur2, as Kafka's own clients have it, so that other tools agree.
 *
 * Changes with the number of partitions, which is why a topic keeps the one that it was made with.
 */
export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

/** The 32-bit hash of Kafka's `Utils.murmur2`, signed. */
export function murmur2(bytes: Uint8Array): number {
  const mix = 0x5bd1e995;
  const { length } = bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  let hash = 0x9747b28c ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    let word = Math.imul(view.getInt32(at, true), mix);
    word ^= word >>> 24;
    hash = Math.imul(hash, mix) ^ Math.imul(word, mix);
  }
  let tail = 0;
  for (let index = length - 1; index >= at; index -= 1) tail = (tail << 8) | view.getUint8(index);
  if (at < length) hash = Math.imul(hash ^ tail, mix);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, mix);
  return hash ^ (hash >>> 15);
}
