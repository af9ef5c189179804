import { isUuid } from '@sotto/proto';
import { SottoError } from './sotto-error.ts';

/** What may be given, and how callers are told. */
export interface OptionRule {
  readonly fits: (value: unknown) => boolean;
  /** Goes on after "… is ". */
  readonly says: string;
}

/** A rule for each option that there is: a new one can not be forgotten here. */
export type OptionRules<Options> = { readonly [Name in keyof Options]-?: OptionRule };

/** The rules that options have in common. */
export const given = {
  /** Checked elsewhere, with a message of its own. */
  anything: { fits: () => true, says: 'anything' },
  flag: { fits: (value) => typeof value === 'boolean', says: 'true or false' },
  text: { fits: (value) => typeof value === 'string', says: 'a string' },
  number: { fits: (value) => Number.isFinite(value), says: 'a number' },
  bytes: { fits: (value) => value instanceof Uint8Array, says: 'a Uint8Array' },
  call: { fits: (value) => typeof value === 'function', says: 'a function' },
  object: { fits: isObject, says: 'an object' },
  // By its shape: an app may have a signal of another realm.
  signal: {
    fits: (value) => isObject(value) && 'aborted' in value && 'addEventListener' in value,
    says: 'an AbortSignal: give the signal of an AbortController',
  },
} satisfies Readonly<Record<string, OptionRule>>;

/** Of calls that take a signal only. */
export const signalOnly = { signal: given.signal };

/**
 * Holds options to what a call takes: names that it knows, values of their kinds. What is undefined counts as left out.
 *
 * TypeScript checks the same; this is for those who don't use it, before anything is opened, stored or sent. No value stands in the error.
 * @throws {SottoError} `argument-invalid`
 */
export function checkOptions<Options extends object>(
  call: string,
  options: Options,
  rules: OptionRules<Options>,
): void {
  if (!isObject(options) || Array.isArray(options)) {
    demand(false, `${call} takes its options in an object: { ${Object.keys(rules).join(', ')} }`);
  }
  for (const name in options) {
    if (!Object.hasOwn(rules, name)) {
      demand(false, `${call} has no option "${name}": it takes ${Object.keys(rules).join(', ')}`);
    }
    const value = options[name];
    if (value !== undefined && !rules[name].fits(value)) demand(false, `${name} of ${call} is ${rules[name].says}`);
  }
}

/**
 * Refuses an argument.
 * @throws {SottoError} `argument-invalid`
 */
export function demand(holds: boolean, message: string): asserts holds {
  if (!holds) throw new SottoError('argument-invalid', message);
}

/**
 * Refuses what can be no id of a user, a chat or a group: a field that was misspelt is not to look like somebody who is not known.
 * @throws {SottoError} `argument-invalid`
 */
export function demandId(call: string, id: unknown): void {
  demand(
    typeof id === 'string' && isUuid(id),
    `${call} takes an id: a UUID in lower case, as the fields of messages, events and chats have it`,
  );
}

/** Whether a value has fields. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
