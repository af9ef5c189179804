import { parsePhoneNumberFromString } from 'libphonenumber-js';
import { SottoError } from '../sotto-error.ts';

/**
 * Reads a phone number as people write it, with its country code, into E.164.
 * @throws {SottoError} `number-invalid`
 */
export function parsePhoneNumber(text: string): string {
  const parsed = typeof text === 'string' && text.length <= 64 ? parsePhoneNumberFromString(text) : undefined;
  if (parsed === undefined || parsed.ext !== undefined || !parsed.isPossible()) {
    throw new SottoError(
      'number-invalid',
      'this is no phone number: write it with its country code, like +14155550101',
    );
  }
  return parsed.number;
}
