import { type AppState, listed } from './app-state.ts';
import { commandAsked } from './command-keys.ts';
import { editByKey } from './edit-keys.ts';
import { type Editor, emptyEditor } from './editor.ts';
import { type Step, step } from './input.ts';
import { chord, type Key } from './key.ts';
import { opened } from './open-chat.ts';

const page = 10;

/** Keys on the list of chats. */
export function listByKey(state: AppState, key: Key): Step<AppState> {
  switch (chord(key)) {
    case 'up':
      return step(moved(state, -1));
    case 'down':
    case 'tab':
      return step(moved(state, 1));
    case 'pageup':
      return step(moved(state, -page));
    case 'pagedown':
      return step(moved(state, page));
    case 'home':
      return step(moved(state, -state.chats.length));
    case 'end':
      return step(moved(state, state.chats.length));
    case 'return':
    case 'right': {
      const chat = listed(state, state.selected) ?? state.chats[0];
      return chat === undefined ? step(state) : opened(state, chat.chatId);
    }
    case 'n':
      return step({ ...state, view: { type: 'new-chat', phone: emptyEditor, busy: false } });
    case 'k':
      return step(state, { type: 'show-recovery-key' });
    case 'r':
      return step(state, { type: 'reconnect' });
    case 'q':
      return step(state, { type: 'quit' });
    default:
      if (key.text === ':') return commandAsked(state, 'list');
      return step(key.text === '?' ? { ...state, view: { type: 'help', back: state.view } } : state);
  }
}

/** Keys while a number is asked for. */
export function newChatByKey(state: AppState, phone: Editor, busy: boolean, key: Key): Step<AppState> {
  if (key.name === 'escape') return step({ ...state, view: { type: 'list' } });
  if (busy) return step(state);
  if (chord(key) === 'return') {
    const number = phone.text.trim();
    if (number === '') return step(state);
    return step({ ...state, view: { type: 'new-chat', phone, busy: true } }, { type: 'find-chat', phone: number });
  }
  const edited = editByKey(phone, key);
  return step(edited === undefined ? state : { ...state, view: { type: 'new-chat', phone: edited, busy } });
}

function moved(state: AppState, by: number): AppState {
  const at = Math.max(
    0,
    state.chats.findIndex(({ chatId }) => chatId === state.selected),
  );
  const next = state.chats[Math.max(0, Math.min(state.chats.length - 1, at + by))];
  return { ...state, selected: next?.chatId };
}
