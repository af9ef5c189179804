import { TestingError } from './testing-error.ts';

/** What may be given, and how callers are told. */
export interface OptionRule {
  readonly fits: (value: unknown) => boolean;
  /** Goes on after "… is ". */
  readonly says: string;
}

/** A rule for each option that there is: a new one can not be forgotten here. */
export type OptionRules<Options> = { readonly [Name in keyof Options]-?: OptionRule };

export const flag: OptionRule = { fits: (value) => typeof value === 'boolean', says: 'true or false' };
export const call: OptionRule = { fits: (value) => typeof value === 'function', says: 'a function' };
export const object: OptionRule = { fits: isObject, says: 'an object' };

/**
 * Holds options to what a call takes: names that it knows, values of their kinds. What is undefined counts as left out. Tests are written in plain JavaScript, too.
 * @throws {TestingError} `argument-invalid`
 */
export function checkOptions<Options extends object>(
  name: string,
  options: Options,
  rules: OptionRules<Options>,
): void {
  const known = Object.keys(rules).join(', ');
  demand(isObject(options) && !Array.isArray(options), `${name} takes its options in an object: { ${known} }`);
  for (const option in options) {
    demand(Object.hasOwn(rules, option), `${name} has no option "${option}": it takes ${known}`);
    const value = options[option];
    const isRight = value === undefined || rules[option].fits(value);
    demand(isRight, `${option} of ${name} is ${rules[option].says}`);
  }
}

/**
 * Holds a value to a list of texts.
 * @throws {TestingError} `argument-invalid`
 */
export function demandOneOf(what: string, value: unknown, texts: readonly string[]): void {
  demand(typeof value === 'string' && texts.includes(value), `${what} is one of ${texts.join(', ')}`);
}

/**
 * Refuses an argument.
 * @throws {TestingError} `argument-invalid`
 */
export function demand(holds: boolean, message: string): asserts holds {
  if (!holds) throw new TestingError('argument-invalid', message);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
