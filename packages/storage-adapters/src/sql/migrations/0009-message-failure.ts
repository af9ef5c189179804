import type { Migration } from './migration.ts';

/** Why own messages failed. */
export const messageFailure: Migration = {
  version: 9,
  statements: ['ALTER TABLE message ADD COLUMN failure TEXT'],
};
