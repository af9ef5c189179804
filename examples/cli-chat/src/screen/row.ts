/** What a piece of text means; the painter knows how a terminal shows it. */
export type Tone =
  | 'plain'
  | 'dim'
  | 'strong'
  | 'accent'
  | 'good'
  | 'warn'
  | 'bad'
  | 'chosen'
  | 'code'
  | 'lit'
  | 'unlit';

/** A piece of a row, in one tone. */
export interface Span {
  /** Clean: without control characters. */
  readonly text: string;
  readonly tone: Tone;
  /** Others wrote it: its direction stays inside. */
  readonly foreign?: boolean;
}

/** A row of the screen, from the first column on. */
export type Row = readonly Span[];

/** What a terminal shows. */
export interface Screen {
  readonly rows: readonly Row[];
  /** Where the cursor stands, from 0; hidden when undefined. */
  readonly cursor: { readonly row: number; readonly column: number } | undefined;
}

/** A span of our own words. */
export function span(text: string, tone: Tone = 'plain'): Span {
  return { text, tone };
}

/** A span of what others wrote, cleaned already. */
export function foreign(text: string, tone: Tone = 'plain'): Span {
  return { text, tone, foreign: true };
}

/** The text of a row, without tones. */
export function textOf(row: Row): string {
  return row.map(({ text }) => text).join('');
}
