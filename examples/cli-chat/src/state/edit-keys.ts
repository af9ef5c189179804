import { type Editor, end, home, insert, left, removeTo, right, wordLeft, wordRight } from './editor.ts';
import { chord, isWriting, type Key } from './key.ts';

const edits: Readonly<Record<string, (editor: Editor) => Editor>> = {
  left,
  right,
  home,
  end,
  'C-b': left,
  'C-f': right,
  'C-a': home,
  'C-e': end,
  'C-left': wordLeft,
  'C-right': wordRight,
  'M-left': wordLeft,
  'M-right': wordRight,
  'M-b': wordLeft,
  'M-f': wordRight,
  backspace: (editor) => removeTo(editor, left),
  'C-h': (editor) => removeTo(editor, left),
  delete: (editor) => removeTo(editor, right),
  'C-d': (editor) => removeTo(editor, right),
  'C-w': (editor) => removeTo(editor, wordLeft),
  'M-backspace': (editor) => removeTo(editor, wordLeft),
  'C-u': (editor) => removeTo(editor, home),
  'C-k': (editor) => removeTo(editor, end),
};

/** What a key does to a text; `undefined` when it does not edit. The keys are those of a shell. */
export function editByKey(editor: Editor, key: Key): Editor | undefined {
  if (isWriting(key)) return insert(editor, key.text);
  return edits[chord(key)]?.(editor);
}
