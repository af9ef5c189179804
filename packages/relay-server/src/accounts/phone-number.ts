import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { RelayError } from '../relay-error.ts';

/**
 * Checks that a text is a phone number in E.164 form that can exist, as the numbering plans say, and gives it back.
 * @throws {RelayError} `number-invalid`
 */
export function readNumber(text: string): string {
  return parse(text).number;
}

/** Which countries' numbers can register, ISO 3166-1 alpha-2. */
export interface CountryRules {
  /** `*` = all but the barred ones, and numbers that belong to no country. */
  readonly allowedCountries: readonly string[];
  readonly barredCountries: readonly string[];
}

/** A number and the country that it belongs to, if it does to one. */
export interface KnownNumber {
  readonly number: string;
  readonly country: string | undefined;
}

/**
 * Like `readNumber`, for somebody who wants to register.
 * @throws {RelayError} `number-invalid`; `number-barred` when its country may not
 */
export function readRegistrableNumber(text: string, rules: CountryRules): KnownNumber {
  const known = parse(text);
  const { allowedCountries, barredCountries } = rules;
  const isAllowed =
    allowedCountries.includes('*') || (known.country !== undefined && allowedCountries.includes(known.country));
  if (!isAllowed || (known.country !== undefined && barredCountries.includes(known.country))) {
    throw new RelayError('number-barred', 'Numbers of this country can not register at this relay.');
  }
  return known;
}

function parse(text: string): KnownNumber {
  const parsed = /^\+[1-9]\d{6,14}$/.test(text) ? parsePhoneNumberFromString(text) : undefined;
  if (!parsed?.isValid() || parsed.number !== text) {
    throw new RelayError('number-invalid', 'Write the number in E.164 form: + and country code, digits only.');
  }
  return { number: parsed.number, country: parsed.country };
}
