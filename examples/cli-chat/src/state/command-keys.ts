import type { AppState, View } from './app-state.ts';
import { editByKey } from './edit-keys.ts';
import { emptyEditor } from './editor.ts';
import { type Step, step } from './input.ts';
import { chord, type Key } from './key.ts';
import { watched } from './open-chat.ts';

/** Asks for a command, over the list or the chat that is open. */
export function commandAsked(state: AppState, back: 'list' | 'chat'): Step<AppState> {
  return step({ ...state, view: { type: 'command', line: emptyEditor, busy: false, back } });
}

/** Keys while a command is typed. */
export function commandByKey(
  state: AppState,
  view: Extract<View, { readonly type: 'command' }>,
  key: Key,
): Step<AppState> {
  if (key.name === 'escape') return back(state, { type: view.back });
  if (view.busy) return step(state);
  if (chord(key) === 'return') {
    const line = view.line.text.trim();
    if (line === '') return back(state, { type: view.back });
    const chatId = view.back === 'chat' ? state.open?.chatId : undefined;
    return step({ ...state, view: { ...view, busy: true } }, { type: 'command', line, chatId });
  }
  const line = editByKey(view.line, key);
  return step(line === undefined ? state : { ...state, view: { ...view, line } });
}

/** Keys on what a command has said. */
export function outputByKey(
  state: AppState,
  view: Extract<View, { readonly type: 'output' }>,
  key: Key,
): Step<AppState> {
  if (view.output.asks) {
    const answer = chord(key);
    if (answer !== 'y' && answer !== 'n') return step(state);
    return step({ ...state, view: view.back }, { type: 'answer-link', isOwn: answer === 'y' });
  }
  const isEnd = key.name === 'escape' || key.name === 'q' || chord(key) === 'return';
  return isEnd ? back(state, view.back) : step(state);
}

function back(state: AppState, view: View): Step<AppState> {
  return watched({ ...state, view });
}
