import type { Randomness } from '../ports/randomness.ts';

/** Digits of a verification code. */
export const codeLength = 6;

const codes = 10 ** codeLength;
/** The greatest multiple of the number of codes below 2^32: draws from there on are thrown away, so that every code is equally likely. */
const bound = Math.floor(2 ** 32 / codes) * codes;

/** Draws a code: six digits, each of the million equally likely. */
export function drawCode(randomness: Randomness): string {
  for (;;) {
    const bytes = randomness.bytes(4);
    const drawn = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
    if (drawn < bound) return String(drawn % codes).padStart(codeLength, '0');
  }
}
