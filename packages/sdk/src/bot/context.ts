import type { Chat } from '../chats/chat.ts';
import type { GroupChat } from '../chats/group-chat.ts';
import type { Message } from '../messages/message.ts';

/** A message with a text. */
export type TextMessage = Message & { readonly kind: 'text' };

/** A message that came, and what can be done about it. */
export class MessageContext {
  readonly message: Message;
  /** Where it was said: with one person (`chat.type` is `person`), or in a group. */
  readonly chat: Chat | GroupChat;
  /** What was said to the bot: the text of the message, in groups without the bot's name in front. */
  readonly text: string;
  /** How many replies there were while this message was handled. */
  // Not a #field: `withFields` makes views by inheritance.
  private readonly replies: { count: number };

  constructor(message: Message, chat: Chat | GroupChat, text = message.text) {
    this.message = message;
    this.chat = chat;
    this.text = text;
    this.replies = { count: 0 };
  }

  /**
   * Answers into the chat of the message, in groups for all to see. The n-th reply to a message is sent once, however often the message is handled: after a crash or an error the one that was stored first stands.
   * @throws {SottoError} as `chat.send`
   */
  reply(text: string): Promise<Message> {
    this.replies.count += 1;
    return this.chat.send(text, { key: `bot:${this.message.id}:${this.replies.count}` });
  }

  /** Shows the other side that the bot types, until it replies, for at most ten seconds. In groups it shows nothing. */
  typing(): void {
    if (this.chat.type === 'person') this.chat.setTyping(true);
  }
}

/** In `on('message:text')`. */
export type TextContext = MessageContext & { readonly message: TextMessage };

/** In `on('message:unknown')`: a kind of message that a later version will show. */
export type UnknownContext = MessageContext & { readonly message: Message & { readonly kind: 'unknown' } };

/** In `command`. */
export type CommandContext = TextContext & {
  /** In lower case, without the slash. */
  readonly command: string;
  /** The words after it. */
  readonly args: readonly string[];
};

/** In `hears`. */
export type HearsContext<Pattern extends string | RegExp> = TextContext & {
  /** The whole text, or what the expression found. */
  readonly match: Pattern extends RegExp ? RegExpExecArray : string;
};

/** What `on` can ask for, and the context that its handlers get. */
export interface FilterContexts {
  readonly message: MessageContext;
  readonly 'message:text': TextContext;
  readonly 'message:unknown': UnknownContext;
}

/** Whether a message is what a filter asks for. */
export function passes<Filter extends keyof FilterContexts>(
  ctx: MessageContext,
  filter: Filter,
): ctx is FilterContexts[Filter] {
  return filter === 'message' || filter === `message:${ctx.message.kind}`;
}

/** A view of a context with more fields; replies are counted in the one below. */
export function withFields<Ctx extends MessageContext, Fields extends object>(ctx: Ctx, fields: Fields): Ctx & Fields {
  return Object.assign<Ctx, Fields>(Object.create(ctx), fields);
}

const commandForm = /^\/([a-z0-9_]{1,32})(?:\s+([\s\S]*))?$/i;

/** Reads a command: a slash, a name, and words after it; undefined when the text is none. */
export function readCommand(text: string): Pick<CommandContext, 'command' | 'args'> | undefined {
  const [, name, rest = ''] = commandForm.exec(text.trim()) ?? [];
  if (name === undefined) return undefined;
  return { command: name.toLowerCase(), args: rest.split(/\s+/).filter((word) => word !== '') };
}
