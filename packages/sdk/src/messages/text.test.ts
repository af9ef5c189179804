import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SottoError } from '../sotto-error.ts';
import { checkText, isText, largestText } from './text.ts';

function codeOf(text: string): string {
  try {
    checkText(text);
    return 'ok';
  } catch (error) {
    if (error instanceof SottoError) return error.code;
    throw error;
  }
}

describe('a text', () => {
  it.each([
    ['empty', '', 'text-empty'],
    ['one character', 'a', 'ok'],
    ['65,536 bytes', 'a'.repeat(largestText), 'ok'],
    ['65,537 bytes', 'a'.repeat(largestText + 1), 'text-too-long'],
    ['65,536 bytes in three-byte characters and one', `${'€'.repeat(21_845)}a`, 'ok'],
    ['65,537 bytes in few characters', `${'€'.repeat(21_845)}ab`, 'text-too-long'],
    ['65,536 bytes of emoji', '😀'.repeat(16_384), 'ok'],
    ['100 kB of emoji', '😀'.repeat(25_000), 'text-too-long'],
    ['a lone high surrogate', 'a\ud83d', 'text-malformed'],
    ['a lone low surrogate', '\ude00a', 'text-malformed'],
    ['swapped surrogates', '\ude00\ud83d', 'text-malformed'],
    ['NUL', 'a\0b', 'text-malformed'],
    ['other control characters', '\u0001\n\t\u007f', 'ok'],
  ])('of %s', (_, text, expected) => {
    expect(codeOf(text)).toBe(expected);
    expect(isText(text)).toBe(expected === 'ok');
  });

  it('that is no text at all is refused by its type', () => {
    for (const value of [undefined, null, 7, {}, ['a']]) expect(codeOf(value as never)).toBe('argument-invalid');
  });

  it('never stands in the error', () => {
    expect(() => checkText('secret\0')).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('secret') }),
    );
  });

  it('is let in by the receiver exactly when the sender lets it out', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), fc.boolean(), (text, lone) => {
        const sent = lone ? `${text}\ud800` : text;
        expect(isText(sent)).toBe(codeOf(sent) === 'ok');
      }),
    );
  });
});
