import { SottoError } from '../sotto-error.ts';

const longestUsername = 50;

/**
 * Checks a user name: 1..50 characters (Unicode code points), taken as it is, without control characters, line ends and lone surrogates.
 * @throws {SottoError} `username-invalid`
 */
export function checkUsername(text: string): void {
  const length = typeof text === 'string' ? [...text].length : 0;
  if (length < 1 || length > longestUsername) {
    throw new SottoError('username-invalid', `a user name has 1 to ${longestUsername} characters`);
  }
  if (/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(text)) {
    throw new SottoError('username-invalid', 'a user name holds no control characters, line ends or lone surrogates');
  }
}
