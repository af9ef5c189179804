import { checkClientOptions, clientRules } from '../client/check-options.ts';
import type { ClientOptions } from '../client/client-options.ts';
import { checkOptions, demand, given, type OptionRules } from '../option-rules.ts';
import type { BotOptions } from './bot-options.ts';
import { type FilterContexts, readCommand } from './context.ts';

const count = {
  fits: (value: unknown) => Number.isInteger(value) && Number(value) >= 1,
  says: 'a whole number from 1',
};

const botRules: OptionRules<BotOptions> = {
  // A cursor has an error of its own.
  cursor: given.anything,
  acceptStrangers: given.flag,
  groups: {
    fits: (groups) => groups === 'addressed' || groups === 'all' || groups === 'none',
    says: 'addressed, all or none',
  },
  chatsAtOnce: count,
  tries: count,
  timers: given.object,
};

const openRules: OptionRules<ClientOptions & BotOptions> = { ...clientRules, ...botRules };

const filters: Readonly<Record<keyof FilterContexts, true>> = {
  message: true,
  'message:text': true,
  'message:unknown': true,
};

/**
 * What TypeScript checks for those who use it, for those who don't.
 * @throws {SottoError} `argument-invalid`, as everything here
 */
export function checkBotOptions(options: BotOptions): void {
  checkOptions('Bot', options, botRules);
}

/** The same for `Bot.open`; gives what is the client's of it, and what is the bot's. */
export function checkOpening(options: ClientOptions & BotOptions): {
  readonly ofClient: ClientOptions;
  readonly ofBot: BotOptions;
} {
  checkOptions('Bot.open', options, openRules);
  const { cursor, acceptStrangers, groups, chatsAtOnce, tries, timers, ...ofClient } = options;
  checkClientOptions(ofClient, 'Bot.open');
  const { platform } = ofClient;
  const ofBot = { cursor, acceptStrangers, groups, chatsAtOnce, tries, timers: timers ?? platform?.timers };
  return { ofClient, ofBot: Object.fromEntries(Object.entries(ofBot).filter(([, value]) => value !== undefined)) };
}

/** Handlers are functions, and there is one. */
export function checkHandlers(call: string, handlers: readonly unknown[]): void {
  const isRight = handlers.length > 0 && handlers.every((handler) => typeof handler === 'function');
  demand(isRight, `${call} takes a handler at the end: a function of the message's context`);
}

/** A filter is one that there is. */
export function checkFilter(filter: unknown): void {
  if (typeof filter === 'string' && Object.hasOwn(filters, filter)) return;
  demand(false, `there is no such filter: take one of ${Object.keys(filters).join(', ')}`);
}

/** A command has a name that can be typed. */
export function checkCommand(name: unknown): void {
  const isName = typeof name === 'string' && readCommand(`/${name}`)?.command === name.toLowerCase();
  demand(isName, 'a command has 1 to 32 letters, digits and underscores, and no slash');
}

/** A pattern is a text or an expression. */
export function checkPattern(pattern: unknown): void {
  demand(typeof pattern === 'string' || pattern instanceof RegExp, 'hears takes a string or a RegExp, then a handler');
}
