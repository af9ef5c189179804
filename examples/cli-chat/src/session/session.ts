import {
  type Chat,
  type ChatId,
  type ChatSummary,
  type Client,
  type ConnectionChange,
  type GroupChat,
  type Message,
  SottoError,
  type SottoEvent,
} from '@sotto/sdk';
import { runCommand } from '../commands/commands.ts';
import type { ListedChat } from '../state/app-state.ts';
import type { Effect, News } from '../state/input.ts';
import { cleanLine } from '../text/clean-text.ts';
import { endText } from '../text/end-text.ts';
import { errorText } from './error-text.ts';
import type { Notebook } from './notebook.ts';
import { Registering } from './registration.ts';

const pageSize = 50;
/** The list shows at most so many chats. */
const mostChats = 300;

/** What the terminal itself has to do. */
type TerminalEffect = Extract<Effect, { readonly type: 'repaint' | 'suspend' | 'quit' }>;
/** What is asked of the client. */
export type ClientEffect = Exclude<Effect, TerminalEffect>;

/** Does what the state asks of the client, and tells what the client tells: all that touches the SDK. */
export class Session {
  private readonly client: Client;
  private readonly notebook: Notebook;
  private readonly tell: (news: News) => void;
  private readonly registering: Registering;
  private readonly chats = new Map<ChatId, Chat | GroupChat>();
  /** The name under which this becomes another device of an account. */
  private readonly linkAs: string | undefined;
  private listing: Promise<void> | undefined;
  private listAgain = false;
  /** Says whether this device is to join the account that was shown. */
  private answerLink: ((isOwn: boolean) => void) | undefined;

  constructor(client: Client, notebook: Notebook, tell: (news: News) => void, linkAs: string | undefined) {
    this.client = client;
    this.linkAs = linkAs;
    this.notebook = notebook;
    this.tell = tell;
    this.registering = new Registering(client, notebook, tell);
  }

  /** Tells where things stand, and begins to listen. Resolves when the client has stopped; rejects when its store failed. */
  async run(): Promise<void> {
    const { notes } = this.notebook;
    this.tell({ type: 'drafts.known', drafts: notes.drafts });
    this.tell({ type: 'connection.changed', state: this.client.connection });
    const { endReason } = this.client;
    if (endReason !== undefined && this.linkAs === undefined) this.tellEnd(endReason, 'starting');
    // Before the first look at the store, so that nothing falls between the two.
    const listening = this.listen();
    if (this.client.account === undefined && this.linkAs !== undefined) {
      await this.link(this.linkAs);
      await this.begin();
    } else if (this.client.account === undefined) {
      const { phone, name, recovers = false } = notes.registering ?? { phone: '', name: '' };
      this.tell({ type: 'registration.needed', phone, name, recovers });
    } else {
      await this.begin();
    }
    await listening;
  }

  /** Does one thing; a failure is told at the bottom of the screen. */
  async do(effect: ClientEffect): Promise<void> {
    try {
      await this.perform(effect);
    } catch (error) {
      if (error instanceof SottoError && error.code === 'client-stopped') return;
      this.tell({ type: 'noticed', notice: { text: errorText(error), tone: 'bad' } });
    }
  }

  private async perform(effect: ClientEffect): Promise<void> {
    switch (effect.type) {
      case 'register':
        if (await this.registering.register(effect.phone, effect.name, effect.recoveryKey)) await this.begin();
        break;
      case 'resend-code':
        if (await this.registering.resendCode()) await this.begin();
        break;
      case 'give-code':
        this.registering.code(effect.code);
        break;
      case 'answer-link':
        this.answerLink?.(effect.isOwn);
        break;
      case 'give-pin':
        this.registering.pin(effect.pin);
        break;
      case 'recovery-key.seen':
        this.notebook.write({ recoveryKeySeen: true });
        break;
      case 'show-recovery-key':
        this.tell({ type: 'recovery-key.made', key: this.client.recoveryKey() });
        break;
      case 'find-chat':
        await this.findChat(effect.phone);
        break;
      case 'load-history':
        await this.loadHistory(effect.chatId, effect.before);
        break;
      case 'send':
        await this.send(effect.chatId, effect.text);
        break;
      case 'mark-read':
        await (await this.chat(effect.message.chatId)).markRead(effect.message);
        break;
      case 'accept-chat':
        await (await this.chat(effect.chatId)).accept();
        await this.list();
        break;
      case 'command':
        await this.command(effect.line, effect.chatId);
        break;
      case 'look-at-key':
        await this.lookAtKey(effect.chatId);
        break;
      case 'accept-key':
        await (await this.person(effect.chatId))?.acceptIdentity();
        await this.lookAtKey(effect.chatId);
        break;
      case 'show-safety':
        await this.showSafety(effect.chatId);
        break;
      case 'set-verified':
        await (await this.person(effect.chatId))?.setVerified(effect.verified);
        await this.showSafety(effect.chatId);
        await this.lookAtKey(effect.chatId);
        break;
      case 'keep-draft':
        this.keepDraft(effect.chatId, effect.text);
        break;
      case 'tell-typing':
        (await this.person(effect.chatId))?.setTyping(effect.typing);
        break;
      case 'reconnect':
        this.client.reconnect();
        break;
    }
  }

