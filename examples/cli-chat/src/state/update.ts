import type { AppState, Notice, Registering } from './app-state.ts';
import { activeField, registeringWith } from './app-state.ts';
import { chatByKey, drafted, safetyByKey } from './chat-keys.ts';
import { commandByKey, outputByKey } from './command-keys.ts';
import { editorOf, emptyEditor, insert } from './editor.ts';
import { type Input, type News, type Step, step } from './input.ts';
import { chord, type Key } from './key.ts';
import { listByKey, newChatByKey } from './list-keys.ts';
import { opened, watched, withDraft, withHistory, withMessage } from './open-chat.ts';
import { registerByKey } from './register-keys.ts';
import type { LayOut } from './scroll.ts';

/**
 * What becomes of the state when something happens, and what is to be done then: a function of what it is given.
 * @param layOut the history as the screen lays it out, for scrolling
 */
export function update(state: AppState, input: Input, layOut: LayOut): Step<AppState> {
  switch (input.type) {
    case 'key':
      return byKey({ ...state, notice: undefined }, input.key, layOut);
    case 'paste':
      return byPaste({ ...state, notice: undefined }, input.text);
    case 'resize':
      return step({ ...state, size: input.size });
    case 'tick':
      return step(state);
    default:
      return byNews(state, input);
  }
}

function byKey(state: AppState, key: Key, layOut: LayOut): Step<AppState> {
  switch (chord(key)) {
    case 'C-c':
      return step(state, { type: 'quit' });
    case 'C-l':
      return step(state, { type: 'repaint' });
    case 'C-z':
      return step(state, { type: 'suspend' });
  }
  const { view, open } = state;
  switch (view.type) {
    case 'register':
      return registerByKey(state, view.registering, key);
    case 'recovery-key':
      if (chord(key) !== 'return') return step(state);
      return step({ ...state, view: { type: 'list' } }, { type: 'recovery-key.seen' });
    case 'list':
      return listByKey(state, key);
    case 'new-chat':
      return newChatByKey(state, view.phone, view.busy, key);
    case 'command':
      return commandByKey(state, view, key);
    case 'output':
      return outputByKey(state, view, key);
    case 'chat':
      return open === undefined ? step(state) : chatByKey(state, open, key, layOut);
    case 'safety':
      return open === undefined ? step(state) : safetyByKey(state, open, view.safety, key);
    case 'help':
      return step(key.name === 'escape' || key.name === 'q' ? { ...state, view: view.back } : state);
    case 'starting':
      return step(state);
  }
}

function byPaste(state: AppState, text: string): Step<AppState> {
  const { view, open } = state;
  if (view.type === 'chat' && open !== undefined) {
    const next = drafted(state, open, insert(open.draft, text.replace(/\s+$/, '')));
    const lines = text.trimEnd().split(/\r\n?|\n/).length;
    const notice: Notice = { text: `${lines} lines pasted: Enter sends them as one message`, tone: 'dim' };
    return lines > 1 ? { ...next, state: { ...next.state, notice } } : next;
  }
  const line = text.trim();
  if (view.type === 'new-chat' && !view.busy) {
    return step({ ...state, view: { ...view, phone: insert(view.phone, line, { lines: false }) } });
  }
  if (view.type === 'command' && !view.busy) {
    return step({ ...state, view: { ...view, line: insert(view.line, line, { lines: false }) } });
  }
  if (view.type !== 'register') return step(state);
  const { registering } = view;
  const field = activeField(registering);
  if (field === undefined) return step(state);
  const edited = insert(registering[field], line, { lines: false });
  return step({ ...state, view: { type: 'register', registering: { ...registering, [field]: edited } } });
}

