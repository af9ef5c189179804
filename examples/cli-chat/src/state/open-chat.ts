import type { ChatId, Message, MessageId } from '@sotto/sdk';
import { type AppState, listed, type OpenChat } from './app-state.ts';
import { editorOf } from './editor.ts';
import { type Effect, type Step, step } from './input.ts';

/** Opens a chat; its history is asked for. */
export function opened(state: AppState, chatId: ChatId): Step<AppState> {
  if (state.open?.chatId === chatId) return watched({ ...state, view: { type: 'chat' }, selected: chatId });
  const left = leftOpen(state);
  const open: OpenChat = {
    chatId,
    messages: [],
    complete: false,
    loading: true,
    top: undefined,
    firstUnread: undefined,
    draft: editorOf(left.drafts[chatId] ?? ''),
    key: undefined,
  };
  return step(
    { ...left, view: { type: 'chat' }, selected: chatId, open },
    { type: 'load-history', chatId, before: undefined },
    { type: 'look-at-key', chatId },
  );
}

/** Closes the chat that is open; its draft stays. */
export function leftOpen(state: AppState): AppState {
  const { open } = state;
  if (open === undefined) return state;
  return { ...state, open: undefined, drafts: withDraft(state.drafts, open.chatId, open.draft.text) };
}

/** Drafts with one changed; an empty one falls out. */
export function withDraft(drafts: AppState['drafts'], chatId: ChatId, text: string): AppState['drafts'] {
  const { [chatId]: _, ...others } = drafts;
  return text === '' ? others : { ...others, [chatId]: text };
}

/** The chat with a page of its history put before what is there, or a first page. */
export function withHistory(
  open: OpenChat,
  page: { readonly messages: readonly Message[]; readonly complete: boolean; readonly unread: number },
): OpenChat {
  const known = new Set(open.messages.map(({ id }) => id));
  const messages = [...page.messages.filter(({ id }) => !known.has(id)), ...open.messages];
  const firstUnread = open.firstUnread ?? (page.unread > 0 ? firstUnreadOf(messages) : undefined);
  return { ...open, messages, complete: page.complete, loading: false, firstUnread };
}

/** The chat with one message that is new, or got further. A late one goes where the store put it. */
export function withMessage(open: OpenChat, message: Message): OpenChat {
  const at = open.messages.findIndex(({ id }) => id === message.id);
  if (at !== -1) return { ...open, messages: open.messages.with(at, message) };
  // A late one stands before the later ones of its own device.
  const before = message.late
    ? open.messages.findIndex(
        (other) =>
          other.senderId === message.senderId && other.senderDevice === message.senderDevice && other.seq > message.seq,
      )
    : -1;
  const messages = before === -1 ? [...open.messages, message] : open.messages.toSpliced(before, 0, message);
  return { ...open, messages };
}

/**
 * Asks for what is seen to be marked as read: everything, once the end of the chat is on the screen.
 *
 * Not in a stranger's chat: their messages stay unread until this user writes or accepts, since what is marked before gets no receipt then either.
 */
export function watched(state: AppState): Step<AppState> {
  const { open, view } = state;
  if (open === undefined || view.type !== 'chat' || open.top !== undefined) return step(state);
  const latest = open.messages.findLast((message) => message.state === 'received');
  if (latest === undefined || listed(state, open.chatId)?.accepted !== true) return step(state);
  const effects: Effect[] = [{ type: 'mark-read', message: latest }];
  // As the store will have them: the same mark is not asked for twice.
  const messages = open.messages.map(
    (message): Message => (message.state === 'received' ? { ...message, state: 'seen' } : message),
  );
  return { state: { ...state, open: { ...open, messages } }, effects };
}

function firstUnreadOf(messages: readonly Message[]): MessageId | undefined {
  return messages.find(({ state }) => state === 'received')?.id;
}
