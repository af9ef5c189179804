import { defaultPlatform } from '#platform';
import { sessionEnded, sessionEndOf } from '../accounts/standing.ts';
import { Client } from '../client/client.ts';
import type { ClientOptions } from '../client/client-options.ts';
import type { SottoEvent } from '../events/event.ts';
import type { EventConsumer } from '../events/event-consumer.ts';
import type { Message } from '../messages/message.ts';
import { checkOptions, signalOnly } from '../option-rules.ts';
import type { CancelTimer } from '../ports/timers.ts';
import { SottoError } from '../sotto-error.ts';
import { hearFor } from './addressing.ts';
import type { BotOptions } from './bot-options.ts';
import { ChatLanes } from './chat-lanes.ts';
import { checkBotOptions, checkCommand, checkFilter, checkHandlers, checkOpening, checkPattern } from './check-bot.ts';
import {
  type CommandContext,
  type FilterContexts,
  type HearsContext,
  MessageContext,
  passes,
  readCommand,
  type TextContext,
  withFields,
} from './context.ts';
import { type ErrorHandler, type Handler, type Route, runRoutes } from './handler.ts';

/** Messages that are taken in before the first of them is done. */
const mostInHand = 256;
const firstWait = 1_000;
const longestWait = 30_000;

/**
 * Answers messages.
 *
 * Each message that comes to the account, and of groups what is for it, is handled at least once, those of a chat in their order, also when the process was killed meanwhile; `ctx.reply` answers it once. A message whose handlers throw is tried again, and then given to `catch`; without one the bot ends with the error, and that message comes again at the next start.
 */
