import { expect, it } from 'vitest';
import { editByKey } from './edit-keys.ts';
import { editorOf, emptyEditor, home, insert, left, removeTo, right, wordLeft } from './editor.ts';
import type { Key } from './key.ts';

function key(name: string, more: Partial<Key> = {}): Key {
  return { name, text: '', ctrl: false, meta: false, shift: false, ...more };
}

it('moves and takes out what a reader takes for one character', () => {
  const family = editorOf('a👨‍👩‍👧‍👦');
  expect(left(family).cursor).toBe(1);
  expect(removeTo(family, left)).toEqual({ text: 'a', cursor: 1 });
  expect(right({ text: 'e\u0301x', cursor: 0 }).cursor).toBe(2);
});

it('makes what is pasted harmless, and keeps its lines', () => {
  expect(insert(editorOf('> '), 'a\r\n\x1b[31mb').text).toBe('> a\n␛[31mb');
  expect(insert(emptyEditor, 'a\nb', { lines: false }).text).toBe('a b');
});

it('knows lines and words', () => {
  const text = editorOf('first\nsecond line');
  expect(home(text).cursor).toBe(6);
  expect(wordLeft(text).cursor).toBe(13);
  expect(removeTo(text, home).text).toBe('first\n');
});

it('edits by the keys of a shell', () => {
  expect(editByKey(editorOf('ab'), key('c', { text: 'c' }))).toEqual(editorOf('abc'));
  expect(editByKey(editorOf('one two'), key('w', { ctrl: true }))).toEqual(editorOf('one '));
  expect(editByKey(editorOf('one'), key('pageup'))).toBeUndefined();
  expect(editByKey(editorOf('one'), key('x', { text: 'x', meta: true }))).toBeUndefined();
});