  /** There is an account: who it is, its recovery key until that is kept, its chats. */
  private async begin(): Promise<void> {
    const { account } = this.client;
    if (account === undefined) return;
    await this.list();
    this.tell({ type: 'account.known', name: cleanLine(account.username), number: account.number });
    if (!this.notebook.notes.recoveryKeySeen) {
      this.tell({ type: 'recovery-key.made', key: this.client.recoveryKey() });
    }
  }

  private async listen(): Promise<void> {
    for await (const event of this.client.events()) await this.hear(event);
  }

  private async hear(event: SottoEvent): Promise<void> {
    switch (event.type) {
      case 'message.received':
      case 'message.sent':
      case 'message.delivered':
      case 'message.read':
      case 'message.expired':
      case 'message.failed':
        this.tell({ type: 'message.known', message: event.message });
        await this.list();
        break;
      case 'chat.created':
      case 'chat.read':
      case 'chat.changed':
      case 'chat.removed':
      case 'group.changed':
      case 'profile.changed':
        await this.list();
        break;
      case 'device.linked':
      case 'device.removed': {
        const what = event.type === 'device.linked' ? 'was let in' : 'was taken out';
        const text = `Your device ${cleanLine(event.name)} ${what}.`;
        this.tell({ type: 'noticed', notice: { text, tone: 'warn' } });
        break;
      }
      case 'typing.changed':
        this.tell({ type: 'typing.changed', chatId: event.chatId, typing: event.typing });
        break;
      case 'connection.changed':
        this.tell({ type: 'connection.changed', state: event.state });
        if (event.state === 'ended') this.tellEnd(event.reason);
        break;
      case 'envelope.held':
        this.tell({
          type: 'noticed',
          notice: { text: 'Something came that cannot be opened yet; it is kept and tried again.', tone: 'warn' },
        });
        break;
      case 'device-list.forked':
        this.tell({
          type: 'noticed',
          notice: {
            text: 'The relay shows other devices of somebody than they have: nothing is sent to them.',
            tone: 'bad',
          },
        });
        break;
      case 'identity.changed':
        for (const [chatId, chat] of this.chats) {
          if (chat.type === 'person' && chat.userId === event.userId) await this.lookAtKey(chatId);
        }
        break;
    }
  }

  private tellEnd(reason: ConnectionChange['reason'], when?: 'starting'): void {
    this.tell({ type: 'noticed', notice: { text: endText(reason, when), tone: 'bad' } });
  }

  private async lookAtKey(chatId: ChatId): Promise<void> {
    const identity = await (await this.person(chatId))?.identity();
    if (identity === undefined) return;
    const { verified, changed, blocked } = identity;
    this.tell({ type: 'key.known', chatId, key: { verified, changed, blocked } });
  }

  private async showSafety(chatId: ChatId): Promise<void> {
    const safety = await (await this.person(chatId))?.safetyNumber();
    if (safety) this.tell({ type: 'safety.known', chatId, safety });
  }

  private async findChat(phone: string): Promise<void> {
    try {
      const chat = await this.client.chats.with(phone);
      await this.list();
      this.chats.set(chat.id, chat);
      this.tell({ type: 'chat.found', chatId: chat.id, userId: chat.userId });
    } catch (error) {
      this.tell({ type: 'chat.not-found', notice: { text: errorText(error), tone: 'bad' } });
    }
  }

  private async loadHistory(chatId: ChatId, before: string | undefined): Promise<void> {
    const chat = await this.chat(chatId);
    const unread = before === undefined ? await this.unreadIn(chatId) : 0;
    // All that is unread, so that the mark stands at its begin.
    const limit = Math.min(500, Math.max(pageSize, unread + 10));
    const { messages } = await chat.history({ ...(before !== undefined && { before }), limit });
    if (chat.type === 'group') this.tell({ type: 'names.known', names: await this.authors(messages) });
    this.tell({ type: 'history.loaded', chatId, messages, complete: messages.length < limit, unread });
  }

