import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { RelayError } from '../relay-error.ts';

/**
 * Checks that a text is a phone number in E.164 form that can exist, as the numbering plans say, and gives it back.
 * @throws {RelayError} `number-invalid`
 */
export function readNumber(text: string): string {
  return parse(text).number;
}

/**
 * Like `readNumber`, for somebody who wants to register.
 * @throws {RelayError} `number-invalid`; `number-barred` when its country is on the list
 */
export function readRegistrableNumber(text: string, barredCountries: readonly string[]): string {
  const { number, country } = parse(text);
  if (country !== undefined && barredCountries.includes(country)) {
    throw new RelayError('number-barred', 'Numbers of this country can not register at this relay.');
  }
  return number;
}

function parse(text: string): { number: string; country: string | undefined } {
  const parsed = /^\+[1-9]\d{6,14}$/.test(text) ? parsePhoneNumberFromString(text) : undefined;
  if (!parsed?.isValid() || parsed.number !== text) {
    throw new RelayError('number-invalid', 'Write the number in E.164 form: + and country code, digits only.');
  }
  return { number: parsed.number, country: parsed.country };
}
