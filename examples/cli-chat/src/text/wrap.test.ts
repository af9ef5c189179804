import fc from 'fast-check';
import { expect, it } from 'vitest';
import { widthOf } from './graphemes.ts';
import { wrapText } from './wrap.ts';

it('breaks at spaces', () => {
  expect(wrapText('the quick brown fox', 9)).toEqual(['the quick', 'brown fox']);
  expect(wrapText('the quick brown fox', 10)).toEqual(['the quick', 'brown fox']);
});

it('keeps lines and what stands at their begin', () => {
  expect(wrapText('a\n\n  b', 5)).toEqual(['a', '', '  b']);
});

it('breaks a word only where it alone is too long', () => {
  expect(wrapText('see abcdefghij', 5)).toEqual(['see', 'abcde', 'fghij']);
});

it('breaks wide text anywhere, and emoji only between them', () => {
  expect(wrapText('日本語テキスト', 5)).toEqual(['日本', '語テ', 'キス', 'ト']);
  expect(wrapText('👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦', 4)).toEqual(['👨‍👩‍👧‍👦👨‍👩‍👧‍👦', '👨‍👩‍👧‍👦']);
});

it('no line is wider than asked, and nothing but spaces is lost', () => {
  const texts = fc.string({
    unit: fc.constantFrom('a', ' ', 'é', '日', '👋🏽', '👨‍👩‍👧‍👦', 'ש', '\n', 'word'),
    maxLength: 60,
  });
  fc.assert(
    fc.property(texts, fc.integer({ min: 2, max: 12 }), (text, columns) => {
      const lines = wrapText(text, columns);
      expect(lines.filter((line) => widthOf(line) > columns)).toEqual([]);
      expect(lines.join('').replace(/\s/g, '')).toBe(text.replace(/\s/g, ''));
    }),
  );
});
