import type { Database } from 'better-sqlite3';
import { RelayError } from '../../relay-error.ts';
import { digestOfEndedUser } from '../ended-user.ts';

/** Marks a file as a relay's database ("Sott"), in SQLite's `application_id`. */
const applicationId = 0x536f7474;

/**
 * The schema, step by step; the number of steps that a file has seen is its `user_version`. A step that was released never changes.
 *
 * Devices have an integer key, which is never used again, so that mail is small; a row without a registration id stands for an address that no list names (any more).
 * Mail is an ordinary table with an index by device: a table keyed by (device, seq) took more than twice as long for appends and acks, since envelopes swell its inner pages.
 * Its numbers are given by the one process that writes it: AUTOINCREMENT would write a second table for each entry.
 * A send has one receipt, whatever it has of recipients, so that inserting it tells whether the send was there before. Its key begins with the send id, whose first bytes clients take from their clock:
 * so receipts of one time lie together whoever sent, and a commit writes few pages for many. What removed devices have sent is found by a walk.
 * On which day a device was connected last stands there only where an account has several: for the one that is not used any more.
 * An end that envelopes of one send share has a row of its own, without a count of those that point to it: an index that only they are in tells whether one is left, and mail to one device pays nothing for it.
 * Of a group the relay has no title, avatar or creator: they are sealed in its records, which name nobody. The members' table also has those who were members, since they may read up to their end, and who only asked to join.
 * Its joined_at and left_at are revisions of the log; removed_at is a time.
 * Why the session of a device that is gone has ended stands by the hash of its last refresh token alone: nothing leads from there to its account. It has no time before a sweep has found it.
 * Where avatars of groups stand is kept by the group's id, since one may come before the first record; the one without an end is current.
 */
