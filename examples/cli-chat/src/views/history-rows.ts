import type { Message } from '@sotto/sdk';
import type { Glyphs } from '../screen/look.ts';
import { foreign, type Row, type Span, span } from '../screen/row.ts';
import type { OpenChat } from '../state/app-state.ts';
import { widthOf } from '../text/graphemes.ts';
import { clockText, dayNumber, dayText } from './clock-text.ts';
import { linesOf, stateWord, tickOf } from './message-text.ts';

/** A row of a history, with a key that stays the same when messages come before or after it. */
export interface HistoryRow {
  readonly key: string;
  readonly row: Row;
}

/** How a history is shown. */
export interface HistoryLook {
  readonly columns: number;
  readonly now: number;
  /** Of members of groups, by their user id. */
  readonly names: Readonly<Record<string, string>>;
}

const widestText = 60;
/** A time, two ticks, and what is between and behind them. */
const signColumns = 11;
const besideText = signColumns + 5;

/** How wide the texts of a history are. */
export function textColumns(columns: number): number {
  return Math.max(8, Math.min(widestText, columns - besideText));
}

/** The whole of what is loaded, as rows: others on the left, own messages on the right. */
export function historyRows(open: OpenChat, { columns, now, names }: HistoryLook, glyphs: Glyphs): HistoryRow[] {
  const rows: HistoryRow[] = [];
  const lastOwn = open.messages.findLast(({ outgoing }) => outgoing);
  let previous: Message | undefined;
  for (const message of open.messages) {
    if (previous === undefined || dayNumber(previous.sentAt) !== dayNumber(message.sentAt)) {
      if (previous !== undefined) rows.push({ key: `${message.id} gap`, row: [] });
      rows.push({ key: `${message.id} day`, row: centred(dayText(message.sentAt, now), columns, glyphs) });
    }
    if (message.id === open.firstUnread) {
      rows.push({ key: `${message.id} new`, row: centred('New', columns, glyphs, 'accent') });
    } else if (previous !== undefined && previous.outgoing !== message.outgoing) {
      rows.push({ key: `${message.id} gap`, row: [] });
    }
    if (isAnotherOfGroup(message, previous)) {
      const name = names[message.senderId] || 'somebody';
      rows.push({ key: `${message.id} from`, row: [foreign(` ${name}`, 'dim')] });
    }
    const texts = message.outgoing
      ? ownRows(message, message === lastOwn, columns, glyphs)
      : othersRows(message, columns, glyphs);
    rows.push(...texts.map((row, at) => ({ key: `${message.id} ${at}`, row })));
    previous = message;
  }
  return rows;
}

/** In a group it has to be said who speaks, whenever it is somebody else. */
function isAnotherOfGroup(message: Message, previous: Message | undefined): boolean {
  if (message.groupId === undefined || message.outgoing) return false;
  return previous === undefined || previous.outgoing || previous.senderId !== message.senderId;
}

function othersRows(message: Message, columns: number, glyphs: Glyphs): Row[] {
  const lines = linesOf(message, textColumns(columns));
  const rows: Span[][] = lines.map((line) => [span(` ${glyphs.bar} `, 'accent'), foreign(line)]);
  rows.at(-1)?.push(span(`  ${clockText(message.sentAt)}${message.late ? ' late' : ''}`, 'dim'));
  return rows;
}

function ownRows(message: Message, inWords: boolean, columns: number, glyphs: Glyphs): Row[] {
  const lines = linesOf(message, textColumns(columns));
  const width = Math.max(...lines.map(widthOf));
  const indent = ' '.repeat(Math.max(0, columns - signColumns - width));
  const rows: Span[][] = lines.map((line) => [span(indent), foreign(line)]);
  const lastLine = lines.at(-1) ?? '';
  const tick = tickOf(message, glyphs);
  const time = span(`${' '.repeat(width - widthOf(lastLine))}  ${clockText(message.sentAt)} `, 'dim');
  rows.at(-1)?.push(time, ...(tick ? [tick] : []));
  const stuck = message.state === 'failed' || message.state === 'expired';
  if (stuck || inWords) {
    const word = stateWord(message);
    rows.push([span(' '.repeat(Math.max(0, columns - 1 - widthOf(word)))), span(word, stuck ? 'bad' : 'dim')]);
  }
  return rows;
}

function centred(text: string, columns: number, glyphs: Glyphs, tone: Span['tone'] = 'dim'): Row {
  const line = glyphs.rule.repeat(3);
  const full = `${line} ${text} ${line}`;
  return [span(`${' '.repeat(Math.max(0, Math.floor((columns - widthOf(full)) / 2)))}${full}`, tone)];
}
