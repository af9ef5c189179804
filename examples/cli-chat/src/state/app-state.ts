import type { ChatId, ConnectionState, Message, MessageId, UserId } from '@sotto/sdk';
import { type Editor, emptyEditor } from './editor.ts';

/** A line of the chat list. */
export interface ListedChat {
  readonly chatId: ChatId;
  /** Undefined for a group. */
  readonly userId: UserId | undefined;
  /** Clean, from the person's profile, empty until it is known; or the title of the group. */
  readonly name: string;
  /** E.164; empty when only the id is known, and for groups. */
  readonly number: string;
  readonly lastMessage: Message | undefined;
  readonly unread: number;
  readonly accepted: boolean;
}

/** The conversation that is open. */
export interface OpenChat {
  readonly chatId: ChatId;
  /** Oldest first; what was loaded of the history. */
  readonly messages: readonly Message[];
  /** Nothing older is in the store. */
  readonly complete: boolean;
  readonly loading: boolean;
  /** The key of the row at the top of the window; undefined when it follows the end. */
  readonly top: string | undefined;
  /** The first message that was unread when the chat was opened. */
  readonly firstUnread: MessageId | undefined;
  readonly draft: Editor;
  readonly key: KeyState | undefined;
}

/** What an account is made from. */
export type DetailField = 'phone' | 'name' | 'key';

/** Making an account, step by step. */
export interface Registering {
  readonly step: 'details' | 'sending' | 'code' | 'pin' | 'checking';
  readonly field: DetailField;
  /** Somebody has a recovery key: the account that it belongs to goes on. */
  readonly recovers: boolean;
  readonly phone: Editor;
  readonly name: Editor;
  readonly key: Editor;
  readonly code: Editor;
  /** Of a number that is locked. */
  readonly pin: Editor;
  /** At the code, or at the PIN. */
  readonly attemptsLeft: number | undefined;
}

/** What both compare to be sure that nobody is in between. */
export interface Safety {
  /** Groups of five digits with spaces. */
  readonly digits: string;
  /** The same for the camera of the other device. */
  readonly qr: Uint8Array;
  readonly verified: boolean;
}

/** How it stands with the key of the person in the open chat. */
export interface KeyState {
  readonly verified: boolean;
  /** A new key was seen that is not accepted yet. */
  readonly changed: boolean;
  /** Nothing is sent before it is accepted. */
  readonly blocked: boolean;
}

/** What a command has said. */
export interface Output {
  readonly title: string;
  readonly lines: readonly string[];
  /** For the camera of another device. */
  readonly qr: Uint8Array | undefined;
  /** It is a question, whether this device is to join an account: y or n. */
  readonly asks?: boolean;
}

/** Which screen is shown. The open chat and its draft stay while another one is. */
export type View =
  | { readonly type: 'starting' }
  | { readonly type: 'register'; readonly registering: Registering }
  | { readonly type: 'recovery-key'; readonly key: string }
  | { readonly type: 'list' }
  | { readonly type: 'new-chat'; readonly phone: Editor; readonly busy: boolean }
  | { readonly type: 'chat' }
  /** What is typed behind a colon, and then what it says. */
  | { readonly type: 'command'; readonly line: Editor; readonly busy: boolean; readonly back: 'list' | 'chat' }
  | { readonly type: 'output'; readonly output: Output; readonly back: View }
  /** Without a number while it is made. */
  | { readonly type: 'safety'; readonly safety: Safety | undefined }
  | { readonly type: 'help'; readonly back: View };

/** A line at the bottom, until the next key. */
export interface Notice {
  readonly text: string;
  readonly tone: 'dim' | 'good' | 'warn' | 'bad';
}

/** Columns and rows of the terminal. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** All that the screen is made from. */
export interface AppState {
  readonly size: Size;
  /** Milliseconds since the Unix epoch: for `Today`, and for clock times. */
  readonly now: number;
  readonly view: View;
  readonly account: { readonly name: string; readonly number: string } | undefined;
  readonly connection: ConnectionState;
  /** Latest activity first. */
  readonly chats: readonly ListedChat[];
  readonly selected: ChatId | undefined;
  readonly open: OpenChat | undefined;
  /** Drafts of the chats that are not open. */
  readonly drafts: Readonly<Record<string, string>>;
  /** Names of members of groups, clean, by their user id. */
  readonly names: Readonly<Record<string, string>>;
  /** Where somebody types now. */
  readonly typing: readonly ChatId[];
  readonly notice: Notice | undefined;
}

/** The state before anything is known. */
export function initialState(size: Size, now: number): AppState {
  return {
    size,
    now,
    view: { type: 'starting' },
    account: undefined,
    connection: 'stopped',
    chats: [],
    selected: undefined,
    open: undefined,
    drafts: {},
    names: {},
    typing: [],
    notice: undefined,
  };
}

/** The first step of making an account. */
export function registeringWith(phone: Editor, name: Editor, recovers: boolean): Registering {
  const field = phone.text === '' ? 'phone' : recovers ? 'key' : 'name';
  const empty = { key: emptyEditor, code: emptyEditor, pin: emptyEditor };
  return { step: 'details', field, recovers, phone, name, ...empty, attemptsLeft: undefined };
}

/** What is asked for at the first step, in order. */
export function detailFields({ recovers }: Registering): readonly DetailField[] {
  return recovers ? ['phone', 'name', 'key'] : ['phone', 'name'];
}

/** What is being written now; nothing while the relay is asked. */
export function activeField({ step, field }: Registering): DetailField | 'code' | 'pin' | undefined {
  if (step === 'details') return field;
  return step === 'code' || step === 'pin' ? step : undefined;
}

/** The line of a chat in the list. */
export function listed(state: AppState, chatId: ChatId | undefined): ListedChat | undefined {
  return state.chats.find((chat) => chat.chatId === chatId);
}

/** What to call somebody: the name, or the number while there is none. */
export function calledName(chat: ListedChat | undefined): string {
  return chat?.name || chat?.number || 'somebody';
}
