import { expect, it } from 'vitest';
import { cleanLine, cleanText } from './clean-text.ts';

// What a hostile sender may try on a terminal, and its pieces that would do harm there.
const attacks = [
  ['clears the screen', '\x1b[2J\x1b[H gone'],
  ['writes the clipboard', '\x1b]52;c;ZXZpbA==\x07'],
  ['sets the title, and has it typed back', '\x1b]0;rm -rf ~\x07\x1b[21t'],
  ['asks where the cursor is', 'x\x1b[6n'],
  ['a link that shows another address', '\x1b]8;;http://evil.example\x1b\\good.example\x1b]8;;\x1b\\'],
  ['C1 forms of CSI, OSC and DCS', '\x9b2J \x9d0;title\x9c \x90q\x9c'],
  ['overwrites the line', 'safe\rEVIL\b\b\b'],
  ['another character set', '\x0e lqqk \x0f \x1b(0'],
  ['a bell, a form feed, a vertical tab', '\x07\x0c\x0b'],
  ['an escape cut in two by NUL and DEL', '\x1b\0[\x7f31m'],
  ['ends a paste', '\x1b[201~ls\n'],
] as const;

it.each(attacks)('leaves nothing that commands a terminal: %s', (_, text) => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the point.
  expect(cleanText(text)).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f]/);
  expect(cleanLine(text)).not.toMatch(/\p{Cc}/u);
});

it('shows control characters as pictures instead of hiding them', () => {
  expect(cleanText('a\x1b[31mb\x7f\x9b')).toBe('a␛[31mb␡�');
});

it('keeps lines, spaces and ordinary text of any script', () => {
  const text = 'eins\nzwei   drei — שלום مرحبا こんにちは 👨‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿 e\u0301 کتاب‌ها';
  expect(cleanText(text)).toBe(text);
  expect(cleanText('a\r\nb\rc\u2028d\te')).toBe('a\nb\nc\nd    e');
});

it('takes out what turns the direction of text, and what takes no place', () => {
  expect(cleanText('invoice\u202Egpj.exe\u202C \u2067x\u2069 \u2066y\u200b\ufeff')).toBe('invoicegpj.exe x y');
});

it('limits marks stacked on a letter', () => {
  expect(cleanText(`z${'\u0301'.repeat(500)}!`)).toBe(`z${'\u0301'.repeat(6)}!`);
});

it('mends half a surrogate pair', () => {
  expect(cleanText('a\ud83db')).toBe('a�b');
});

it('makes one line of a name', () => {
  expect(cleanLine('  Mallory\n[verified]\u2029\tx ')).toBe('Mallory [verified] x');
});
