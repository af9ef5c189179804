import type { ConnectionState } from '@sotto/sdk';
import type { Glyphs } from '../screen/look.ts';
import { type Row, type Screen, type Span, span, textOf } from '../screen/row.ts';
import type { Notice, Size } from '../state/app-state.ts';
import { cutToWidth, widthOf } from '../text/graphemes.ts';

/** How the connection is, in a sign and a word. */
export function connectionSpan(state: ConnectionState, glyphs: Glyphs): Span {
  switch (state) {
    case 'live':
      return span(`${glyphs.filled} live`, 'good');
    case 'catching-up':
      return span(`${glyphs.filled} catching up`, 'good');
    case 'connecting':
      return span(`${glyphs.empty} connecting`, 'warn');
    case 'offline':
      return span(`${glyphs.empty} offline`, 'warn');
    case 'replaced':
      return span(`${glyphs.empty} open elsewhere`, 'bad');
    case 'ended':
      return span(`${glyphs.empty} signed out`, 'bad');
    case 'stopped':
      return span(`${glyphs.empty} not connected`, 'dim');
  }
}

/** A row with something at each end; the left one gives way. */
export function barRow(left: readonly Span[], right: Span | undefined, columns: number, glyphs: Glyphs): Row {
  const tail = right === undefined ? 0 : widthOf(right.text) + 1;
  const head = cutSpans(left, columns - tail - 1, glyphs);
  const gap = columns - tail - widthOf(textOf(head));
  return right === undefined ? head : [...head, span(' '.repeat(Math.max(1, gap))), right];
}

/** A rule over the whole width, with words in it if given. */
export function ruleRow(columns: number, glyphs: Glyphs, words?: Span): Row {
  if (words === undefined) return [span(glyphs.rule.repeat(columns), 'dim')];
  const text = cutToWidth(words.text, columns - 6, glyphs.ellipsis);
  const rest = Math.max(0, columns - 4 - widthOf(text));
  return [span(`${glyphs.rule.repeat(2)} `, 'dim'), { ...words, text }, span(` ${glyphs.rule.repeat(rest)}`, 'dim')];
}

/** What the keys do, as many as fit; or the notice, if there is one. */
export function hintRow(hints: readonly string[], notice: Notice | undefined, { columns }: Size, glyphs: Glyphs): Row {
  if (notice) return [span(cutToWidth(` ${notice.text}`, columns - 1, glyphs.ellipsis), notice.tone)];
  let text = '';
  for (const hint of hints) {
    const longer = text === '' ? ` ${hint}` : `${text} ${glyphs.dot} ${hint}`;
    if (widthOf(longer) > columns - 1) break;
    text = longer;
  }
  return [span(text, 'dim')];
}

/** Cuts spans at a width, with a mark where something was cut. */
export function cutSpans(spans: readonly Span[], columns: number, glyphs: Glyphs): Span[] {
  const kept: Span[] = [];
  let used = 0;
  for (const each of spans) {
    const text = cutToWidth(each.text, columns - used, glyphs.ellipsis);
    if (text !== '') kept.push({ ...each, text });
    used += widthOf(text);
    if (text !== each.text) break;
  }
  return kept;
}

/** Rows in the middle, filled up so that what follows stands at the bottom. */
export function filled(rows: readonly Row[], height: number): Row[] {
  return [...rows.slice(0, height), ...Array.from({ length: Math.max(0, height - rows.length) }, () => [])];
}

/** What is shown where nothing else would fit. */
export function tooSmall(): Screen {
  return { rows: [[span('too small')]], cursor: undefined };
}
