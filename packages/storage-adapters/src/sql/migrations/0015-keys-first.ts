import type { Migration } from './migration.ts';

/** By which rows of the outbox those who stay are given the key of an own change. */
export const keysFirst: Migration = {
  version: 15,
  statements: ["ALTER TABLE group_intent ADD COLUMN key_rows TEXT NOT NULL DEFAULT '[]'"],
};