function byNews(state: AppState, news: News): Step<AppState> {
  const { view, open } = state;
  switch (news.type) {
    case 'registration.needed': {
      const registering = registeringWith(editorOf(news.phone), editorOf(news.name), news.recovers);
      return step({ ...state, view: { type: 'register', registering } });
    }
    case 'code.wanted':
      return registration(state, { step: 'code', code: emptyEditor, attemptsLeft: news.attemptsLeft });
    case 'pin.wanted':
      return registration(state, { step: 'pin', pin: emptyEditor, attemptsLeft: news.attemptsLeft });
    case 'registration.failed':
      return registration({ ...state, notice: news.notice }, { step: 'details' });
    case 'recovery-key.made':
      return step({ ...state, view: { type: 'recovery-key', key: news.key } });
    case 'account.known': {
      const { name, number } = news;
      // The code of another device has done its work, too.
      const before = view.type === 'output' ? view.back : view;
      const isNew = before.type === 'starting' || before.type === 'register';
      const next = isNew ? ({ type: 'list' } as const) : view;
      return step({ ...state, account: { name, number }, view: next });
    }
    case 'drafts.known':
      return step({ ...state, drafts: news.drafts });
    case 'chats.listed':
      // A chat that was accepted meanwhile may be marked as read now.
      return watched({ ...state, chats: news.chats, selected: state.selected ?? news.chats[0]?.chatId });
    case 'names.known':
      return step({ ...state, names: { ...state.names, ...news.names } });
    case 'command.done':
      return commandDone(state, news);
    case 'command.refused':
      return step({
        ...state,
        notice: news.notice,
        ...(view.type === 'command' && { view: { ...view, busy: false } }),
      });
    case 'chat.found':
      return view.type === 'new-chat' ? opened(state, news.chatId) : step(state);
    case 'chat.not-found':
      return step(view.type === 'new-chat' ? { ...state, view: { ...view, busy: false }, notice: news.notice } : state);
    case 'history.loaded':
      return open?.chatId === news.chatId ? watched({ ...state, open: withHistory(open, news) }) : step(state);
    case 'message.known':
      return open?.chatId === news.message.chatId
        ? watched({ ...state, open: withMessage(open, news.message) })
        : step(state);
    case 'send.refused':
      return refused({ ...state, notice: news.notice }, news);
    case 'key.known': {
      if (open?.chatId !== news.chatId) return step(state);
      const next = { ...state, open: { ...open, key: news.key } };
      // A number that is looked at is that of the new key now.
      const other = view.type === 'safety' && news.key.changed !== open.key?.changed;
      return other ? step(next, { type: 'show-safety', chatId: open.chatId }) : step(next);
    }
    case 'safety.known':
      return step(
        view.type === 'safety' && open?.chatId === news.chatId
          ? { ...state, view: { type: 'safety', safety: news.safety } }
          : state,
      );
    case 'typing.changed': {
      const others = state.typing.filter((chatId) => chatId !== news.chatId);
      return step({ ...state, typing: news.typing ? [...others, news.chatId] : others });
    }
    case 'connection.changed':
      return step({ ...state, connection: news.state });
    case 'noticed':
      return step({ ...state, notice: news.notice });
  }
}

/** What it says is shown over where it was typed, or over the chat that it opens. */
function commandDone(state: AppState, { output, open }: Extract<News, { type: 'command.done' }>): Step<AppState> {
  const { view } = state;
  const back = view.type === 'command' ? ({ type: view.back } as const) : view.type === 'output' ? view.back : view;
  const { state: next, effects } = open === undefined ? step<AppState>({ ...state, view: back }) : opened(state, open);
  return step({ ...next, view: { type: 'output', output, back: next.view } }, ...effects);
}

function registration(state: AppState, change: Partial<Registering>): Step<AppState> {
  if (state.view.type !== 'register') return step(state);
  return step({ ...state, view: { type: 'register', registering: { ...state.view.registering, ...change } } });
}

/** A text that was not taken goes back to where it was written, before what was written since. */
function refused(state: AppState, { chatId, text }: Extract<News, { type: 'send.refused' }>): Step<AppState> {
  const { open } = state;
  if (open?.chatId === chatId) {
    const draft = editorOf(open.draft.text === '' ? text : `${text}\n${open.draft.text}`);
    return drafted(state, open, draft);
  }
  const kept = state.drafts[chatId];
  const whole = kept === undefined ? text : `${text}\n${kept}`;
  return step(
    { ...state, drafts: withDraft(state.drafts, chatId, whole) },
    { type: 'keep-draft', chatId, text: whole },
  );
}
