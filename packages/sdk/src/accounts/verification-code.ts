import { SottoError } from '../sotto-error.ts';

/** What is known when a code is asked for. */
export interface CodeContext {
  /** How many tries are left; undefined before the first one. */
  readonly attemptsLeft: number | undefined;
}

/**
 * Reads a code as people write it down: spaces between the digits don't matter.
 * @throws {SottoError} `code-invalid`
 */
export function readCode(given: unknown): string {
  const code = typeof given === 'string' ? given.replace(/\s/g, '') : '';
  if (!/^[0-9]{4,20}$/.test(code)) {
    throw new SottoError('code-invalid', 'a code has digits only: nothing was sent, call again with the code');
  }
  return code;
}
