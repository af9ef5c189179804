import type { Migration } from './migration.ts';

/** What answers to retry requests stood for: the 16 bytes of each id, one after another. */
export const answers: Migration = {
  version: 8,
  statements: ["ALTER TABLE resend ADD COLUMN replaces BLOB NOT NULL DEFAULT x''"],
};
