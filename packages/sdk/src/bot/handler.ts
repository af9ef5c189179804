import type { MessageContext } from './context.ts';

/** Lets the handlers after this one have the message; resolves when they are done. */
export type Next = () => Promise<void>;

/** What a bot does with a message. It may be called again for the same message, after an error or a crash; `ctx.reply` answers once all the same. What it returns is waited for. */
export type Handler<Ctx extends MessageContext = MessageContext> = (ctx: Ctx, next: Next) => unknown;

/** What a bot does when the handlers of a message have failed for good; after it the message is passed over. */
export type ErrorHandler = (error: unknown, ctx: MessageContext) => unknown;

/** A handler with its condition: a message that is not for it goes on to the next. */
export type Route = (ctx: MessageContext, next: Next) => Promise<void>;

/** Runs routes in their order, each with the rest of them as its `next`. */
export async function runRoutes(routes: readonly Route[], ctx: MessageContext): Promise<void> {
  const from = (at: number): Next => {
    let called = false;
    return async () => {
      if (called) throw new RangeError('a handler called next() twice: call it once, and await it');
      called = true;
      await routes[at]?.(ctx, from(at + 1));
    };
  };
  await from(0)();
}
