import type { Randomness } from '../ports/randomness.ts';

const firstMs = 500;
const longestMs = 60_000;

/** How long to wait before the next try: anything from 0 to a ceiling that doubles with each failure, up to a minute (full jitter). */
export function fullJitter(failures: number, randomness: Randomness): number {
  const ceiling = Math.min(longestMs, firstMs * 2 ** Math.min(failures, 20));
  return Math.round(ceiling * randomness.fraction());
}
