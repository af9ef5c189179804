import type { ChatId, DeviceId, Message, MessageId, UserId } from '@sotto/sdk';
import { asciiGlyphs, unicodeGlyphs } from '../screen/look.ts';
import { textOf } from '../screen/row.ts';
import { type AppState, initialState, type ListedChat, type Size } from '../state/app-state.ts';
import type { Effect, Input } from '../state/input.ts';
import { update } from '../state/update.ts';
import { chatLayout } from '../views/chat-view.ts';
import { viewOf } from '../views/view.ts';

export const bobsChat = 'chat-bob' as ChatId;
export const bob = 'bob' as UserId;
const alice = 'alice' as UserId;

/** Noon of a day, in whatever zone the machine is. */
export const noon = new Date(2026, 10, 22, 12, 0).getTime();

/** The chat without a terminal and without a client: what happens goes in, rows and wishes come out. */
export class Scene {
  state: AppState;
  /** What was asked for since it was looked at last. */
  private asked: Effect[] = [];

  constructor(size: Size = { columns: 60, rows: 16 }) {
    this.state = initialState(size, noon);
  }

  /** Signed in, with Bob in the list. */
  static withBob(chat: Partial<ListedChat> = {}, size?: Size): Scene {
    const scene = new Scene(size);
    scene.take({ type: 'account.known', name: 'Alice', number: '+14155550101' });
    scene.take({ type: 'connection.changed', state: 'live' });
    scene.take({ type: 'chats.listed', chats: [listedBob(chat)] });
    return scene;
  }

  /** With Bob's chat open, and a history in it. */
  static inChat(messages: readonly Message[], chat: Partial<ListedChat> = {}, size?: Size): Scene {
    const scene = Scene.withBob(chat, size);
    scene.press('return');
    const unread = chat.unread ?? 0;
    scene.take({ type: 'history.loaded', chatId: bobsChat, messages, complete: true, unread });
    return scene;
  }

  take(input: Input): void {
    const { state, effects } = update(this.state, input, (at, open) => chatLayout(at, open, unicodeGlyphs));
    this.state = state;
    this.asked.push(...effects);
  }

  /** Presses keys: `return`, `C-y`, `pageup`. */
  press(...chords: readonly string[]): void {
    for (const chord of chords) {
      const ctrl = chord.startsWith('C-');
      const name = ctrl ? chord.slice(2) : chord;
      this.take({
        type: 'key',
        key: { name, text: name.length === 1 && !ctrl ? name : '', ctrl, meta: false, shift: false },
      });
    }
  }

  type(text: string): void {
    for (const character of text) {
      this.take({ type: 'key', key: { name: undefined, text: character, ctrl: false, meta: false, shift: false } });
    }
  }

  /** The screen, row by row. */
  rows({ ascii = false } = {}): string[] {
    return viewOf(this.state, ascii ? asciiGlyphs : unicodeGlyphs).rows.map((row) => textOf(row).trimEnd());
  }

  /** The screen as one text. */
  screen(options?: { readonly ascii?: boolean }): string {
    return this.rows(options).join('\n');
  }

  /** What was asked for since the last look. */
  effects(): readonly Effect[] {
    const { asked } = this;
    this.asked = [];
    return asked;
  }
}

/** Bob's line in the list. */
export function listedBob(chat: Partial<ListedChat> = {}): ListedChat {
  const known = { chatId: bobsChat, userId: bob, name: 'Bob', number: '+14155550102' };
  return { ...known, lastMessage: undefined, unread: 0, accepted: true, ...chat };
}

/** A message of the open chat, the `seq`th of its sender. */
export function said(
  seq: number,
  text: string,
  { by = 'bob', ...change }: Partial<Message> & { by?: 'alice' | 'bob' } = {},
): Message {
  const outgoing = by === 'alice';
  return {
    id: `${by}-${seq}` as MessageId,
    chatId: bobsChat,
    groupId: undefined,
    senderId: outgoing ? alice : bob,
    senderDevice: 1 as DeviceId,
    outgoing,
    kind: 'text',
    text,
    state: outgoing ? 'sent' : 'seen',
    late: false,
    seq,
    sentAt: noon,
    acceptedAt: noon,
    expiresAt: undefined,
    failure: undefined,
    cursor: `${by}-${seq}`,
    ...change,
  };
}

/** So many messages of Bob. */
export function many(count: number, change: Partial<Message> = {}): Message[] {
  return Array.from({ length: count }, (_, at) => said(at + 1, `line ${at + 1}`, change));
}
