import type { Migration } from './migration.ts';

/** Groups as their logs are evaluated, sender keys, and messages that go to groups. */
export const groups: Migration = {
  version: 11,
  statements: [
    'ALTER TABLE "group" ADD COLUMN wire_id BLOB NOT NULL DEFAULT X\'\'',
    'ALTER TABLE "group" ADD COLUMN revision INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE "group" ADD COLUMN known_revision INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE "group" ADD COLUMN standing TEXT NOT NULL DEFAULT \'member\'',
    'ALTER TABLE "group" ADD COLUMN added_by BLOB CHECK (length(added_by) = 16)',
    'ALTER TABLE "group" ADD COLUMN forked_at INTEGER',
    'ALTER TABLE "group" ADD COLUMN forked_by BLOB CHECK (length(forked_by) = 16)',
    'ALTER TABLE "group" ADD COLUMN forked_revision INTEGER',
    'ALTER TABLE "group" ADD COLUMN fork_accepted INTEGER CHECK (fork_accepted IN (0, 1))',
    'ALTER TABLE "group" ADD COLUMN checkpoint_revision INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE "group" ADD COLUMN checkpoint_epoch INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE "group" ADD COLUMN waiting_epoch INTEGER',
    'ALTER TABLE "group" ADD COLUMN waiting_commitment BLOB',
    'ALTER TABLE "group" ADD COLUMN waiting_since INTEGER',
    'ALTER TABLE "group" ADD COLUMN waiting_asked INTEGER',
    'ALTER TABLE "group" ADD COLUMN waiting_ask_at INTEGER',
    'ALTER TABLE "group" ADD COLUMN head BLOB NOT NULL DEFAULT X\'\'',
    // Last, as the longest: what stands before it is read without it.
    'ALTER TABLE "group" ADD COLUMN state BLOB NOT NULL DEFAULT X\'\'',
    'CREATE INDEX group_behind ON "group" (id) WHERE known_revision > revision OR waiting_epoch IS NOT NULL',
    'CREATE INDEX chat_group_request ON chat (activity DESC, id DESC) WHERE group_id IS NOT NULL AND accepted = 0',
    // Without the reference that it had: members are learnt and forgotten in the same commit as their group, in any order.
    `CREATE TABLE member (
      id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
      user_id BLOB NOT NULL CHECK (length(user_id) = 16),
      group_id BLOB NOT NULL CHECK (length(group_id) = 16),
      joined_at INTEGER NOT NULL,
      left_at INTEGER,
      left_seen_at INTEGER,
      passed_up_to INTEGER NOT NULL DEFAULT 0,
      gone_at INTEGER,
      UNIQUE (group_id, user_id)
    ) STRICT, WITHOUT ROWID`,
    'INSERT INTO member (id, user_id, group_id, joined_at) SELECT id, user_id, group_id, 1 FROM user_group',
    'DROP TABLE user_group',
    'ALTER TABLE member RENAME TO user_group',
    'CREATE INDEX user_group_user ON user_group (user_id, group_id)',
    `CREATE TABLE group_key (
      group_id BLOB NOT NULL CHECK (length(group_id) = 16),
      key_epoch INTEGER NOT NULL,
      key_commitment BLOB NOT NULL,
      key BLOB NOT NULL,
      evaluated INTEGER NOT NULL CHECK (evaluated IN (0, 1)),
      PRIMARY KEY (group_id, key_epoch, key_commitment)
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE group_head (
      group_id BLOB NOT NULL CHECK (length(group_id) = 16),
      revision INTEGER NOT NULL,
      head BLOB NOT NULL,
      said_by BLOB CHECK (length(said_by) = 16),
      PRIMARY KEY (group_id, revision)
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE group_intent (
      group_id BLOB NOT NULL PRIMARY KEY CHECK (length(group_id) = 16),
      revision INTEGER NOT NULL,
      key_epoch INTEGER NOT NULL,
      key BLOB,
      invite_key BLOB,
      created_at INTEGER NOT NULL,
      welcomed BLOB NOT NULL,
      added BLOB NOT NULL,
      removed BLOB NOT NULL,
      operations BLOB NOT NULL,
      record BLOB NOT NULL
    ) STRICT`,
    `CREATE TABLE sender_key (
      user_id BLOB NOT NULL CHECK (length(user_id) = 16),
      device_id INTEGER NOT NULL CHECK (device_id BETWEEN 1 AND 127),
      distribution_id BLOB NOT NULL CHECK (length(distribution_id) = 16),
      group_id BLOB NOT NULL CHECK (length(group_id) = 16),
      created_at INTEGER NOT NULL,
      record BLOB NOT NULL,
      chains TEXT NOT NULL,
      PRIMARY KEY (user_id, device_id, distribution_id)
    ) STRICT`,
    'CREATE INDEX sender_key_group ON sender_key (group_id, user_id, device_id, created_at, distribution_id)',
    `CREATE TABLE own_chain (
      group_id BLOB NOT NULL PRIMARY KEY CHECK (length(group_id) = 16),
      distribution_id BLOB NOT NULL CHECK (length(distribution_id) = 16),
      created_at INTEGER NOT NULL,
      messages INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE sender_key_shared (
      distribution_id BLOB NOT NULL CHECK (length(distribution_id) = 16),
      user_id BLOB NOT NULL CHECK (length(user_id) = 16),
      device_id INTEGER NOT NULL CHECK (device_id BETWEEN 1 AND 127),
      registration_id INTEGER NOT NULL,
      at INTEGER NOT NULL,
      PRIMARY KEY (distribution_id, user_id, device_id)
    ) STRICT, WITHOUT ROWID`,
    'ALTER TABLE message ADD COLUMN recipients INTEGER',
    'ALTER TABLE message ADD COLUMN revision INTEGER',
    'ALTER TABLE held ADD COLUMN group_id BLOB CHECK (length(group_id) = 16)',
    // What is held is tried again in the order in which it came: of what was held before, by its age.
    'ALTER TABLE held ADD COLUMN arrival INTEGER NOT NULL DEFAULT 0',
    `UPDATE held SET arrival = placed.place
      FROM (SELECT digest, row_number() OVER (ORDER BY held_at, digest) AS place FROM held) AS placed
      WHERE placed.digest = held.digest`,
    'UPDATE owner SET position = max(position, (SELECT coalesce(max(arrival), 0) FROM held))',
    'DROP INDEX held_age',
    'DROP INDEX held_sender',
    'CREATE INDEX held_arrival ON held (arrival)',
    'CREATE INDEX held_sender ON held (sender, mendable, arrival, bytes)',
    'CREATE INDEX held_group ON held (group_id, arrival) WHERE group_id IS NOT NULL',
    // SQLite can't take a NOT NULL away: what goes to a group has no recipient.
    `CREATE TABLE queue (
      id INTEGER PRIMARY KEY,
      chat_id BLOB NOT NULL CHECK (length(chat_id) = 16),
      recipient BLOB CHECK (length(recipient) = 16),
      group_id BLOB CHECK (length(group_id) = 16),
      message_id BLOB NOT NULL CHECK (length(message_id) = 16),
      kind TEXT NOT NULL DEFAULT 'content',
      visible INTEGER NOT NULL CHECK (visible IN (0, 1)),
      part_id INTEGER,
      content BLOB NOT NULL,
      created_at INTEGER NOT NULL,
      attempt INTEGER NOT NULL,
      send_id BLOB,
      send BLOB,
      sealed_at INTEGER,
      CHECK (recipient IS NOT NULL OR group_id IS NOT NULL),
      CHECK ((send_id IS NULL) = (send IS NULL) AND (send_id IS NULL) = (sealed_at IS NULL))
    ) STRICT`,
    `INSERT INTO queue (id, chat_id, recipient, message_id, kind, visible, content, created_at, attempt, send_id, send, sealed_at)
      SELECT id, chat_id, recipient, message_id, kind, visible, content, created_at, attempt, send_id, send, sealed_at FROM outbox`,
    'DROP TABLE outbox',
    'ALTER TABLE queue RENAME TO outbox',
    'CREATE INDEX outbox_chat ON outbox (chat_id, id)',
    // What many rows have in common, once: without it a group of 1,024 would be welcomed with 100 MB.
    'CREATE TABLE outbox_part (id INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT',
    'CREATE INDEX outbox_of_part ON outbox (part_id) WHERE part_id IS NOT NULL',
    `CREATE TRIGGER outbox_part_goes AFTER DELETE ON outbox WHEN old.part_id IS NOT NULL
      BEGIN
        DELETE FROM outbox_part
        WHERE id = old.part_id AND NOT EXISTS (SELECT 1 FROM outbox WHERE part_id = old.part_id);
      END`,
  ],
};
