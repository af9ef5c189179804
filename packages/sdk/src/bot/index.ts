export { Bot } from './bot.ts';
export type { BotOptions } from './bot-options.ts';
export type {
  CommandContext,
  FilterContexts,
  HearsContext,
  MessageContext,
  TextContext,
  TextMessage,
  UnknownContext,
} from './context.ts';
export type { ErrorHandler, Handler, Next } from './handler.ts';
