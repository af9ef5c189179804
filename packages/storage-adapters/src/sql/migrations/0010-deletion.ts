import type { Migration } from './migration.ts';

/** The end of the account, written down before the relay is asked. */
export const deletion: Migration = {
  version: 10,
  statements: ['ALTER TABLE account ADD COLUMN deletion BLOB'],
};
