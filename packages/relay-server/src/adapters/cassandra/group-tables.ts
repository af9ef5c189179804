import type { TableArea } from './table-area.ts';

/**
 * The tables of groups.
 *
 * `user_group` is the truth of a group, all of it: who is and was a member, row by row, and in its static columns what the group itself is (the study's `group`, which as a table of its own could not change in one step with the members). It is written by conditions alone.
 * The other tables are reached through it and nobody is told anything that it denies. `group_log` holds the records but the last one. `groups_by_user` says where a user might stand; which avatars might have ended is in `due`.
 *
 * Rows of `group_log` and `groups_by_user` never change, and once deleted never come back: they are written with timestamp 1 and deleted with timestamp 2, so that no write that comes late brings back what is gone.
 */
export const groupTables: TableArea = {
  name: 'group',
  steps: [
    `CREATE TABLE IF NOT EXISTS user_group (
      group_id blob,
      user_id uuid,
      version uuid static,
      log_id uuid static,
      revision int static,
      record blob static,
      key_epoch bigint static,
      key_commitment blob static,
      member_count int static,
      standing_count int static,
      checkpoint_revision int static,
      checkpoint blob static,
      invite_hash blob static,
      invite_revision int static,
      invite_box blob static,
      avatars blob static,
      ended_logs frozen<map<uuid, int>> static,
      created_at timestamp static,
      updated_at timestamp static,
      joined_at int,
      left_at int,
      removed_at timestamp,
      reads_after int,
      used_invite blob,
      PRIMARY KEY (group_id, user_id)
    ) WITH CLUSTERING ORDER BY (user_id DESC)`,
    `CREATE TABLE IF NOT EXISTS group_log (
      log_id uuid,
      bucket int,
      revision int,
      record blob,
      PRIMARY KEY ((log_id, bucket), revision)
    ) WITH CLUSTERING ORDER BY (revision ASC)`,
    'CREATE TABLE IF NOT EXISTS groups_by_user (user_id uuid, group_id blob, PRIMARY KEY (user_id, group_id))',
  ],
};
