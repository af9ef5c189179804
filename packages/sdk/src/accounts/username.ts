import { SottoError } from '../sotto-error.ts';
import { isShownName } from './shown-name.ts';

const longestUsername = 50;

/**
 * Checks a user name: 1..50 characters (Unicode code points), taken as it is, as `isShownName` has it.
 * @throws {SottoError} `username-invalid`
 */
export function checkUsername(text: string): void {
  if (typeof text === 'string' && isShownName(text, longestUsername)) return;
  throw new SottoError(
    'username-invalid',
    `a user name has 1 to ${longestUsername} characters, one of them visible, and no control characters, line ends, lone surrogates or characters that turn the direction of writing`,
  );
}