  private async send(chatId: ChatId, text: string): Promise<void> {
    try {
      const message = await (await this.chat(chatId)).send(text);
      this.tell({ type: 'message.known', message });
      await this.list();
    } catch (error) {
      this.tell({ type: 'send.refused', chatId, text, notice: { text: errorText(error), tone: 'bad' } });
    }
  }

  private keepDraft(chatId: ChatId, text: string): void {
    const { [chatId]: _, ...others } = this.notebook.notes.drafts;
    this.notebook.write({ drafts: text === '' ? others : { ...others, [chatId]: text } });
  }

  private async chat(chatId: ChatId): Promise<Chat | GroupChat> {
    const chat = this.chats.get(chatId);
    if (chat === undefined) throw new Error('This chat is not in the store any more.');
    return chat;
  }

  /** The chat with one person; undefined for a group, which has neither key nor safety number. */
  private async person(chatId: ChatId): Promise<Chat | undefined> {
    const chat = await this.chat(chatId);
    return chat.type === 'person' ? chat : undefined;
  }

  private async command(line: string, chatId: ChatId | undefined): Promise<void> {
    try {
      const chat = chatId === undefined ? undefined : await this.chat(chatId);
      const { title, lines, qr, open } = await runCommand({ client: this.client, chat }, line);
      await this.list();
      const output = { title, lines, qr: qr === undefined ? undefined : new TextEncoder().encode(qr) };
      this.tell({ type: 'command.done', output, open: open?.id });
    } catch (error) {
      if (error instanceof SottoError && error.code === 'client-stopped') throw error;
      this.tell({ type: 'command.refused', notice: { text: errorText(error), tone: 'bad' } });
    }
  }

  /** Becomes another device of an account: shows the code that its first device is to be given. */
  private async link(name: string): Promise<void> {
    await this.client.linkDevice({
      name,
      onCode: (code) => {
        const lines = [
          'Within two minutes, scan this with your first device, or say this there, behind a colon:',
          `link ${code}`,
        ];
        const output = { title: 'Another device', lines, qr: new TextEncoder().encode(code) };
        this.tell({ type: 'command.done', output, open: undefined });
      },
      confirm: ({ number, username }) => {
        const lines = [
          `Your device would be one of ${number} (${cleanLine(username)}).`,
          'Is that your account? Else it is one of somebody who has seen your code.',
        ];
        const output = { title: 'Another device', lines, qr: undefined, asks: true };
        this.tell({ type: 'command.done', output, open: undefined });
        return new Promise((resolve) => {
          this.answerLink = resolve;
        });
      },
    });
    // The first device has it.
    this.notebook.write({ recoveryKeySeen: true });
  }

  private async unreadIn(chatId: ChatId): Promise<number> {
    return (await this.client.chats.summary(chatId))?.unread ?? 0;
  }

  /** Tells the list; asked for again while it is read, it is read once more after that. */
  private list(): Promise<void> {
    if (this.listing !== undefined) {
      this.listAgain = true;
      return this.listing;
    }
    this.listing = (async () => {
      try {
        do {
          this.listAgain = false;
          const summaries = await this.summaries();
          for (const { chat } of summaries) this.chats.set(chat.id, chat);
          const chats = summaries.map(listedOf);
          this.tell({ type: 'chats.listed', chats });
          this.tell({ type: 'names.known', names: await this.names() });
        } while (this.listAgain);
      } finally {
        this.listing = undefined;
      }
    })();
    return this.listing;
  }

  private async summaries(): Promise<ChatSummary[]> {
    const found: ChatSummary[] = [];
    let after: number | undefined;
    do {
      const page = await this.client.chats.list(after === undefined ? {} : { after });
      found.push(...page.chats);
      after = page.next;
    } while (after !== undefined && found.length < mostChats);
    return found;
  }

  /** What the authors of these are called, who may have left the group since. */
  private async authors(messages: readonly Message[]): Promise<Record<string, string>> {
    const names: Record<string, string> = {};
    for (const userId of new Set(messages.map(({ senderId }) => senderId))) {
      const name = cleanLine((await this.client.people.get(userId))?.username ?? '');
      if (name !== '') names[userId] = name;
    }
    return names;
  }

  /** What members of groups are called. */
  private async names(): Promise<Record<string, string>> {
    const names: Record<string, string> = {};
    for (const chat of this.chats.values()) {
      if (chat.type !== 'group') continue;
      for (const { userId, username } of (await chat.info()).members) names[userId] = cleanLine(username);
    }
    return names;
  }
}

function listedOf({ chat, title, username, number, lastMessage, unread, accepted }: ChatSummary): ListedChat {
  const userId = chat.type === 'person' ? chat.userId : undefined;
  return { chatId: chat.id, userId, name: cleanLine(title || username), number, lastMessage, unread, accepted };
}
