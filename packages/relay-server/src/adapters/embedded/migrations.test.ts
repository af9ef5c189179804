import SqliteDatabase from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { migrate, schemaVersion } from './migrations.ts';

/** Every table and index, as it was declared. */
function schemaOf(database: SqliteDatabase.Database): unknown {
  return database.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name').all();
}

describe('the schema', () => {
  it.each(Array.from({ length: schemaVersion }, (_, version) => version))(
    'is the same from version %i on',
    (version) => {
      const [fresh, older] = [new SqliteDatabase(':memory:'), new SqliteDatabase(':memory:')];
      migrate(fresh);
      migrate(older, version);
      expect(older.pragma('user_version', { simple: true })).toBe(version);
      migrate(older);
      expect(schemaOf(older)).toEqual(schemaOf(fresh));
      expect(older.pragma('user_version', { simple: true })).toBe(schemaVersion);
    },
  );
});
