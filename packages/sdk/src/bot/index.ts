export { Bot, type BotOptions } from './bot.ts';
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
