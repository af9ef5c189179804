import type { Migration } from './migration.ts';

/** What is asked for again and sent again, identity keys that wait to be accepted, and consumers of events that are gone. */
export const repairAndIdentity: Migration = {
  version: 5,
  statements: [
    // Empty = it can't be read from the envelope.
    "ALTER TABLE held ADD COLUMN sender BLOB NOT NULL DEFAULT X''",
    "ALTER TABLE held ADD COLUMN message_id BLOB NOT NULL DEFAULT X''",
    'ALTER TABLE held ADD COLUMN mendable INTEGER NOT NULL DEFAULT 0 CHECK (mendable IN (0, 1))',
    'ALTER TABLE held ADD COLUMN requests INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE held ADD COLUMN request_at INTEGER',
    'ALTER TABLE held ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0',
    'UPDATE held SET bytes = length(envelope)',
    'CREATE INDEX held_sender ON held (sender, mendable, held_at, digest, bytes)',
    'CREATE INDEX held_message ON held (message_id, digest)',
    'CREATE INDEX held_request ON held (request_at, digest) WHERE request_at IS NOT NULL',
    'ALTER TABLE identity ADD COLUMN verified_at INTEGER',
    'ALTER TABLE identity ADD COLUMN pending_key BLOB',
    'ALTER TABLE identity ADD COLUMN pending_at INTEGER',
    'ALTER TABLE identity ADD COLUMN pending_listed INTEGER CHECK (pending_listed IN (0, 1))',
    'ALTER TABLE chat ADD COLUMN identity_policy TEXT',
    "ALTER TABLE outbox ADD COLUMN kind TEXT NOT NULL DEFAULT 'content'",
    'ALTER TABLE cursor ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE cursor ADD COLUMN expired INTEGER NOT NULL DEFAULT 0 CHECK (expired IN (0, 1))',
    'DROP INDEX cursor_change_seq',
    'CREATE INDEX cursor_place ON cursor (change_seq) WHERE expired = 0',
    'CREATE INDEX cursor_used ON cursor (used_at, name) WHERE expired = 0',
    `CREATE TABLE resend (
      message_id BLOB NOT NULL CHECK (length(message_id) = 16),
      user_id BLOB NOT NULL CHECK (length(user_id) = 16),
      device_id INTEGER NOT NULL CHECK (device_id BETWEEN 1 AND 127),
      count INTEGER NOT NULL,
      at INTEGER NOT NULL,
      PRIMARY KEY (message_id, user_id, device_id)
    ) STRICT, WITHOUT ROWID`,
    'CREATE INDEX resend_age ON resend (at)',
    `CREATE TABLE repair (
      user_id BLOB NOT NULL CHECK (length(user_id) = 16),
      device_id INTEGER NOT NULL CHECK (device_id BETWEEN 1 AND 127),
      since INTEGER NOT NULL,
      requests INTEGER NOT NULL,
      resends INTEGER NOT NULL,
      renewals INTEGER NOT NULL,
      receipts INTEGER NOT NULL,
      PRIMARY KEY (user_id, device_id)
    ) STRICT, WITHOUT ROWID`,
  ],
};
