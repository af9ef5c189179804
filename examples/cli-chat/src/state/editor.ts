import { cleanText } from '../text/clean-text.ts';
import { graphemesOf } from '../text/graphemes.ts';

/** A text that is being written. */
export interface Editor {
  readonly text: string;
  /** Between two graphemes, in UTF-16 units from the begin. */
  readonly cursor: number;
}

export const emptyEditor: Editor = { text: '', cursor: 0 };

/** A text with the cursor at its end. */
export function editorOf(text: string): Editor {
  return { text, cursor: text.length };
}

/** Puts a text in at the cursor. What commands a terminal becomes visible; line ends stay, or become spaces with `lines: false`. */
export function insert(editor: Editor, text: string, { lines = true } = {}): Editor {
  const clean = cleanText(text);
  const added = lines ? clean : clean.replace(/\n/g, ' ');
  const before = editor.text.slice(0, editor.cursor) + added;
  return { text: before + editor.text.slice(editor.cursor), cursor: before.length };
}

export function left({ text, cursor }: Editor): Editor {
  return { text, cursor: Math.max(0, cursor - lengthOfLast(text.slice(0, cursor))) };
}

export function right({ text, cursor }: Editor): Editor {
  return { text, cursor: cursor + (graphemesOf(text.slice(cursor))[0]?.text.length ?? 0) };
}

export function wordLeft({ text, cursor }: Editor): Editor {
  const word = /\S*\s*$/.exec(text.slice(0, cursor));
  return { text, cursor: word ? word.index : 0 };
}

export function wordRight({ text, cursor }: Editor): Editor {
  const word = /^\s*\S*/.exec(text.slice(cursor));
  return { text, cursor: cursor + (word?.[0].length ?? 0) };
}

/** The begin of the line. */
export function home({ text, cursor }: Editor): Editor {
  return { text, cursor: text.slice(0, cursor).lastIndexOf('\n') + 1 };
}

/** The end of the line. */
export function end({ text, cursor }: Editor): Editor {
  const at = text.indexOf('\n', cursor);
  return { text, cursor: at === -1 ? text.length : at };
}

/** Takes out what lies between the cursor and where a move would bring it. */
export function removeTo(editor: Editor, move: (editor: Editor) => Editor): Editor {
  const other = move(editor).cursor;
  const from = Math.min(editor.cursor, other);
  const to = Math.max(editor.cursor, other);
  return { text: editor.text.slice(0, from) + editor.text.slice(to), cursor: from };
}

function lengthOfLast(text: string): number {
  return graphemesOf(text).at(-1)?.text.length ?? 0;
}
