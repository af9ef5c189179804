import type { ChangeNumberOptions } from '../accounts/number-change.ts';
import type { RegisterOptions } from '../accounts/registration.ts';
import { isIdentityPolicy } from '../chats/identity-policy.ts';
import { SottoError } from '../sotto-error.ts';
import type { ClientOptions } from './client-options.ts';

/** What TypeScript checks for those who use it, for those who don't: before anything is opened or sent. */
export function checkClientOptions(options: ClientOptions): void {
  demand(isObject(options), 'Client.open takes { relay, store }');
  demand(
    isObject(options.store) && typeof options.store.open === 'function',
    "store is what betterSqlite3('alice.db') or memoryStore() give",
  );
  demand(
    options.identityPolicy === undefined || isIdentityPolicy(options.identityPolicy),
    'identityPolicy is accept, block-verified or block',
  );
}

/** The same for `register`. */
export function checkRegisterOptions(options: RegisterOptions): void {
  demand(isObject(options), 'register takes { phone, profile, code }');
  demand(isObject(options.profile), 'profile is { username }, with an avatar if there is one');
  demand(typeof options.code === 'function', 'code is a function that gives the code which was sent, as a string');
  checkChallenge(options);
}

/** The same for `changeNumber`. */
export function checkChangeNumberOptions(options: ChangeNumberOptions): void {
  demand(isObject(options), 'changeNumber takes { phone, code }');
  demand(typeof options.code === 'function', 'code is a function that gives the code which was sent, as a string');
  checkChallenge(options);
}

function checkChallenge({ challenge }: Pick<RegisterOptions, 'challenge'>): void {
  demand(challenge === undefined || typeof challenge === 'function', 'challenge is a function that gives an answer');
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function demand(holds: boolean, message: string): void {
  if (!holds) throw new SottoError('argument-invalid', message);
}