const steps: readonly string[] = [
  `
  CREATE TABLE account (
    user_id BLOB PRIMARY KEY CHECK (length(user_id) = 16),
    number_mac BLOB NOT NULL UNIQUE,
    number_ciphertext BLOB NOT NULL,
    idempotency_key BLOB NOT NULL UNIQUE,
    request_hash BLOB NOT NULL,
    list_version INTEGER NOT NULL,
    list_signed BLOB NOT NULL,
    list_hash BLOB NOT NULL,
    root_key BLOB NOT NULL,
    identity_key BLOB NOT NULL,
    profile BLOB NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE ended_account (user_id BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;

  CREATE TABLE device (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id BLOB NOT NULL,
    device_id INTEGER NOT NULL CHECK (device_id BETWEEN 1 AND 127),
    registration_id INTEGER,
    UNIQUE (user_id, device_id)
  ) STRICT;

  CREATE TABLE verification (
    id TEXT PRIMARY KEY,
    number_mac BLOB NOT NULL,
    number_ciphertext BLOB NOT NULL,
    code_mac BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    claim BLOB,
    is_void INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX verification_by_number ON verification (number_mac);
  CREATE INDEX verification_by_end ON verification (expires_at);

  CREATE TABLE refresh_token (
    hash BLOB PRIMARY KEY,
    device INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,
    successor BLOB,
    replaced_at INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX refresh_token_by_device ON refresh_token (device);
  CREATE INDEX refresh_token_by_replacement ON refresh_token (replaced_at) WHERE replaced_at IS NOT NULL;

  CREATE TABLE access_token (
    hash BLOB PRIMARY KEY,
    device INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX access_token_by_device ON access_token (device);
  CREATE INDEX access_token_by_end ON access_token (expires_at);

  CREATE TABLE standing_prekey (
    device INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,
    kind INTEGER NOT NULL,
    id INTEGER NOT NULL,
    public_key BLOB NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (device, kind)
  ) STRICT;

  CREATE TABLE one_time_prekey (
    device INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,
    kind INTEGER NOT NULL,
    id INTEGER NOT NULL,
    public_key BLOB NOT NULL,
    signature BLOB,
    PRIMARY KEY (device, kind, id)
  ) STRICT;

  CREATE TABLE taken_prekey (
    device INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,
    kind INTEGER NOT NULL,
    id INTEGER NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (device, kind, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE mail (
    seq INTEGER PRIMARY KEY,
    device INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,
    secret BLOB NOT NULL,
    accepted_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    envelope BLOB NOT NULL
  ) STRICT;
  CREATE INDEX mail_by_device ON mail (device);
  CREATE INDEX mail_by_end ON mail (expires_at);

  CREATE TABLE receipt (
    send BLOB PRIMARY KEY,
    accepted_at INTEGER NOT NULL,
    rest BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX receipt_by_time ON receipt (accepted_at);
  `,
  `
  ALTER TABLE mail ADD COLUMN stranger INTEGER NOT NULL DEFAULT 0 CHECK (stranger IN (0, 1));
  `,
  `
  ALTER TABLE account ADD COLUMN access_key_hash BLOB;
  `,
  `
  ALTER TABLE account ADD COLUMN heard_at INTEGER;
  ALTER TABLE account ADD COLUMN lock_salt BLOB;
  ALTER TABLE account ADD COLUMN lock_mac BLOB;
  ALTER TABLE account ADD COLUMN lock_tries INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE account ADD COLUMN lock_wait_until INTEGER NOT NULL DEFAULT 0;

  CREATE TABLE ended_user (digest BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
  INSERT INTO ended_user SELECT digest_of_ended_user(user_id) FROM ended_account;
  DROP TABLE ended_account;
  `,
  `
  CREATE TABLE sent (
    send BLOB PRIMARY KEY,
    accepted_at INTEGER NOT NULL,
    rest BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO sent SELECT CAST(substr(send, 9) || substr(send, 1, 8) AS BLOB), accepted_at, rest FROM receipt;
  DROP TABLE receipt;
  ALTER TABLE sent RENAME TO receipt;
  CREATE INDEX receipt_by_time ON receipt (accepted_at);

  CREATE TABLE ended_sender (id INTEGER PRIMARY KEY, sender BLOB NOT NULL) STRICT;
  `,
  `
  CREATE TABLE deletion_receipt (receipt BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE unswept_user (user_id BLOB PRIMARY KEY, ended_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE "group" (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 32),
    revision INTEGER NOT NULL,
    key_epoch INTEGER NOT NULL,
    key_commitment BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE user_group (
    group_key INTEGER NOT NULL REFERENCES "group" (key) ON DELETE CASCADE,
    user_id BLOB NOT NULL CHECK (length(user_id) = 16),
    joined_at INTEGER,
    left_at INTEGER CHECK (left_at IS NULL OR joined_at IS NOT NULL),
    removed_at INTEGER,
    reads_after INTEGER NOT NULL,
    used_invite BLOB,
    PRIMARY KEY (group_key, user_id DESC)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX user_group_by_user ON user_group (user_id);

  CREATE TABLE group_record (
    group_key INTEGER NOT NULL REFERENCES "group" (key) ON DELETE CASCADE,
    revision INTEGER NOT NULL,
    record BLOB NOT NULL,
    PRIMARY KEY (group_key, revision)
  ) STRICT;

  CREATE TABLE group_checkpoint (
    group_key INTEGER PRIMARY KEY REFERENCES "group" (key) ON DELETE CASCADE,
    revision INTEGER NOT NULL,
    sealed BLOB NOT NULL
  ) STRICT;

  CREATE TABLE group_invite (
    group_key INTEGER PRIMARY KEY REFERENCES "group" (key) ON DELETE CASCADE,
    token_hash BLOB NOT NULL,
    revision INTEGER NOT NULL,
    sealed BLOB NOT NULL
  ) STRICT;

  CREATE TABLE group_avatar (
    group_id BLOB NOT NULL CHECK (length(group_id) = 32),
    location BLOB NOT NULL CHECK (length(location) = 32),
    added_at INTEGER NOT NULL,
    until INTEGER,
    PRIMARY KEY (group_id, location)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX group_avatar_by_end ON group_avatar (until) WHERE until IS NOT NULL;
  `,
  `
  CREATE TABLE shared_mail (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
  ALTER TABLE mail ADD COLUMN shared INTEGER;
  ALTER TABLE mail ADD COLUMN shared_size INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX mail_by_shared ON mail (shared) WHERE shared IS NOT NULL;
  `,
  `
  ALTER TABLE device ADD COLUMN seen_day INTEGER;
  ALTER TABLE device ADD COLUMN is_idle INTEGER NOT NULL DEFAULT 0 CHECK (is_idle IN (0, 1));
  ALTER TABLE device ADD COLUMN is_keyless INTEGER NOT NULL DEFAULT 0 CHECK (is_keyless IN (0, 1));
  CREATE INDEX device_by_day ON device (seen_day) WHERE seen_day IS NOT NULL;

  CREATE TABLE ended_token (hash BLOB PRIMARY KEY, reason TEXT NOT NULL, found_at INTEGER) STRICT, WITHOUT ROWID;
  CREATE INDEX ended_token_by_time ON ended_token (found_at);

  CREATE TABLE device_join (
    idempotency_key BLOB PRIMARY KEY,
    request_hash BLOB NOT NULL,
    device INTEGER NOT NULL UNIQUE REFERENCES device (id) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  `,
];

/** The schema version that this relay writes. */
export const schemaVersion = steps.length;

/**
 * Brings a file to this relay's schema, or to the older one of version `to`; each step happens whole or not at all.
 * @throws {RelayError} `store-newer` when a later relay wrote it, `store-corrupt` when it is some other program's
 */
export function migrate(database: Database, to = schemaVersion): void {
  const version = Number(database.pragma('user_version', { simple: true }));
  if (version > schemaVersion) {
    throw new RelayError(
      'store-newer',
      `the relay's database has schema ${version}, this relay knows ${schemaVersion}: run the newer relay`,
    );
  }
  const owner = Number(database.pragma('application_id', { simple: true }));
  const isEmpty = database.prepare('SELECT 1 FROM sqlite_schema').get() === undefined;
  if (isEmpty ? version !== 0 : owner !== applicationId) {
    throw new RelayError(
      'store-corrupt',
      "this database isn't a relay's: restore the relay's from a backup, or move this file away to start empty",
    );
  }
  database.function('digest_of_ended_user', { deterministic: true }, (userId) => digestOfEndedUser(userId as Buffer));
  for (const [index, step] of steps.entries()) {
    if (index < version || index >= to) continue;
    database.transaction(() => {
      database.exec(step);
      database.pragma(`application_id = ${applicationId}`);
      database.pragma(`user_version = ${index + 1}`);
    })();
  }
}
