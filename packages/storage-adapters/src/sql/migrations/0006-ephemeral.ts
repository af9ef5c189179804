import type { Migration } from './migration.ts';

/** The secrets of ephemeral signals. */
export const ephemeral: Migration = {
  version: 6,
  statements: [
    // 0: of an own device, for them. 1: of a device of theirs.
    `CREATE TABLE ephemeral_secret (
      user_id BLOB NOT NULL CHECK (length(user_id) = 16),
      direction INTEGER NOT NULL CHECK (direction IN (0, 1)),
      device_id INTEGER NOT NULL CHECK (device_id BETWEEN 1 AND 127),
      secret BLOB NOT NULL,
      identity_key BLOB NOT NULL,
      device_list_version INTEGER NOT NULL,
      since INTEGER NOT NULL,
      known INTEGER NOT NULL CHECK (known IN (0, 1)),
      PRIMARY KEY (user_id, direction, device_id)
    ) STRICT, WITHOUT ROWID`,
  ],
};
