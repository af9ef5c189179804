import type { Migration } from './migration.ts';

const metadata = (table: string, columns: string) => `CREATE TABLE ${table} (
      id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
      url TEXT NOT NULL,
      ${columns}
    ) STRICT, WITHOUT ROWID`;

/** Bodies stand in files beside the database: \`file\` names one, and is NULL until it was fetched. */
const binary = (table: string) => `CREATE TABLE ${table} (
      url TEXT NOT NULL PRIMARY KEY,
      file TEXT
    ) STRICT, WITHOUT ROWID`;

const described = `title TEXT NOT NULL,
      format TEXT NOT NULL,
      size INTEGER NOT NULL CHECK (size > 0)`;

/** The tables of groups, calls and files. */
export const groupsCallsFiles: Migration = {
  version: 3,
  statements: [
    `CREATE TABLE "group" (
      document INTEGER PRIMARY KEY,
      id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
      title TEXT NOT NULL CHECK (length(title) <= 25),
      avatar TEXT,
      admin_id BLOB NOT NULL CHECK (length(admin_id) = 16),
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL
    ) STRICT`,
    `CREATE TABLE user_group (
      id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
      user_id BLOB NOT NULL CHECK (length(user_id) = 16),
      group_id BLOB NOT NULL REFERENCES "group" (id) ON DELETE CASCADE,
      UNIQUE (group_id, user_id)
    ) STRICT, WITHOUT ROWID`,
    'CREATE INDEX user_group_user ON user_group (user_id)',
    `CREATE TABLE call_history (
      id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
      caller_id BLOB NOT NULL CHECK (length(caller_id) = 16),
      receiver_id BLOB NOT NULL CHECK (length(receiver_id) = 16),
      type TEXT NOT NULL CHECK (type IN ('video', 'audio')),
      duration INTEGER CHECK (duration > 0),
      created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`,
    'CREATE INDEX call_history_caller_receiver ON call_history (caller_id, receiver_id)',
    `CREATE TABLE message_file (
      id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
      message_id BLOB NOT NULL REFERENCES message (id) ON DELETE CASCADE,
      file_id BLOB NOT NULL CHECK (length(file_id) = 16),
      UNIQUE (message_id, file_id)
    ) STRICT, WITHOUT ROWID`,
    'CREATE INDEX message_file_file ON message_file (file_id)',
    metadata('video_metadata', `${described},\n      duration INTEGER NOT NULL CHECK (duration > 0)`),
    metadata(
      'photo_metadata',
      `${described},\n      width INTEGER NOT NULL CHECK (width > 0),\n      height INTEGER NOT NULL CHECK (height > 0)`,
    ),
    metadata('file_metadata', described),
    metadata(
      'voice_message_metadata',
      'size INTEGER NOT NULL CHECK (size > 0),\n      duration INTEGER NOT NULL CHECK (duration > 0)',
    ),
    binary('video_binary'),
    binary('photo_binary'),
    binary('file_binary'),
    binary('voice_binary'),
  ],
};
