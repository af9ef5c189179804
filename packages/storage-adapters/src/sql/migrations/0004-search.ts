import type { Migration } from './migration.ts';

/** Two full-text indexes over one column: words with their prefixes, and substrings. They keep no copy of the text. */
const indexes = (table: string, column: string) =>
  [
    [`${table}_words`, `tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'`],
    [`${table}_trigrams`, `tokenize = 'trigram'`],
  ].flatMap(([name, options]) => [
    `CREATE VIRTUAL TABLE ${name} USING fts5 (${column}, content = '${table}', content_rowid = 'document', ${options})`,
    // What is deleted leaves the index at once, not at the next merge.
    `INSERT INTO ${name} (${name}, rank) VALUES ('secure-delete', 1)`,
  ]);

const add = (table: string, column: string) =>
  ['words', 'trigrams']
    .map((kind) => `INSERT INTO ${table}_${kind} (rowid, ${column}) VALUES (new.document, new.${column});`)
    .join('\n      ');

const remove = (table: string, column: string, condition = '') =>
  ['words', 'trigrams']
    .map((kind) => `${table}_${kind}`)
    .map(
      (name) =>
        `INSERT INTO ${name} (${name}, rowid, ${column}) SELECT 'delete', old.document, old.${column}${condition};`,
    )
    .join('\n      ');

const indexed = '(SELECT indexed FROM search_progress)';
const lastDocument = '(SELECT coalesce(max(document), 0) FROM message)';

/**
 * Full-text search over messages and titles of groups.
 *
 * Indexing a message in the commit that stores it would cost several times as much as storing it. So messages are indexed later, in
 * the order of `document`, and `search_progress` says how far that is: all up to there are indexed, none above. The triggers keep that
 * true when an indexed one changes or goes, and when the last one goes, whose number the next one is given.
 */
export const search: Migration = {
  version: 4,
  statements: [
    ...indexes('message', 'text'),
    `CREATE TABLE search_progress (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      indexed INTEGER NOT NULL
    ) STRICT`,
    'INSERT INTO search_progress (id, indexed) VALUES (1, 0)',
    `CREATE TRIGGER message_text_changed AFTER UPDATE OF text ON message
      WHEN old.text IS NOT new.text AND old.document <= ${indexed} BEGIN
      ${remove('message', 'text')}
      ${add('message', 'text')}
    END`,
    `CREATE TRIGGER message_deleted AFTER DELETE ON message BEGIN
      ${remove('message', 'text', ` WHERE old.document <= ${indexed}`)}
      UPDATE search_progress SET indexed = ${lastDocument} WHERE indexed > ${lastDocument};
    END`,
    ...indexes('group', 'title'),
    `CREATE TRIGGER group_added AFTER INSERT ON "group" BEGIN
      ${add('group', 'title')}
    END`,
    `CREATE TRIGGER group_title_changed AFTER UPDATE OF title ON "group" WHEN old.title IS NOT new.title BEGIN
      ${remove('group', 'title')}
      ${add('group', 'title')}
    END`,
    `CREATE TRIGGER group_deleted AFTER DELETE ON "group" BEGIN
      ${remove('group', 'title')}
    END`,
  ],
};
