import { expect, it } from 'vitest';
import { editorOf } from '../state/editor.ts';
import { editorRows } from './editor-rows.ts';

it('stands the cursor where the next character goes', () => {
  expect(editorRows(editorOf('abc'), 10, 3)).toEqual({ rows: ['abc'], cursor: { row: 0, column: 3 } });
  expect(editorRows(editorOf('abc'), 3, 3)).toEqual({ rows: ['abc', ''], cursor: { row: 1, column: 0 } });
  expect(editorRows({ text: 'a\nbc', cursor: 2 }, 10, 3).cursor).toEqual({ row: 1, column: 0 });
  expect(editorRows({ text: 'a\nbc', cursor: 1 }, 10, 3).cursor).toEqual({ row: 0, column: 1 });
});

it('breaks before a wide character that does not fit', () => {
  expect(editorRows(editorOf('a日本'), 4, 3)).toEqual({ rows: ['a日', '本'], cursor: { row: 1, column: 2 } });
});

it('shows the rows around the cursor of a long text', () => {
  expect(editorRows(editorOf('1\n2\n3\n4'), 10, 2)).toEqual({ rows: ['3', '4'], cursor: { row: 1, column: 1 } });
  expect(editorRows({ text: '1\n2\n3\n4', cursor: 0 }, 10, 2)).toEqual({
    rows: ['1', '2'],
    cursor: { row: 0, column: 0 },
  });
});
