import type { RecordKeys, RecordKind, Records } from '@sotto/sdk/ports';
import type { SqlRow, SqlStatement, SqlValue } from '../driver/sql-driver.ts';

/** How the records of one kind stand in tables. */
export interface RecordTable<Kind extends RecordKind> {
  /** The statements that add or replace a record. @param changed the only fields in which it differs from the stored one */
  put(record: Records[Kind], changed?: readonly (keyof Records[Kind])[]): readonly SqlStatement[];
  /** The statements that remove the record with this key, if there is one. */
  remove(key: RecordKeys[Kind]): readonly SqlStatement[];
  /** The query that finds the record with this key. */
  find(key: RecordKeys[Kind]): SqlStatement;
  /** The record of a row that `find`, or another query over all of the table's columns, gave. */
  read(row: SqlRow): Records[Kind];
}

type Encoders<Source> = Readonly<Record<string, (source: Source) => SqlValue>>;

/** What `recordTable` needs to know: columns by name, each with what of the record stands in it. */
export interface RecordTableDefinition<Kind extends RecordKind> {
  readonly table: string;
  readonly key: Encoders<RecordKeys[Kind]>;
  readonly fields: Encoders<Records[Kind]>;
  /** Fields that stand in other columns than the one of their name. */
  readonly spread?: { readonly [Field in keyof Records[Kind]]?: readonly string[] };
  readonly read: (row: SqlRow) => Records[Kind];
}

/**
 * The statement that adds a row, or replaces what the row with the same key holds in these columns.
 * @param changed the columns that are replaced: SQLite leaves the indexes over the others alone
 */
export function upsert(
  table: string,
  key: readonly string[],
  fields: readonly string[],
  changed: readonly string[] = fields,
): string {
  const columns = [...key, ...fields];
  const marks = columns.map(() => '?').join(', ');
  const updates = changed.map((column) => `${column} = excluded.${column}`).join(', ');
  return (
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks}) ` +
    `ON CONFLICT (${key.join(', ')}) DO ${updates === '' ? 'NOTHING' : `UPDATE SET ${updates}`}`
  );
}

/** The column of a field: its name in the other spelling. */
function columnOf(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A kind of record that is one row of one table. */
export function recordTable<Kind extends RecordKind>(definition: RecordTableDefinition<Kind>): RecordTable<Kind> {
  const { table, key, fields, spread, read } = definition;
  const where = Object.keys(key)
    .map((column) => `${column} = ?`)
    .join(' AND ');
  const columns = Object.keys(fields);
  const putSql = upsert(table, Object.keys(key), columns);
  const partialPuts = new Map<string, string>();
  const partialPutSql = (changed: readonly (keyof Records[Kind])[]) => {
    const name = changed.join();
    const known = partialPuts.get(name);
    if (known !== undefined) return known;
    const written = changed.flatMap((field) => spread?.[field] ?? columnOf(String(field)));
    if (written.some((column) => !columns.includes(column))) return putSql;
    const sql = upsert(table, Object.keys(key), columns, written);
    partialPuts.set(name, sql);
    return sql;
  };
  const removeSql = `DELETE FROM ${table} WHERE ${where}`;
  const findSql = `SELECT * FROM ${table} WHERE ${where}`;
  const keyEncoders = Object.values(key);
  const fieldEncoders = Object.values(fields);
  const keyParams = (source: RecordKeys[Kind]) => keyEncoders.map((encode) => encode(source));
  return {
    put: (record, changed) => {
      // Every message is put several times: one array, filled once.
      const params: SqlValue[] = [];
      for (const encode of keyEncoders) params.push(encode(record));
      for (const encode of fieldEncoders) params.push(encode(record));
      return [{ sql: changed === undefined ? putSql : partialPutSql(changed), params }];
    },
    remove: (source) => [{ sql: removeSql, params: keyParams(source) }],
    find: (source) => ({ sql: findSql, params: keyParams(source) }),
    read,
  };
}
