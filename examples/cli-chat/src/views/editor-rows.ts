import type { Editor } from '../state/editor.ts';
import { graphemesOf } from '../text/graphemes.ts';

/** A text under way, broken into rows, and where the cursor stands in them. */
export interface EditorRows {
  readonly rows: readonly string[];
  readonly cursor: { readonly row: number; readonly column: number };
}

/** Breaks a text at the edge alone, so that no space is lost under the cursor; shows at most `height` rows, those around the cursor. */
export function editorRows({ text, cursor }: Editor, columns: number, height: number): EditorRows {
  const rows: string[] = [''];
  let width = 0;
  let offset = 0;
  let at = { row: 0, column: 0 };
  const place = () => {
    if (offset === cursor) at = { row: rows.length - 1, column: width };
  };
  for (const grapheme of graphemesOf(text)) {
    if (grapheme.text === '\n') {
      place();
      rows.push('');
      width = 0;
    } else {
      if (width + grapheme.width > columns) {
        rows.push('');
        width = 0;
      }
      place();
      rows[rows.length - 1] += grapheme.text;
      width += grapheme.width;
    }
    offset += grapheme.text.length;
  }
  if (offset === cursor && width >= columns) {
    rows.push('');
    width = 0;
  }
  place();
  const first = Math.max(0, Math.min(at.row - height + 1, rows.length - height));
  return { rows: rows.slice(first, first + height), cursor: { row: at.row - first, column: at.column } };
}
