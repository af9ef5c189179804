import type { Randomness } from '../ports/randomness.ts';

const timeLength = 6;
const randomLength = 10;

/**
 * Makes a send id: six bytes of the time in milliseconds, big-endian, then ten random ones.
 *
 * A relay may take any 16 bytes; ids of one time that begin alike lie together in its table of results, which makes storing them cheaper. The time tells a relay nothing: it hears the Send itself.
 */
export function newSendId(now: number, randomness: Randomness): Uint8Array {
  const id = new Uint8Array(timeLength + randomLength);
  let rest = Math.max(0, Math.floor(now));
  for (let at = timeLength - 1; at >= 0; at--) {
    id[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  id.set(randomness.bytes(randomLength), timeLength);
  return id;
}
