import type { Glyphs } from '../screen/look.ts';
import { foreign, type Row, type Screen, type Span, span } from '../screen/row.ts';
import { type AppState, calledName, type KeyState, listed, type OpenChat } from '../state/app-state.ts';
import { type Layout, topRow } from '../state/scroll.ts';
import { wrapText } from '../text/wrap.ts';
import { editorRows } from './editor-rows.ts';
import { barRow, connectionSpan, filled, hintRow, ruleRow } from './frame.ts';
import { type HistoryLook, historyRows } from './history-rows.ts';

const hints = [
  'Enter sends',
  'Alt-Enter new line',
  'PgUp/PgDn scroll',
  'Esc chats',
  'Ctrl-G safety number',
  'Ctrl-P command',
];
const promptColumns = 3;

/** The conversation: who, what was said, and the text under way. */
export function chatView(state: AppState, open: OpenChat, glyphs: Glyphs): Screen {
  const { columns } = state.size;
  const chat = listed(state, open.chatId);
  const composer = editorRows(open.draft, columns - promptColumns - 1, composerHeight(state));
  const all = historyRows(open, lookOf(state), glyphs);
  const height = historyHeight(state, open);
  const layout: Layout = { keys: all.map(({ key }) => key), height };
  const at = topRow(layout, open.top);
  const below = all.length - at - height;
  const seen = all.slice(at, at + height).map(({ row }) => row);
  const name = calledName(chat);
  const number = chat !== undefined && chat.number !== name ? `  ${chat.number}` : '';
  const title: Span[] = [span(` ${glyphs.back} `, 'dim'), foreign(name, 'strong'), span(number, 'dim')];
  if (open.key?.verified) title.push(span(`  ${glyphs.sent} verified`, 'good'));
  const news = newsRows(state, open);
  const rows: Row[] = [
    barRow(title, connectionSpan(state.connection, glyphs), columns, glyphs),
    ruleRow(columns, glyphs),
    ...news,
    ...fromBottom(seen.length === 0 ? [[span(emptyText(open), 'dim')]] : seen, height),
    ruleRow(columns, glyphs, ruleWords(state, open, below, glyphs)),
    ...composer.rows.map((text, row): Row => [span(row === 0 ? ` ${glyphs.prompt} ` : '   ', 'accent'), foreign(text)]),
    hintRow(hints, state.notice, state.size, glyphs),
  ];
  const first = rows.length - 1 - composer.rows.length;
  return { rows, cursor: { row: first + composer.cursor.row, column: promptColumns + composer.cursor.column } };
}

function ruleWords(state: AppState, open: OpenChat, below: number, glyphs: Glyphs): Span | undefined {
  if (below > 0) return span(`${glyphs.down} more below`, 'accent');
  const name = calledName(listed(state, open.chatId));
  return state.typing.includes(open.chatId) ? foreign(`${name} is typing ${glyphs.ellipsis}`, 'accent') : undefined;
}

/** The rows of the open chat, for scrolling. */
export function chatLayout(state: AppState, open: OpenChat, glyphs: Glyphs): Layout {
  const keys = historyRows(open, lookOf(state), glyphs).map(({ key }) => key);
  return { keys, height: historyHeight(state, open) };
}

function lookOf({ size, now, names }: AppState): HistoryLook {
  return { columns: size.columns, now, names };
}

/** How many rows of a text under way are seen. */
function composerHeight({ size }: AppState): number {
  return Math.max(1, Math.min(6, Math.floor(size.rows / 4)));
}

function historyHeight(state: AppState, open: OpenChat): number {
  const composer = editorRows(open.draft, state.size.columns - promptColumns - 1, composerHeight(state));
  return Math.max(1, state.size.rows - 4 - composer.rows.length - newsRows(state, open).length);
}

/** What the user has to decide about this chat, below its head. The keys come first: a small window cuts the rest. */
function newsRows(state: AppState, open: OpenChat): Row[] {
  const chat = listed(state, open.chatId);
  const words = open.key?.changed
    ? keyWords(open.key)
    : chat?.accepted === false
      ? 'is new here and sees no receipts. Ctrl-Y accepts, or just answer.'
      : undefined;
  if (words === undefined) return [];
  const { columns, rows } = state.size;
  const lines = wrapText(`${calledName(chat)} ${words}`, columns - 2);
  return lines.slice(0, Math.max(1, Math.floor(rows / 4))).map((line): Row => [foreign(` ${line}`, 'warn')]);
}

function keyWords({ blocked }: KeyState): string {
  return blocked
    ? 'has a new key. Ctrl-G compares, Ctrl-Y accepts; nothing is sent before.'
    : 'has a new key: a new phone, or somebody in between. Ctrl-G compares, Ctrl-Y accepts.';
}

/** A short history stands at the bottom, where it will grow. */
function fromBottom(rows: readonly Row[], height: number): Row[] {
  return [...filled([], height - rows.length), ...rows.slice(0, height)];
}

function emptyText({ loading }: OpenChat): string {
  return loading ? ' Looking ...' : ' Nothing yet. What you write is encrypted on this device, for theirs.';
}
