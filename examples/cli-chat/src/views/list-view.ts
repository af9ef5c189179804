import type { Glyphs } from '../screen/look.ts';
import { foreign, type Row, type Screen, span } from '../screen/row.ts';
import { type AppState, calledName, type ListedChat } from '../state/app-state.ts';
import { cleanLine } from '../text/clean-text.ts';
import { fitToWidth, widthOf } from '../text/graphemes.ts';
import { shortTimeText } from './clock-text.ts';
import { barRow, connectionSpan, filled, hintRow, ruleRow } from './frame.ts';
import { tickOf } from './message-text.ts';

const hints = ['Enter opens', 'n new chat', ': command', '? help', 'q ends'];
const timeColumns = 7;
const unreadColumns = 5;

/** The chats, latest first. */
export function listView(state: AppState, glyphs: Glyphs): Screen {
  const { columns, rows: count } = state.size;
  const height = Math.max(1, count - 4);
  const selected = Math.max(
    0,
    state.chats.findIndex(({ chatId }) => chatId === state.selected),
  );
  const first = Math.max(0, Math.min(selected - Math.floor(height / 2), state.chats.length - height));
  const lines = state.chats
    .slice(first, first + height)
    .map((chat, at) => chatRow(chat, first + at === selected, state, glyphs));
  const unread = state.chats.reduce((sum, chat) => sum + chat.unread, 0);
  const title = [
    span(' Sotto', 'strong'),
    span(`  ${state.account?.number ?? ''}`, 'dim'),
    span(unread > 0 ? `  ${unread} unread` : '', 'accent'),
  ];
  const empty: Row[] = [[], [span('  No chats yet. Press n to write to somebody.', 'dim')]];
  return {
    rows: [
      barRow(title, connectionSpan(state.connection, glyphs), columns, glyphs),
      ruleRow(columns, glyphs),
      ...filled(lines.length === 0 ? empty : lines, height),
      ruleRow(columns, glyphs),
      hintRow(hints, state.notice, state.size, glyphs),
    ],
    cursor: undefined,
  };
}

function chatRow(chat: ListedChat, selected: boolean, state: AppState, glyphs: Glyphs): Row {
  const { columns } = state.size;
  const nameColumns = Math.max(8, Math.min(22, Math.floor(columns / 3)));
  const { lastMessage } = chat;
  const tick = lastMessage && tickOf(lastMessage, glyphs);
  const signs = tick ? `${tick.text} ` : '';
  const previewColumns = Math.max(0, columns - 3 - nameColumns - 2 - widthOf(signs) - unreadColumns - timeColumns);
  const draft = state.drafts[chat.chatId];
  const said =
    lastMessage === undefined ? '' : lastMessage.kind === 'unknown' ? '...' : cleanLine(lastMessage.text.slice(0, 400));
  const typing = state.typing.includes(chat.chatId);
  const preview = typing ? `typing ${glyphs.ellipsis}` : draft ? `draft: ${cleanLine(draft.slice(0, 400))}` : said;
  const time = lastMessage ? shortTimeText(lastMessage.sentAt, state.now) : '';
  return [
    span(selected ? ` ${glyphs.prompt} ` : '   ', 'accent'),
    foreign(
      fitToWidth(calledName(chat), nameColumns, glyphs.ellipsis),
      selected ? 'chosen' : chat.unread > 0 ? 'strong' : 'plain',
    ),
    span('  '),
    ...(tick ? [{ ...tick, text: signs }] : []),
    foreign(
      fitToWidth(preview, previewColumns, glyphs.ellipsis),
      typing ? 'accent' : draft ? 'warn' : chat.unread > 0 ? 'plain' : 'dim',
    ),
    span(
      chat.unread > 0
        ? `${chat.unread > 999 ? '999+' : chat.unread}`.padStart(unreadColumns)
        : ' '.repeat(unreadColumns),
      'accent',
    ),
    span(time.padStart(timeColumns), 'dim'),
  ];
}
