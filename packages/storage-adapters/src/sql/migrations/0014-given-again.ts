import type { Migration } from './migration.ts';

/** Keys of chains that are to be given once more, and what waits of a group's message. */
export const givenAgain: Migration = {
  version: 14,
  statements: [
    'ALTER TABLE sender_key_shared ADD COLUMN again INTEGER NOT NULL DEFAULT 0 CHECK (again IN (0, 1))',
    'CREATE INDEX outbox_of_group ON outbox (message_id) WHERE group_id IS NOT NULL',
  ],
};
