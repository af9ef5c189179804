import type { Migration } from './migration.ts';

/** Chats, messages, and what is on its way in and out. */
export const history: Migration = {
  version: 2,
  statements: [
    `CREATE TABLE chat (
      id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
      user_id BLOB CHECK (length(user_id) = 16),
      group_id BLOB CHECK (length(group_id) = 16),
      accepted INTEGER NOT NULL CHECK (accepted IN (0, 1)),
      next_seq INTEGER NOT NULL,
      activity INTEGER NOT NULL,
      last_message_id BLOB CHECK (length(last_message_id) = 16),
      unread INTEGER NOT NULL,
      read_position INTEGER NOT NULL,
      read_seq INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      CHECK ((user_id IS NULL) <> (group_id IS NULL))
    ) STRICT, WITHOUT ROWID`,
    'CREATE INDEX chat_activity ON chat (activity, id)',
    `CREATE TABLE stream (
      chat_id BLOB NOT NULL CHECK (length(chat_id) = 16),
      user_id BLOB NOT NULL CHECK (length(user_id) = 16),
      device_id INTEGER NOT NULL CHECK (device_id BETWEEN 1 AND 127),
      highest INTEGER NOT NULL,
      gaps TEXT NOT NULL,
      PRIMARY KEY (chat_id, user_id, device_id)
    ) STRICT, WITHOUT ROWID`,
    // `document` is what the full-text indexes know a message by: unlike a hidden rowid it survives a VACUUM.
    `CREATE TABLE message (
      document INTEGER PRIMARY KEY,
      id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
      sender_id BLOB NOT NULL CHECK (length(sender_id) = 16),
      receiver_id BLOB CHECK (length(receiver_id) = 16),
      group_id BLOB CHECK (length(group_id) = 16),
      has_files INTEGER NOT NULL CHECK (has_files IN (0, 1)),
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      text TEXT NOT NULL,
      unknown_content BLOB,
      nonce BLOB NOT NULL CHECK (length(nonce) = 16),
      chat_id BLOB NOT NULL CHECK (length(chat_id) = 16),
      sender_device INTEGER NOT NULL CHECK (sender_device BETWEEN 1 AND 127),
      seq INTEGER NOT NULL,
      position INTEGER NOT NULL,
      late INTEGER NOT NULL CHECK (late IN (0, 1)),
      state TEXT NOT NULL,
      accepted_at INTEGER,
      expires_at INTEGER,
      CHECK ((receiver_id IS NULL) <> (group_id IS NULL)),
      CHECK (text <> '' OR has_files = 1 OR unknown_content IS NOT NULL)
    ) STRICT`,
    'CREATE INDEX message_sender_receiver ON message (sender_id, receiver_id)',
    'CREATE INDEX message_place ON message (chat_id, position, seq, id)',
    `CREATE INDEX message_unread ON message (chat_id, position, seq, id) WHERE state = 'received'`,
    'CREATE INDEX message_expiry ON message (state, expires_at, id) WHERE expires_at IS NOT NULL',
    `CREATE TABLE receipt (
      message_id BLOB NOT NULL CHECK (length(message_id) = 16),
      user_id BLOB NOT NULL CHECK (length(user_id) = 16),
      state TEXT NOT NULL,
      at INTEGER NOT NULL,
      PRIMARY KEY (message_id, user_id)
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE outbox (
      id INTEGER PRIMARY KEY,
      chat_id BLOB NOT NULL CHECK (length(chat_id) = 16),
      recipient BLOB NOT NULL CHECK (length(recipient) = 16),
      message_id BLOB NOT NULL CHECK (length(message_id) = 16),
      visible INTEGER NOT NULL CHECK (visible IN (0, 1)),
      content BLOB NOT NULL,
      created_at INTEGER NOT NULL,
      attempt INTEGER NOT NULL,
      send_id BLOB,
      send BLOB,
      sealed_at INTEGER,
      CHECK ((send_id IS NULL) = (send IS NULL) AND (send_id IS NULL) = (sealed_at IS NULL))
    ) STRICT`,
    'CREATE INDEX outbox_chat ON outbox (chat_id, id)',
    `CREATE TABLE seen (
      key BLOB NOT NULL PRIMARY KEY,
      at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`,
    'CREATE INDEX seen_age ON seen (at)',
    `CREATE TABLE held (
      digest BLOB NOT NULL PRIMARY KEY,
      envelope BLOB NOT NULL,
      reason TEXT NOT NULL,
      held_at INTEGER NOT NULL,
      retries INTEGER NOT NULL
    ) STRICT`,
    'CREATE INDEX held_age ON held (held_at, digest)',
    `CREATE TABLE event (
      change_seq INTEGER PRIMARY KEY,
      at INTEGER NOT NULL,
      fact TEXT NOT NULL
    ) STRICT`,
    `CREATE TABLE cursor (
      name TEXT NOT NULL PRIMARY KEY,
      change_seq INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`,
    'CREATE INDEX cursor_change_seq ON cursor (change_seq)',
  ],
};
