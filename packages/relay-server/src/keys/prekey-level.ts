import type { PrekeysLeft } from '../ports/prekey-store.ts';

/** Below this many one-time keys of a kind the device is told. */
export const lowWater = 20;

/** How bad it is: 0 = enough, 1 = low, 2 = one kind is used up. */
export type PrekeyLevel = 0 | 1 | 2;

/** The level of what is left of the scarcer kind. */
export function prekeyLevel(left: PrekeysLeft): PrekeyLevel {
  const least = Math.min(left.ec, left.kyber);
  return least >= lowWater ? 0 : least > 0 ? 1 : 2;
}
