import type { ConformanceRunner } from '@sotto/sdk/conformance';
import { SottoError } from '@sotto/sdk/ports';
import type { SqlDriver, SqlDriverOpener, SqlValue } from '../driver/sql-driver.ts';

/** An empty database of the driver under test. */
export interface SqlDriverHarness {
  /** Opens the database; what it holds survives closing and opening again. */
  readonly opener: SqlDriverOpener;
  /** Removes what is left. The drivers are closed by then. */
  dispose(): Promise<void>;
}

async function failureCode(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'it did not fail';
  } catch (error) {
    return error instanceof SottoError ? error.code : `another error: ${error}`;
  }
}

const insert = (key: SqlValue, value: SqlValue) => ({
  sql: 'INSERT INTO pair (key, value) VALUES (?, ?)',
  params: [key, value],
  expectRows: 1,
});
const select = 'SELECT key, value FROM pair ORDER BY key';

/** Holds a driver to the port `SqlDriver`: register it inside a test file of your runner. */
export function sqlDriverConformance(
  { describe, it, expect }: ConformanceRunner,
  makeHarness: () => Promise<SqlDriverHarness>,
): void {
  const withDriver = (body: (driver: SqlDriver, opener: SqlDriverOpener) => Promise<void>) => async () => {
    const harness = await makeHarness();
    try {
      const driver = await harness.opener.open();
      try {
        await driver.commit([
          { sql: 'CREATE TABLE pair (key INTEGER PRIMARY KEY, value ANY CHECK (value IS NOT 13)) STRICT', params: [] },
        ]);
        await body(driver, harness.opener);
      } finally {
        await driver.close();
      }
    } finally {
      await harness.dispose();
    }
  };

  describe('SqlDriver', () => {
    const values: Readonly<Record<string, SqlValue>> = {
      null: null,
      zero: 0,
      negative: -1,
      'over 32 bits': 2 ** 40,
      'the largest safe integer': Number.MAX_SAFE_INTEGER,
      'the smallest safe integer': Number.MIN_SAFE_INTEGER,
      'no text': '',
      'text with a NUL': 'a\u0000b',
      'text of every plane': 'aß你𝒳👩‍👩‍👧‍👦\u{10ffff}',
      'long text': 'é'.repeat(100_000),
      'no bytes': new Uint8Array(0),
      bytes: Uint8Array.from({ length: 256 }, (_, byte) => byte),
      'a part of a larger buffer': Uint8Array.of(1, 2, 3, 4, 5).subarray(1, 3),
    };
    for (const [name, value] of Object.entries(values)) {
      it(
        `a value comes back as it went in: ${name}`,
        withDriver(async (driver, opener) => {
          await driver.commit([insert(1, value)]);
          expect(await driver.query(select, [])).toEqual([{ key: 1, value }]);
          expect(await driver.query('SELECT key FROM pair WHERE value IS ?', [value])).toEqual([{ key: 1 }]);
          await driver.close();
          const again = await opener.open();
          expect(await again.query(select, [])).toEqual([{ key: 1, value }]);
          await again.close();
        }),
      );
    }

    it(
      'a commit is whole, whichever statement fails, and the next one works',
      withDriver(async (driver) => {
        await driver.commit([insert(1, 'kept')]);
        const attempts: readonly (readonly [string, Parameters<SqlDriver['commit']>[0]])[] = [
          ['argument-invalid', [insert(2, 'a'), insert(3, 13), insert(4, 'b')]],
          ['argument-invalid', [insert(2, 'a'), insert(1, 'again')]],
          ['internal', [insert(2, 'a'), { sql: 'DELETE FROM nowhere', params: [] }]],
          ['internal', [insert(2, 'a'), { sql: 'no SQL at all', params: [] }]],
        ];
        for (const [code, statements] of attempts) {
          expect(await failureCode(driver.commit(statements))).toBe(code);
          expect(await driver.query(select, [])).toEqual([{ key: 1, value: 'kept' }]);
        }
        await driver.commit([insert(2, 'a')]);
        expect((await driver.query(select, [])).length).toBe(2);
      }),
    );

    it(
      'another number of changed rows than expected undoes everything',
      withDriver(async (driver) => {
        await driver.commit([insert(1, 'a'), insert(2, 'a')]);
        const update = "UPDATE pair SET value = 'b' WHERE value = ?";
        const tries: readonly (readonly [SqlValue, number])[] = [
          ['nobody', 1],
          ['a', 1],
          ['a', 3],
          ['a', 0],
        ];
        for (const [value, expectRows] of tries) {
          const statements = [insert(3, 'x'), { sql: update, params: [value], expectRows }, insert(4, 'x')];
          expect(await failureCode(driver.commit(statements))).toBe('store-fenced');
          expect((await driver.query(select, [])).length).toBe(2);
        }
        await driver.commit([{ sql: update, params: ['a'], expectRows: 2 }]);
        await driver.commit([{ sql: update, params: ['nobody'], expectRows: 0 }]);
        await driver.commit([{ sql: update, params: ['nobody'] }]);
        expect((await driver.query("SELECT key FROM pair WHERE value = 'b'", [])).length).toBe(2);
      }),
    );

    it(
      'calls that are not waited for take effect in their order',
      withDriver(async (driver) => {
        const commits = Array.from({ length: 20 }, (_, key) => driver.commit([insert(key, key + 100)]));
        const seen = driver.query('SELECT count(*) AS rows FROM pair', []);
        const failing = failureCode(driver.commit([insert(0, 'again')]));
        await Promise.all(commits);
        expect(await seen).toEqual([{ rows: 20 }]);
        expect(await failing).toBe('argument-invalid');
      }),
    );

    it(
      'has full-text search: words, prefixes and substrings',
      withDriver(async (driver) => {
        await driver.commit([
          { sql: "CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'unicode61', prefix = '2 3')", params: [] },
          { sql: "CREATE VIRTUAL TABLE parts USING fts5 (text, tokenize = 'trigram')", params: [] },
          { sql: 'INSERT INTO words (text) VALUES (?)', params: ['Привет, мир'] },
          { sql: 'INSERT INTO parts (text) VALUES (?)', params: ['Привет, мир'] },
        ]);
        expect((await driver.query('SELECT rowid FROM words WHERE words MATCH ?', ['при*'])).length).toBe(1);
        expect((await driver.query('SELECT rowid FROM parts WHERE parts MATCH ?', ['вет'])).length).toBe(1);
      }),
    );

    it(
      'one opening at a time; closing is idempotent and lets the next one in',
      withDriver(async (driver, opener) => {
        expect(await failureCode(opener.open())).toBe('store-locked');
        await driver.commit([insert(1, 1)]);
        await Promise.all([driver.close(), driver.close()]);
        expect(await failureCode(driver.query(select, []))).toBe('store-closed');
        expect(await failureCode(driver.commit([]))).toBe('store-closed');
        const again = await opener.open();
        expect((await again.query(select, [])).length).toBe(1);
        await again.close();
      }),
    );
  });
}
