import type { Migration } from './migration.ts';

/** What answers to retry requests stood for. */
export const answers: Migration = {
  version: 8,
  statements: ["ALTER TABLE resend ADD COLUMN replaces TEXT NOT NULL DEFAULT '[]'"],
};
