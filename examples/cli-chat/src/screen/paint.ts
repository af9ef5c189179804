import { isolated } from '../text/direction.ts';
import { graphemesOf, isDoubtful } from '../text/graphemes.ts';
import type { Look } from './look.ts';
import type { Row, Screen, Span, Tone } from './row.ts';

const csi = '\x1b[';
const colors: { readonly [Name in Tone]: string } = {
  plain: '',
  dim: '2',
  strong: '1',
  accent: '36',
  good: '32',
  warn: '33',
  bad: '31',
  chosen: '7',
  // A code for cameras is light on dark whatever the terminal's own colours are.
  code: '37;40',
  lit: '47',
  unlit: '40',
};
/** What is told by colour is told by weight where there is none. */
const weights: { readonly [Name in Tone]: string } = {
  ...colors,
  dim: '',
  accent: '1',
  good: '1',
  warn: '1',
  bad: '1',
  code: '',
  lit: '7',
  unlit: '',
};

/**
 * What to write to a terminal so that it shows `next` where it showed `shown`: only rows that changed. Without `shown` everything is painted anew.
 *
 * Only codes that a vt100 knows. Terminals disagree on how wide emoji and letters with marks are, so the column is set anew after each of them: what comes behind stands where it belongs.
 */
export function paint(shown: Screen | undefined, next: Screen, look: Look): string {
  let output = `${csi}?25l`;
  if (shown === undefined) output += `${csi}0m${csi}2J`;
  const count = Math.max(next.rows.length, shown?.rows.length ?? 0);
  for (let at = 0; at < count; at++) {
    const row = next.rows[at] ?? [];
    if (shown !== undefined && sameRow(shown.rows[at] ?? [], row)) continue;
    output += `${moveTo(at, 0)}${csi}K${paintRow(row, at, look)}`;
  }
  if (next.cursor) output += `${moveTo(next.cursor.row, next.cursor.column)}${csi}?25h`;
  return output;
}

function paintRow(row: Row, at: number, look: Look): string {
  let output = '';
  let column = 0;
  let doubtful = false;
  for (const span of row) {
    const codes = (look.color ? colors : weights)[span.tone];
    if (codes !== '') output += `${csi}${codes}m`;
    for (const grapheme of graphemesOf(span.foreign ? isolated(span.text) : span.text)) {
      if (doubtful) output += moveTo(at, column);
      output += look.glyphs.unicode ? grapheme.text : asciiOf(grapheme.text, grapheme.width);
      column += grapheme.width;
      doubtful = look.glyphs.unicode && (grapheme.width === 0 || isDoubtful(grapheme.text));
    }
    if (codes !== '') output += `${csi}0m`;
  }
  return output;
}

/** A terminal without Unicode shows as many question marks as the character would have been wide. */
function asciiOf(grapheme: string, width: number): string {
  return /^[\x20-\x7e]$/.test(grapheme) ? grapheme : '?'.repeat(width);
}

function moveTo(row: number, column: number): string {
  return `${csi}${row + 1};${column + 1}H`;
}

function sameRow(one: Row, other: Row): boolean {
  return one === other || (one.length === other.length && one.every((span, at) => sameSpan(span, other[at])));
}

function sameSpan(one: Span, other: Span | undefined): boolean {
  return one.text === other?.text && one.tone === other.tone && one.foreign === other.foreign;
}
