import { demand } from '../option-rules.ts';
import { SottoError } from '../sotto-error.ts';

/** The longest text, in bytes of UTF-8. */
export const largestText = 65_536;

const encoder = new TextEncoder();

/**
 * Checks a text before it is sent.
 * @throws {SottoError} `argument-invalid` (no string), `text-empty`, `text-too-long` (over 65,536 bytes of UTF-8), `text-malformed` (a lone surrogate, or NUL)
 */
export function checkText(text: string): void {
  demand(typeof text === 'string', 'a text is a string: make one of what is to be sent');
  if (text.length === 0) throw new SottoError('text-empty', 'a message needs a text: give at least one character');
  const bytes = text.length > largestText ? text.length : encoder.encode(text).length;
  if (bytes > largestText) {
    throw new SottoError('text-too-long', `a text has at most ${largestText} bytes of UTF-8: split it`);
  }
  if (!isWellFormed(text)) {
    throw new SottoError(
      'text-malformed',
      'the text holds a lone surrogate or NUL: take it out, for example with toWellFormed()',
    );
  }
}

/** Whether a text that came may be shown: what `checkText` would let pass. */
export function isText(text: string): boolean {
  return text.length > 0 && encoder.encode(text).length <= largestText && isWellFormed(text);
}

function isWellFormed(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}
