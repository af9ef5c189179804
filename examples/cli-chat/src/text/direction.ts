/** Characters of scripts that are written from right to left, and the marks that act like one. */
const rightToLeft = /[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefe\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/**
 * Puts a text of others between a first-strong isolate and its end (U+2068, U+2069), so that in a terminal that orders right-to-left text it does not move the time or the ticks beside it.
 * Text without such characters stays as it is: some terminals show the two as boxes.
 */
export function isolated(text: string): string {
  return rightToLeft.test(text) ? `\u2068${text}\u2069` : text;
}
