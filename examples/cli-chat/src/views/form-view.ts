import type { Glyphs } from '../screen/look.ts';
import { foreign, type Row, type Screen, span } from '../screen/row.ts';
import type { AppState, Notice } from '../state/app-state.ts';
import type { Editor } from '../state/editor.ts';
import { wrapText } from '../text/wrap.ts';
import { editorRows } from './editor-rows.ts';
import { barRow, connectionSpan, filled, hintRow, ruleRow } from './frame.ts';

/** A question on a form. */
export interface Field {
  readonly label: string;
  readonly editor: Editor;
  readonly active: boolean;
}

/** What a form shows. */
export interface Form {
  readonly title: string;
  /** Paragraphs above the fields. */
  readonly words: readonly string[];
  /** Something to copy, alone on its lines. */
  readonly kept?: readonly string[];
  readonly fields: readonly Field[];
  /** Paragraphs below the fields. */
  readonly after?: readonly string[];
  readonly hints: readonly string[];
}

const margin = 3;
const labelColumns = 8;

/** A few words and a few questions. */
export function formView(state: AppState, form: Form, glyphs: Glyphs): Screen {
  const { columns, rows: count } = state.size;
  const width = Math.min(64, columns - 2 * margin);
  const body: Row[] = [[], ...paragraphs(form.words, width)];
  for (const line of form.kept ?? []) body.push([span(' '.repeat(margin)), foreign(line, 'strong')]);
  if (form.kept) body.push([]);
  let cursor: Screen['cursor'];
  for (const { label, editor, active } of form.fields) {
    const room = Math.max(4, width - labelColumns);
    const shown = editorRows(editor, room, 1);
    if (active) cursor = { row: body.length + 2, column: margin + labelColumns + shown.cursor.column };
    body.push([
      span(' '.repeat(margin) + label.padEnd(labelColumns), active ? 'accent' : 'dim'),
      foreign(shown.rows[0] ?? ''),
    ]);
  }
  if (form.fields.length > 0) body.push([]);
  body.push(...paragraphs(form.after ?? [], width));
  const height = Math.max(1, count - 4);
  return {
    rows: [
      barRow([span(` ${form.title}`, 'strong')], headOf(state, glyphs), columns, glyphs),
      ruleRow(columns, glyphs),
      ...filled(body, height),
      ruleRow(columns, glyphs),
      hintRow(form.hints, state.notice, state.size, glyphs),
    ],
    cursor: cursor !== undefined && cursor.row < height + 2 ? cursor : undefined,
  };
}

function headOf(state: AppState, glyphs: Glyphs) {
  return state.account === undefined ? undefined : connectionSpan(state.connection, glyphs);
}

function paragraphs(texts: readonly string[], width: number): Row[] {
  return texts.flatMap((text) => [
    ...wrapText(text, width).map((line): Row => [span(' '.repeat(margin) + line)]),
    [] as Row,
  ]);
}

/** A notice that something went wrong. */
export function badNotice(text: string): Notice {
  return { text, tone: 'bad' };
}
