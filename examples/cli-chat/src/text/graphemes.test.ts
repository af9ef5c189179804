import { expect, it } from 'vitest';
import { isolated } from './direction.ts';
import { cutToWidth, fitToWidth, graphemesOf, isDoubtful, widthOf } from './graphemes.ts';

it.each([
  ['plain', 5],
  ['こんにちは', 10],
  ['한글', 4],
  ['👨‍👩‍👧‍👦', 2],
  ['👋🏽', 2],
  ['🇩🇪', 2],
  ['e\u0301', 1],
  ['שלום', 4],
  ['', 0],
])('measures %s as %i columns', (text, width) => {
  expect(widthOf(text)).toBe(width);
});

it('cuts between what readers take for characters, never inside', () => {
  expect(cutToWidth('ab👨‍👩‍👧‍👦cd', 5)).toBe('ab👨‍👩‍👧‍👦…');
  expect(cutToWidth('ab👨‍👩‍👧‍👦cd', 4)).toBe('ab…');
  expect(cutToWidth('日本語', 4)).toBe('日…');
  expect(cutToWidth('e\u0301e\u0301e\u0301', 2)).toBe('e\u0301…');
  expect(cutToWidth('שלום עולם', 6)).toBe('שלום …');
  expect(cutToWidth('whole', 5)).toBe('whole');
  expect(cutToWidth('none', 0)).toBe('');
});

it('fills to exactly the width, also where a wide character does not fit the last column', () => {
  for (const text of ['日本語', 'a日本語', '👋🏽👋🏽', 'שלום', '', 'long enough to be cut']) {
    for (const columns of [1, 2, 3, 4, 5, 6, 7]) expect(widthOf(fitToWidth(text, columns))).toBe(columns);
  }
});

it('knows on which graphemes terminals disagree', () => {
  expect(graphemesOf('a日👨‍👩‍👧‍👦e\u0301😀').map(({ text }) => isDoubtful(text))).toEqual([
    false,
    false,
    true,
    true,
    true,
  ]);
});

it('isolates what is written from right to left, and nothing else', () => {
  expect(isolated('שלום 12:30')).toBe('\u2068שלום 12:30\u2069');
  expect(isolated('\u200fab')).toBe('\u2068\u200fab\u2069');
  expect(isolated('日本語 abc')).toBe('日本語 abc');
});
