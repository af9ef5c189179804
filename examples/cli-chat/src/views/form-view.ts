import type { Glyphs } from '../screen/look.ts';
import { foreign, type Row, type Screen, span, textOf } from '../screen/row.ts';
import type { AppState, Notice } from '../state/app-state.ts';
import type { Editor } from '../state/editor.ts';
import { graphemesOf, widthOf } from '../text/graphemes.ts';
import { wrapText } from '../text/wrap.ts';
import { editorRows } from './editor-rows.ts';
import { barRow, connectionSpan, filled, hintRow, ruleRow } from './frame.ts';
import type { Picture } from './qr-picture.ts';

/** A question on a form. */
export interface Field {
  readonly label: string;
  readonly editor: Editor;
  readonly active: boolean;
  /** Shown as stars. */
  readonly hidden?: boolean;
}

/** What a form shows. */
export interface Form {
  readonly title: string;
  /** Paragraphs above the fields. */
  readonly words: readonly string[];
  /** Something to copy, alone on its lines. */
  readonly kept?: readonly string[];
  readonly fields: readonly Field[];
  /** Beside it all, where the window has the room. */
  readonly picture?: Picture;
  /** Paragraphs below the fields. */
  readonly after?: readonly string[];
  readonly hints: readonly string[];
}

const margin = 3;
const labelColumns = 8;
/** A recovery key fits into so many rows of the narrowest window. */
const fieldRows = 5;
/** What the words beside a picture need at least. */
const leastColumns = 24;

/** A few words and a few questions. */
export function formView(state: AppState, form: Form, glyphs: Glyphs): Screen {
  const { columns, rows: count } = state.size;
  const height = Math.max(1, count - 4);
  const picture = form.picture && fits(form.picture, columns, height) ? form.picture : undefined;
  const width = Math.min(64, columns - 2 * margin - (picture?.columns ?? 0));
  const body: Row[] = [[], ...paragraphs(form.words, width)];
  for (const line of form.kept ?? []) body.push([span(' '.repeat(margin)), foreign(line, 'strong')]);
  if (form.kept) body.push([]);
  let cursor: Screen['cursor'];
  for (const { label, editor, active, hidden } of form.fields) {
    const room = Math.max(4, width - labelColumns);
    const shown = editorRows(hidden ? starred(editor) : editor, room, fieldRows);
    if (active) {
      cursor = { row: body.length + 2 + shown.cursor.row, column: margin + labelColumns + shown.cursor.column };
    }
    for (const [at, text] of shown.rows.entries()) {
      const head = ' '.repeat(margin) + (at === 0 ? label : '').padEnd(labelColumns);
      body.push([span(head, active ? 'accent' : 'dim'), foreign(text)]);
    }
  }
  if (form.fields.length > 0) body.push([]);
  body.push(...paragraphs(form.after ?? [], width));
  const beside = picture === undefined ? body : besides(filled(body, height), picture, columns);
  return {
    rows: [
      barRow([span(` ${form.title}`, 'strong')], headOf(state, glyphs), columns, glyphs),
      ruleRow(columns, glyphs),
      ...filled(beside, height),
      ruleRow(columns, glyphs),
      hintRow(form.hints, state.notice, state.size, glyphs),
    ],
    cursor: cursor !== undefined && cursor.row < height + 2 ? cursor : undefined,
  };
}

function fits(picture: Picture, columns: number, height: number): boolean {
  return picture.rows.length <= height && columns >= picture.columns + leastColumns + 2 * margin;
}

/** Puts a picture at the right edge of rows that leave the room. */
function besides(rows: readonly Row[], picture: Picture, columns: number): Row[] {
  return rows.map((row, at) => {
    const part = picture.rows[at];
    if (part === undefined) return row;
    return [...row, span(' '.repeat(Math.max(0, columns - picture.columns - widthOf(textOf(row))))), ...part];
  });
}

function starred({ text, cursor }: Editor): Editor {
  const stars = '*'.repeat(graphemesOf(text).length);
  return { text: stars, cursor: graphemesOf(text.slice(0, cursor)).length };
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
