import { randomBytes } from 'node:crypto';
import type { Randomness } from '../ports/randomness.ts';

/** The operating system's source of randomness. */
export const systemRandomness: Randomness = { bytes: (count) => new Uint8Array(randomBytes(count)) };
