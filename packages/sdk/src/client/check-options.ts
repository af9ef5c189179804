import type { ChangeNumberOptions } from '../accounts/number-change.ts';
import type { RegisterOptions } from '../accounts/registration.ts';
import { isIdentityPolicy } from '../chats/identity-policy.ts';
import type { LinkDeviceOptions } from '../devices/device-linking.ts';
import { checkOptions, demand, given, isObject, type OptionRules } from '../option-rules.ts';
import type { Platform } from '../ports/platform.ts';
import type { ClientOptions } from './client-options.ts';

/** What `Client.open` takes. */
export const clientRules: OptionRules<ClientOptions> = {
  relay: given.anything,
  allowInsecureRelay: given.flag,
  store: {
    fits: (store) => isObject(store) && 'open' in store && typeof store.open === 'function',
    says: "what betterSqlite3('alice.db') or memoryStore() give",
  },
  receipts: given.flag,
  typing: given.flag,
  presence: given.flag,
  sealedSender: given.flag,
  identityPolicy: { fits: isIdentityPolicy, says: 'accept, block-verified or block' },
  onReport: given.call,
  platform: given.object,
};

const platformRules: OptionRules<Platform> = {
  clock: given.object,
  timers: given.object,
  randomness: given.object,
  sha256: given.call,
  sockets: given.object,
  fetch: given.call,
  logger: given.object,
  tracer: given.object,
};

const changeNumberRules: OptionRules<ChangeNumberOptions> = {
  phone: given.anything,
  code: { ...given.call, says: 'a function that gives the code which was sent, as a string' },
  challenge: { ...given.call, says: 'a function that gives an answer' },
  pin: {
    fits: (pin) => typeof pin === 'string' || typeof pin === 'function',
    says: 'a PIN, or a function that asks for it',
  },
  resendCode: given.flag,
  signal: given.signal,
};

const registerRules: OptionRules<RegisterOptions> = {
  ...changeNumberRules,
  profile: { ...given.object, says: '{ username }, with an avatar if there is one' },
  recoveryKey: given.anything,
};

const linkDeviceRules: OptionRules<LinkDeviceOptions> = {
  name: given.anything,
  onCode: { ...given.call, says: 'a function that shows the code which it is given' },
  confirm: { ...given.call, says: 'a function that asks the user, and gives true or false' },
  signal: given.signal,
};

const profileRules: OptionRules<RegisterOptions['profile']> = { username: given.anything, avatar: given.bytes };

/** What TypeScript checks for those who use it, for those who don't: before anything is opened or sent. */
export function checkClientOptions(options: ClientOptions, call = 'Client.open'): void {
  checkOptions(call, options, clientRules);
  demand(options.store !== undefined, `${call} needs a store: ${clientRules.store.says}`);
  if (options.platform !== undefined) checkOptions(`platform of ${call}`, options.platform, platformRules);
}

/** The same for `register`. */
export function checkRegisterOptions(options: RegisterOptions): void {
  checkOptions('register', options, registerRules);
  demand(options.profile !== undefined, `register needs a profile: ${registerRules.profile.says}`);
  checkOptions('profile of register', options.profile, profileRules);
  demand(options.code !== undefined, `register needs code: ${registerRules.code.says}`);
}

/** The same for `linkDevice`. */
export function checkLinkDeviceOptions(options: LinkDeviceOptions): void {
  checkOptions('linkDevice', options, linkDeviceRules);
  demand(options.onCode !== undefined, `linkDevice needs onCode: ${linkDeviceRules.onCode.says}`);
}

/** The same for `changeNumber`. */
export function checkChangeNumberOptions(options: ChangeNumberOptions): void {
  checkOptions('changeNumber', options, changeNumberRules);
  demand(options.code !== undefined, `changeNumber needs code: ${changeNumberRules.code.says}`);
}
