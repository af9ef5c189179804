import { SottoError } from '@sotto/sdk/ports';
import type { SqlRow } from '../driver/sql-driver.ts';
import { uuidBytes, uuidText } from './uuid.ts';

const none = new Uint8Array();

function damaged(column: string, cause?: unknown): SottoError {
  return new SottoError(
    'store-corrupt',
    `The store holds a value of an impossible shape (column ${column}). Put its file aside and restore a backup, or register again.`,
    { cause },
  );
}

/** A text column of a row. Like all readers here: a value of another shape means `store-corrupt`. */
export function text(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw damaged(column);
  return value;
}

/** An integer column. */
export function integer(row: SqlRow, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw damaged(column);
  return value;
}

/** A column that says yes (1) or no (0). */
export function flag(row: SqlRow, column: string): boolean {
  return integer(row, column) !== 0;
}

/** A blob column. */
export function bytes(row: SqlRow, column: string): Uint8Array {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw damaged(column);
  return value;
}

/** A column with the 16 bytes of a UUID. */
export function id<Id extends string>(row: SqlRow, column: string): Id {
  const value = bytes(row, column);
  if (value.length !== 16) throw damaged(column);
  return uuidText(value) as Id;
}

/** A column with the 16 bytes of a UUID, or none, which reads as `undefined`: an index finds it by equality, which it would not find NULL by. */
export function idOrNone<Id extends string>(row: SqlRow, column: string): Id | undefined {
  return bytes(row, column).length === 0 ? undefined : id<Id>(row, column);
}

/** What `idOrNone` reads. */
export function idOrNoneBytes(text: string | undefined): Uint8Array {
  return text === undefined ? none : uuidBytes(text);
}

/** A column with byte strings of one length, one after another. */
export function bytesOf(row: SqlRow, column: string, length: number): Uint8Array[] {
  const value = bytes(row, column);
  if (value.length % length !== 0) throw damaged(column);
  return Array.from({ length: value.length / length }, (_, at) => value.slice(at * length, (at + 1) * length));
}

/** A column with the 16 bytes of each of some UUIDs, one after another. */
export function ids<Id extends string>(row: SqlRow, column: string): Id[] {
  return bytesOf(row, column, 16).map((value) => uuidText(value) as Id);
}

/** What `ids` reads. */
export function idsBytes(texts: readonly string[]): Uint8Array {
  const value = new Uint8Array(texts.length * 16);
  for (const [at, text] of texts.entries()) value.set(uuidBytes(text), at * 16);
  return value;
}

/** A column with a value as JSON. */
export function json<Value>(row: SqlRow, column: string): Value {
  try {
    return JSON.parse(text(row, column));
  } catch (error) {
    throw damaged(column, error);
  }
}

/** A column that may be NULL, which reads as `undefined`. */
export function optional<Value>(
  row: SqlRow,
  column: string,
  read: (row: SqlRow, column: string) => Value,
): Value | undefined {
  return row[column] === null ? undefined : read(row, column);
}
