import stringWidth from 'string-width';

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
/** One column a character, in every terminal. */
const plain = /^[\x20-\x7e]*$/;

/** What a reader takes for one character, with the columns that it takes. */
export interface Grapheme {
  readonly text: string;
  readonly width: number;
}

/** Cuts a clean text into what a reader takes for characters: a family of four is one. */
export function graphemesOf(text: string): Grapheme[] {
  if (plain.test(text)) return Array.from(text, (character) => ({ text: character, width: 1 }));
  return Array.from(segmenter.segment(text), ({ segment }) => ({ text: segment, width: stringWidth(segment) }));
}

/** How many columns a clean text without line feeds takes. */
export function widthOf(text: string): number {
  if (plain.test(text)) return text.length;
  return graphemesOf(text).reduce((sum, { width }) => sum + width, 0);
}

/** Whether terminals disagree on the width of a grapheme: those made of several code points, and emoji. */
export function isDoubtful(grapheme: string): boolean {
  const [first = ''] = grapheme;
  return grapheme.length > first.length || /\p{Extended_Pictographic}/u.test(grapheme);
}

/** As much of a text as fits, with `mark` at the end of one that was cut. */
export function cutToWidth(text: string, columns: number, mark = '…'): string {
  if (widthOf(text) <= columns) return text;
  const room = columns - widthOf(mark);
  if (room < 0) return '';
  let used = 0;
  let kept = '';
  for (const grapheme of graphemesOf(text)) {
    if (used + grapheme.width > room) break;
    used += grapheme.width;
    kept += grapheme.text;
  }
  return kept + mark;
}

/** A text that takes exactly so many columns: cut, or filled with spaces. */
export function fitToWidth(text: string, columns: number, mark = '…'): string {
  const cut = cutToWidth(text, columns, mark);
  return cut + ' '.repeat(Math.max(0, columns - widthOf(cut)));
}
