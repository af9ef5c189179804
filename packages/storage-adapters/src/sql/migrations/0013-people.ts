import type { Migration } from './migration.ts';

/** Blocked people, the profile key that they are not to have, whose request was declined, whether it is known whom the user accepts, since when the keys of others are known, and what holds in one chat only. */
export const people: Migration = {
  version: 13,
  statements: [
    'ALTER TABLE user ADD COLUMN blocked_at INTEGER',
    'CREATE INDEX user_blocked ON user (blocked_at DESC, id) WHERE blocked_at IS NOT NULL',
    `CREATE TABLE declined (
      user_id BLOB NOT NULL PRIMARY KEY CHECK (length(user_id) = 16),
      at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`,
    'CREATE INDEX declined_at ON declined (at, user_id)',
    'ALTER TABLE user ADD COLUMN profile_key_at INTEGER',
    'ALTER TABLE account ADD COLUMN next_profile_key BLOB',
    'ALTER TABLE account ADD COLUMN has_snapshot INTEGER NOT NULL DEFAULT 1 CHECK (has_snapshot IN (0, 1))',
    'ALTER TABLE chat ADD COLUMN muted_until INTEGER',
    'ALTER TABLE chat ADD COLUMN receipts INTEGER CHECK (receipts IN (0, 1))',
  ],
};
