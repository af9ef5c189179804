import type { Message } from '@sotto/sdk';
import type { Glyphs } from '../screen/look.ts';
import { type Span, span } from '../screen/row.ts';
import { cleanText } from '../text/clean-text.ts';
import { wrapText } from '../text/wrap.ts';

const unknownKind = '(something that this version cannot show yet)';
const wrapped = new WeakMap<Message, { readonly columns: number; readonly lines: readonly string[] }>();

/** The lines of a message, clean; remembered for a width, since a history is laid out again at each key. */
export function linesOf(message: Message, columns: number): readonly string[] {
  const known = wrapped.get(message);
  if (known?.columns === columns) return known.lines;
  const text = message.kind === 'unknown' ? unknownKind : cleanText(message.text).trimEnd();
  const lines = wrapText(text, columns);
  wrapped.set(message, { columns, lines });
  return lines;
}

/** How far an own message got, as a sign; nothing for others'. */
export function tickOf({ state }: Pick<Message, 'state'>, glyphs: Glyphs): Span | undefined {
  switch (state) {
    case 'queued':
      return span(glyphs.queued, 'dim');
    case 'sent':
      return span(glyphs.sent, 'dim');
    case 'delivered':
      return span(glyphs.delivered, 'dim');
    case 'read':
      return span(glyphs.delivered, 'accent');
    case 'expired':
      return span(glyphs.expired, 'warn');
    case 'failed':
      return span(glyphs.failed, 'bad');
    default:
      return undefined;
  }
}

/** The same in a word. */
export function stateWord({ state }: Pick<Message, 'state'>): string {
  return state === 'failed' ? 'not sent' : state === 'expired' ? 'expired, not delivered' : state;
}
