import type { Migration } from './migration.ts';

/** The owner of the store, the account, people and keys. */
export const accountAndKeys: Migration = {
  version: 1,
  statements: [
    // One row. Its counters outlive the records that raised them.
    `CREATE TABLE owner (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      epoch INTEGER NOT NULL,
      position INTEGER NOT NULL,
      outbox INTEGER NOT NULL,
      change_seq INTEGER NOT NULL
    ) STRICT`,
    'INSERT INTO owner (id, epoch, position, outbox, change_seq) VALUES (1, 0, 0, 0, 0)',
    // Slot 0 is the account, slot 1 the one that a registration under way will make.
    `CREATE TABLE account (
      slot INTEGER PRIMARY KEY CHECK (slot IN (0, 1)),
      user_id BLOB NOT NULL CHECK (length(user_id) = 16),
      device_id INTEGER NOT NULL CHECK (device_id BETWEEN 1 AND 127),
      number TEXT NOT NULL,
      username TEXT NOT NULL,
      registration_id INTEGER NOT NULL,
      identity_key_pair BLOB NOT NULL,
      device_private_key BLOB NOT NULL,
      root_secret BLOB NOT NULL,
      device_list BLOB NOT NULL,
      profile_key BLOB NOT NULL,
      refresh_token BLOB NOT NULL,
      next_refresh_token BLOB,
      access_token TEXT NOT NULL,
      access_expires_at INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      ended INTEGER NOT NULL CHECK (ended IN (0, 1))
    ) STRICT`,
    `CREATE TABLE registration (
      slot INTEGER PRIMARY KEY CHECK (slot = 1),
      phone TEXT NOT NULL,
      verification_id TEXT NOT NULL,
      expires_at INTEGER NOT NULL,
      request TEXT
    ) STRICT`,
    `CREATE TABLE user (
      id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
      username TEXT NOT NULL CHECK (length(username) <= 50),
      number TEXT NOT NULL,
      avatar TEXT,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      profile_key BLOB,
      avatar_hash BLOB,
      returns_receipts INTEGER NOT NULL CHECK (returns_receipts IN (0, 1))
    ) STRICT, WITHOUT ROWID`,
    `CREATE INDEX user_number ON user (number, updated_at, id) WHERE number <> ''`,
    `CREATE TABLE device_list (
      user_id BLOB NOT NULL PRIMARY KEY CHECK (length(user_id) = 16),
      root_key BLOB NOT NULL,
      version INTEGER NOT NULL,
      hash BLOB NOT NULL,
      signed BLOB NOT NULL
    ) STRICT`,
    `CREATE TABLE identity (
      user_id BLOB NOT NULL PRIMARY KEY CHECK (length(user_id) = 16),
      key BLOB NOT NULL,
      first_seen_at INTEGER NOT NULL,
      changed_at INTEGER
    ) STRICT, WITHOUT ROWID`,
    // With a rowid, like every table of large rows: those are clumsy in the tree of a key.
    `CREATE TABLE session (
      user_id BLOB NOT NULL CHECK (length(user_id) = 16),
      device_id INTEGER NOT NULL CHECK (device_id BETWEEN 1 AND 127),
      record BLOB NOT NULL,
      chains TEXT NOT NULL,
      PRIMARY KEY (user_id, device_id)
    ) STRICT`,
    `CREATE TABLE prekey (
      kind TEXT NOT NULL,
      id INTEGER NOT NULL,
      record BLOB NOT NULL,
      created_at INTEGER NOT NULL,
      replaced_at INTEGER,
      uploaded INTEGER NOT NULL CHECK (uploaded IN (0, 1)),
      PRIMARY KEY (kind, id)
    ) STRICT`,
    'CREATE INDEX prekey_age ON prekey (created_at, kind, id)',
    `CREATE TABLE kyber_use (
      kyber_id INTEGER NOT NULL,
      signed_id INTEGER NOT NULL,
      base_key BLOB NOT NULL,
      used_at INTEGER NOT NULL,
      PRIMARY KEY (kyber_id, signed_id, base_key)
    ) STRICT, WITHOUT ROWID`,
    'CREATE INDEX kyber_use_age ON kyber_use (used_at)',
  ],
};