export class Bot {
  /** The account that it speaks for. */
  readonly client: Client;
  readonly #options: Required<BotOptions>;
  readonly #routes: Route[] = [];
  readonly #ending = new AbortController();
  #onError: ErrorHandler | undefined;
  #ownsClient = false;
  #running: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(client: Client, options: BotOptions = {}) {
    checkBotOptions(options);
    this.client = client;
    // One that is given as undefined is not given.
    this.#options = {
      cursor: options.cursor ?? 'bot',
      acceptStrangers: options.acceptStrangers ?? true,
      groups: options.groups ?? 'addressed',
      chatsAtOnce: options.chatsAtOnce ?? 16,
      tries: options.tries ?? 3,
      timers: options.timers ?? defaultPlatform().timers,
    };
  }

  /**
   * Opens a client for a bot; `stop` closes it, too.
   * @throws {SottoError} `argument-invalid`, and as `Client.open`
   */
  static async open(options: ClientOptions & BotOptions): Promise<Bot> {
    // Before there is a client that nobody would close.
    const { ofClient, ofBot } = checkOpening(options);
    const client = await Client.open(ofClient);
    const bot = new Bot(client, ofBot);
    bot.#ownsClient = true;
    return bot;
  }

  /** Handles every message, before the handlers that are added later; `next` lets those have it. */
  use(...handlers: readonly Handler[]): this {
    checkHandlers('use', handlers);
    this.#routes.push(...handlers.map((handler) => route(handler)));
    return this;
  }

  /** Handles messages of a kind: `message`, `message:text`, `message:unknown`. */
  on<Filter extends keyof FilterContexts>(
    filter: Filter,
    ...handlers: readonly Handler<FilterContexts[Filter]>[]
  ): this {
    checkFilter(filter);
    checkHandlers('on', handlers);
    for (const handler of handlers) {
      this.#routes.push(async (ctx, next) => {
        if (passes(ctx, filter)) await handler(ctx, next);
        else await next();
      });
    }
    return this;
  }

  /** Handles a command: `/name`, and words after it in `ctx.args`. Its case does not matter. Where there are several bots `/name@Bot` is for the one of that user name, written without spaces. */
  command(name: string, ...handlers: readonly Handler<CommandContext>[]): this {
    checkCommand(name);
    checkHandlers('command', handlers);
    return this.#onText((text) => {
      const command = readCommand(text);
      return command?.command === name.toLowerCase() ? command : undefined;
    }, handlers);
  }

  /** Handles texts (`ctx.text`) that are equal to a text, or in which an expression finds something: see `ctx.match`. */
  hears<Pattern extends string | RegExp>(
    pattern: Pattern,
    ...handlers: readonly Handler<HearsContext<Pattern>>[]
  ): this {
    checkPattern(pattern);
    checkHandlers('hears', handlers);
    return this.#onText(finder(pattern), handlers);
  }

  /** What is done about a message whose handlers have thrown as often as they may. After it the message is passed over; when it throws itself, the bot ends. */
  catch(handler: ErrorHandler): this {
    checkHandlers('catch', [handler]);
    this.#onError = handler;
    return this;
  }

  /**
   * Handles messages until `stop`, from where the bot was when it last ended; at its very first start from now on.
   * @throws what a handler threw, when there is no `catch`; the signal's reason; {SottoError} `not-registered`, `session-ended` (now or before it was opened: the number was registered elsewhere, or the account was deleted; `client.endReason` says which), `cursor-invalid`, `cursor-expired`, `client-stopped`
   */
  start(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    checkOptions('start', options, signalOnly);
    this.#running ??= this.#run(options.signal);
    return this.#running;
  }

  /** Takes no more messages, and resolves when those that are being handled are done. Idempotent. */
  async stop(): Promise<void> {
    this.#ending.abort(new SottoError('client-stopped', 'the bot was stopped'));
    // Whoever started it is told how it ended.
    await this.#running?.catch(() => undefined);
    if (this.#ownsClient) await this.client.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Handles texts in which something is found; the handlers get that with their context. */
  #onText<Found extends object>(
    find: (text: string) => Found | undefined,
    handlers: readonly Handler<TextContext & Found>[],
  ): this {
    const routes = handlers.map(
      (handler): Handler<TextContext> =>
        async (ctx, next) => {
          const found = find(ctx.text);
          if (found === undefined) await next();
          else await handler(withFields(ctx, found), next);
        },
    );
    return this.on('message:text', ...routes);
  }

  async #run(given: AbortSignal | undefined): Promise<void> {
    given?.throwIfAborted();
    const { endReason: over } = this.client;
    if (over !== undefined) throw sessionEnded(sessionEndOf(over));
    if (this.client.account === undefined) {
      throw new SottoError('not-registered', 'the bot has no account yet: call bot.client.register first');
    }
    const lanes = new ChatLanes(this.#options.chatsAtOnce);
    const { signal } = this.#ending;
    const end = () => this.#ending.abort(given?.reason);
    given?.addEventListener('abort', end);
    // Nothing comes to a session that is over: whoever runs the bot has to be told.
    const unheard = this.client.on('connection.changed', ({ state, reason }) => {
      if (state !== 'ended') return;
      const message = 'the relay ended the session of this bot: register again, with its recovery key if it has one';
      const endReason = sessionEndOf(reason);
      const error = endReason ? sessionEnded(endReason) : new SottoError('session-ended', message);
      this.#failure ??= { error };
      this.#ending.abort(this.#failure.error);
    });
    try {
      const consumer = await this.client.consume({ cursor: this.#options.cursor, signal });
      try {
        for await (const event of consumer) {
          this.#take(event, consumer, lanes);
          await lanes.atMost(mostInHand - 1);
        }
      } finally {
        await lanes.atMost(0);
        await consumer.return();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      given?.removeEventListener('abort', end);
      unheard();
    }
    if (this.#failure) throw this.#failure.error;
    given?.throwIfAborted();
  }

  #take(event: SottoEvent, consumer: EventConsumer, lanes: ChatLanes): void {
    if (event.type !== 'message.received') {
      consumer.done(event);
      return;
    }
    const { message } = event;
    lanes.add(message.chatId, async () => {
      if (this.#ending.signal.aborted) return;
      try {
        if (await this.#handle(message)) consumer.done(event);
      } catch (error) {
        this.#failure ??= { error };
        this.#ending.abort(error);
      }
    });
  }

  /** Handles one message; false when the bot was stopped before it was done. */
  async #handle(message: Message): Promise<boolean> {
    const { groupId, senderId } = message;
    const chat = groupId === undefined ? await this.client.chats.get(senderId) : await this.client.groups.get(groupId);
    const text = this.#hear(message);
    if (chat === undefined || text === undefined) return true;
    if (this.#options.acceptStrangers) await chat.accept();
    for (let failures = 0; ; ) {
      const ctx = new MessageContext(message, chat, text);
      try {
        await runRoutes(this.#routes, ctx);
        break;
      } catch (error) {
        // Not the message's fault: it comes again at the next start.
        if (error instanceof SottoError && error.code === 'client-stopped') return false;
        failures++;
        if (failures >= this.#options.tries) {
          if (this.#onError === undefined) throw error;
          await this.#onError(error, ctx);
          break;
        }
      }
      if (!(await this.#wait(Math.min(longestWait, firstWait * 2 ** (failures - 1))))) return false;
    }
    await chat.markRead(message);
    return true;
  }

  /** What was said to the bot; undefined when it is not for it. */
  #hear({ groupId, text }: Message): string | undefined {
    const heard = hearFor(this.client.account?.username ?? '', text);
    // Between two there is nobody else whom it could be for.
    if (groupId === undefined) return heard.text === '' ? text : heard.text;
    if (this.#options.groups === 'none') return undefined;
    return heard.isAddressed || this.#options.groups === 'all' ? heard.text : undefined;
  }

  /** Waits, or until the bot is stopped; whether it goes on. */
  async #wait(ms: number): Promise<boolean> {
    const { signal } = this.#ending;
    let cancel: CancelTimer = () => undefined;
    let end: () => void = () => undefined;
    await new Promise<void>((resolve) => {
      end = () => resolve();
      cancel = this.#options.timers.after(ms, end);
      signal.addEventListener('abort', end);
      if (signal.aborted) resolve();
    });
    cancel();
    signal.removeEventListener('abort', end);
    return !signal.aborted;
  }
}

function route(handler: Handler): Route {
  return async (ctx, next) => {
    await handler(ctx, next);
  };
}

type Heard<Pattern extends string | RegExp> = Pick<HearsContext<Pattern>, 'match'>;

function finder<Pattern extends string | RegExp>(pattern: Pattern): (text: string) => Heard<Pattern> | undefined {
  // An expression that remembers where it was would skip every other message.
  const once = typeof pattern === 'string' ? undefined : new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
  return (text) => {
    const match = once ? once.exec(text) : text === pattern ? text : null;
    return match === null ? undefined : { match: match as Heard<Pattern>['match'] };
  };
}
