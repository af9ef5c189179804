import { type AppState, listed, type OpenChat, type Safety } from './app-state.ts';
import { commandAsked } from './command-keys.ts';
import { editByKey } from './edit-keys.ts';
import { type Editor, emptyEditor, insert } from './editor.ts';
import { type Step, step } from './input.ts';
import { chord, type Key } from './key.ts';
import { leftOpen, watched } from './open-chat.ts';
import { isAtStart, type LayOut, scrolled } from './scroll.ts';

/** Keys in a conversation. */
export function chatByKey(state: AppState, open: OpenChat, key: Key, layOut: LayOut): Step<AppState> {
  const { height } = layOut(state, open);
  switch (chord(key)) {
    case 'escape':
      return step(
        { ...leftOpen(state), view: { type: 'list' } },
        { type: 'tell-typing', chatId: open.chatId, typing: false },
      );
    case 'return':
      return send(state, open);
    case 'M-return':
    case 'enter':
      return drafted(state, open, insert(open.draft, '\n'));
    case 'pageup':
      return scroll(state, open, 1 - height, layOut);
    case 'pagedown':
      return scroll(state, open, height - 1, layOut);
    case 'up':
      return open.draft.text.includes('\n')
        ? drafted(state, open, lineUp(open.draft))
        : scroll(state, open, -1, layOut);
    case 'down':
      return open.draft.text.includes('\n')
        ? drafted(state, open, lineDown(open.draft))
        : scroll(state, open, 1, layOut);
    case 'C-p':
      return commandAsked(state, 'chat');
    case 'C-g':
      // A group has no key of its own, but members.
      if (isGroup(state, open)) return step(state, { type: 'command', line: 'info', chatId: open.chatId });
      return step(
        { ...state, view: { type: 'safety', safety: undefined } },
        { type: 'show-safety', chatId: open.chatId },
      );
    case 'C-y':
      return accept(state, open);
    case 'f1':
      return step({ ...state, view: { type: 'help', back: state.view } });
    default: {
      const draft = editByKey(open.draft, key);
      return draft === undefined ? step(state) : drafted(state, open, draft);
    }
  }
}

function isGroup(state: AppState, open: OpenChat): boolean {
  const chat = listed(state, open.chatId);
  return chat !== undefined && chat.userId === undefined;
}

/** Changes the text under way; it is kept over a restart. */
export function drafted(state: AppState, open: OpenChat, draft: Editor): Step<AppState> {
  const next = { ...state, open: { ...open, draft } };
  if (draft.text === open.draft.text) return step(next);
  const { chatId } = open;
  return step(
    next,
    { type: 'keep-draft', chatId, text: draft.text },
    { type: 'tell-typing', chatId, typing: draft.text !== '' },
  );
}

/** Keys on the safety number. */
export function safetyByKey(state: AppState, open: OpenChat, safety: Safety | undefined, key: Key): Step<AppState> {
  if (key.name === 'escape') return watched({ ...state, view: { type: 'chat' } });
  if (chord(key) === 'C-y') return open.key?.changed ? accept(state, open) : step(state);
  if (chord(key) !== 'v' || safety === undefined || open.key?.changed) return step(state);
  return step(state, { type: 'set-verified', chatId: open.chatId, verified: !safety.verified });
}

function send(state: AppState, open: OpenChat): Step<AppState> {
  const { chatId } = open;
  const text = open.draft.text.replace(/\s+$/, '');
  if (text === '') return step(state);
  return step(
    { ...state, open: { ...open, draft: emptyEditor, top: undefined, firstUnread: undefined } },
    { type: 'send', chatId, text },
    { type: 'keep-draft', chatId, text: '' },
  );
}

function accept(state: AppState, open: OpenChat): Step<AppState> {
  if (open.key?.changed) return step(state, { type: 'accept-key', chatId: open.chatId });
  if (listed(state, open.chatId)?.accepted !== false) return step(state);
  return step(state, { type: 'accept-chat', chatId: open.chatId });
}

function scroll(state: AppState, open: OpenChat, by: number, layOut: LayOut): Step<AppState> {
  const layout = layOut(state, open);
  const top = scrolled(layout, open.top, by);
  const older = by < 0 && isAtStart(layout, top) && !open.complete && !open.loading;
  const next = watched({ ...state, open: { ...open, top, loading: open.loading || older } });
  if (!older) return next;
  const before = open.messages[0]?.cursor;
  return { ...next, effects: [...next.effects, { type: 'load-history', chatId: open.chatId, before }] };
}

function lineUp(editor: Editor): Editor {
  const { text, cursor } = editor;
  const begin = text.lastIndexOf('\n', cursor - 1) + 1;
  if (begin === 0 || cursor === 0) return { text, cursor: 0 };
  const above = text.slice(0, begin - 1).lastIndexOf('\n') + 1;
  return { text, cursor: Math.min(above + cursor - begin, begin - 1) };
}

function lineDown(editor: Editor): Editor {
  const { text, cursor } = editor;
  const begin = text.slice(0, cursor).lastIndexOf('\n') + 1;
  const next = text.indexOf('\n', cursor) + 1;
  if (next === 0) return { text, cursor: text.length };
  const after = text.indexOf('\n', next);
  return { text, cursor: Math.min(next + cursor - begin, after === -1 ? text.length : after) };
}
