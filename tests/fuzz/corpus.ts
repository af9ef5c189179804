import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, 'corpus');

/** Inputs that are kept for a target: those that did harm once, and those that lead far. In the order of their names. */
export function readCorpus(target: string): readonly Uint8Array[] {
  const own = join(folder, target);
  if (!existsSync(own)) return [];
  return readdirSync(own)
    .sort()
    .map((name) => new Uint8Array(readFileSync(join(own, name))));
}

/**
 * Keeps an input.
 * @param why `crash` for what did harm, `path` for what ran new code
 * @returns where it is
 */
export function keep(target: string, input: Uint8Array, why: 'crash' | 'path'): string {
  const own = join(folder, target);
  mkdirSync(own, { recursive: true });
  const path = join(own, `${why}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}.bin`);
  writeFileSync(path, input);
  return path;
}
