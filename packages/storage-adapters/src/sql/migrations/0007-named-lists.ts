import type { Migration } from './migration.ts';

/** What people say of their device lists. */
export const namedLists: Migration = {
  version: 7,
  statements: [
    `CREATE TABLE named_list (
      user_id BLOB PRIMARY KEY CHECK (length(user_id) = 16),
      version INTEGER NOT NULL,
      hash BLOB NOT NULL,
      identity_key BLOB NOT NULL,
      forked INTEGER NOT NULL CHECK (forked IN (0, 1))
    ) STRICT, WITHOUT ROWID`,
  ],
};
