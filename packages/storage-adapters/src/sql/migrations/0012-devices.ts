import type { Migration } from './migration.ts';

const columns = `slot, user_id, device_id, number, username, registration_id, identity_key_pair, device_private_key, root_secret,
      device_list, profile_key, refresh_token, next_refresh_token, access_token, access_expires_at, created_at, ended, deletion`;

/** Linked devices, which have no root secret; why a session has ended; own lists on their way; when own devices were heard of; whether others have begun anew; certificates. */
export const devices: Migration = {
  version: 12,
  statements: [
    `CREATE TABLE own_account (
      slot INTEGER PRIMARY KEY CHECK (slot IN (0, 1)),
      user_id BLOB NOT NULL CHECK (length(user_id) = 16),
      device_id INTEGER NOT NULL CHECK (device_id BETWEEN 1 AND 127),
      number TEXT NOT NULL,
      username TEXT NOT NULL,
      registration_id INTEGER NOT NULL,
      identity_key_pair BLOB NOT NULL,
      device_private_key BLOB NOT NULL,
      root_secret BLOB,
      device_list BLOB NOT NULL,
      profile_key BLOB NOT NULL,
      refresh_token BLOB NOT NULL,
      next_refresh_token BLOB,
      access_token TEXT NOT NULL,
      access_expires_at INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      ended INTEGER NOT NULL CHECK (ended IN (0, 1)),
      end_reason TEXT,
      deletion BLOB,
      -- Newest first: 69 bytes of a key pair and 8 of a time, one after another.
      former_identities BLOB NOT NULL DEFAULT x'' CHECK (length(former_identities) % 77 = 0)
    ) STRICT`,
    `INSERT INTO own_account (${columns})
      SELECT ${columns} FROM account`,
    'DROP TABLE account',
    'ALTER TABLE own_account RENAME TO account',
    `CREATE TABLE own_device (
      device_id INTEGER PRIMARY KEY CHECK (device_id BETWEEN 1 AND 127),
      heard_at INTEGER NOT NULL
    ) STRICT`,
    `CREATE TABLE list_intent (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      signed BLOB NOT NULL,
      identity_key_pair BLOB,
      created_at INTEGER NOT NULL
    ) STRICT`,
    'ALTER TABLE device_list ADD COLUMN begun_anew INTEGER NOT NULL DEFAULT 0 CHECK (begun_anew IN (0, 1))',
    // The roots stand one after another, 33 bytes each.
    `CREATE TABLE certificate (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      trust_roots BLOB NOT NULL CHECK (length(trust_roots) % 33 = 0),
      certificate BLOB,
      expires_at INTEGER NOT NULL
    ) STRICT`,
  ],
};
