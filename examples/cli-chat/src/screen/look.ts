/** What a terminal can show. */
export interface Look {
  readonly color: boolean;
  readonly glyphs: Glyphs;
}

/** Every sign that is not a letter of the text. */
export interface Glyphs {
  readonly unicode: boolean;
  readonly rule: string;
  readonly bar: string;
  readonly prompt: string;
  readonly ellipsis: string;
  readonly dot: string;
  readonly filled: string;
  readonly empty: string;
  readonly back: string;
  readonly down: string;
  readonly queued: string;
  readonly sent: string;
  readonly delivered: string;
  readonly failed: string;
  readonly expired: string;
}

/** Signs for terminals that show Unicode; each is one column wide and in the fonts of consoles. */
export const unicodeGlyphs: Glyphs = {
  unicode: true,
  rule: '─',
  bar: '│',
  prompt: '›',
  ellipsis: '…',
  dot: '·',
  filled: '●',
  empty: '○',
  back: '‹',
  down: '↓',
  queued: '◌',
  sent: '✓',
  delivered: '✓✓',
  failed: '✗',
  expired: '⊘',
};

/** Signs for the others. */
export const asciiGlyphs: Glyphs = {
  unicode: false,
  rule: '-',
  bar: '|',
  prompt: '>',
  ellipsis: '~',
  dot: '-',
  filled: '*',
  empty: 'o',
  back: '<',
  down: 'v',
  queued: '.',
  sent: '+',
  delivered: '++',
  failed: 'x',
  expired: '0',
};

/**
 * Learns from the environment what the terminal shows: no colour when `NO_COLOR` is set to something, or the terminal is a vt100 and the like; no Unicode unless the locale says UTF-8.
 */
export function lookOf(env: Environment): Look {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  const color = !env.NO_COLOR && !/^(vt\d+|dumb$)|-mono$|-m$/.test(env.TERM ?? '');
  return { color, glyphs: /utf-?8/i.test(locale) ? unicodeGlyphs : asciiGlyphs };
}

/** The variables that say what a terminal can show. */
export interface Environment {
  readonly LC_ALL?: string | undefined;
  readonly LC_CTYPE?: string | undefined;
  readonly LANG?: string | undefined;
  readonly TERM?: string | undefined;
  readonly NO_COLOR?: string | undefined;
}
