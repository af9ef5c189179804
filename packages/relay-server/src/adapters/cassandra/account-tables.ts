import type { TableArea } from './table-area.ts';

/**
 * Accounts, their devices, prekeys and tokens.
 *
 * `user` is the truth of an account, `user_by_number` of who has a number; several of these rows change at once by a `handover`, whose one row says whether they have.
 * What hangs on a device (`prekey`, `token_family`) is keyed by its *incarnation*, which the row of its account names: a device that leaves the list, or comes back under another registration, is another one, and reaches nothing of the one before.
 * `due` has what is to be looked at again at some time, by list, slot of time and shard, so that nothing is found by a scan: access tokens that end, days on which devices were seen, what is to be cleaned up, accounts whose blobs remain.
 * Rows of `user`, `user_by_number`, `handover`, `registration`, `prekey` and `token_family` are written with conditions alone, those of all other tables without.
 */
export const accountTables: TableArea = {
  name: 'account',
  steps: [
    `CREATE TYPE IF NOT EXISTS listed_device (registration_id int, incarnation uuid, is_idle boolean, is_keyless boolean)`,
    `CREATE TABLE IF NOT EXISTS user (
      id uuid PRIMARY KEY,
      state text, stamp uuid, handover uuid,
      number_mac blob, number_ciphertext blob,
      list_version int, list_signed blob, list_hash blob, root_key blob, identity_key blob,
      devices frozen<map<int, frozen<listed_device>>>,
      former frozen<map<uuid, text>>,
      key_epoch uuid, days_key uuid,
      profile blob, access_key_hash blob,
      lock_salt blob, lock_mac blob, lock_tries int, lock_wait_until timestamp,
      idempotency_key blob, request_hash blob,
      created_at timestamp, ended_at timestamp
    )`,
    `CREATE TABLE IF NOT EXISTS ended_user (digest blob PRIMARY KEY)`,
    `CREATE TABLE IF NOT EXISTS user_by_number (number_mac blob PRIMARY KEY, user_id uuid, handover uuid)`,
    `CREATE TABLE IF NOT EXISTS handover (id uuid PRIMARY KEY, status text, plan text)`,
    `CREATE TABLE IF NOT EXISTS registration (
      idempotency_key blob PRIMARY KEY, attempt uuid, user_id uuid, request_hash blob
    )`,
    `CREATE TABLE IF NOT EXISTS device_join (
      idempotency_key blob, incarnation uuid, user_id uuid, device_id int, request_hash blob,
      PRIMARY KEY (idempotency_key, incarnation)
    )`,
    `CREATE TABLE IF NOT EXISTS heard (user_id uuid PRIMARY KEY, at timestamp)`,
    `CREATE TABLE IF NOT EXISTS seen_day (
      days_key uuid, incarnation uuid, day int, PRIMARY KEY (days_key, incarnation)
    )`,
    `CREATE TABLE IF NOT EXISTS prekey (
      incarnation uuid, shelf int, epoch uuid, id int,
      version uuid static,
      public_key blob, signature blob, digest blob, taken_by uuid,
      PRIMARY KEY (incarnation, shelf, epoch, id)
    )`,
    `CREATE TABLE IF NOT EXISTS token_family (
      incarnation uuid, hash blob,
      current blob static, is_ended boolean static,
      successor blob, replaced_at timestamp,
      PRIMARY KEY (incarnation, hash)
    )`,
    `CREATE TABLE IF NOT EXISTS refresh_token (
      hash blob, incarnation uuid, user_id uuid, device_id int, PRIMARY KEY (hash, incarnation)
    )`,
    `CREATE TABLE IF NOT EXISTS access_token (
      hash blob PRIMARY KEY, incarnation uuid, user_id uuid, device_id int, expires_at timestamp
    )`,
    `CREATE TABLE IF NOT EXISTS ended_token (hash blob PRIMARY KEY, reason text)`,
    `CREATE TABLE IF NOT EXISTS deletion_receipt (receipt blob PRIMARY KEY, handover uuid)`,
    `CREATE TABLE IF NOT EXISTS horizon (name text PRIMARY KEY, at timestamp)`,
    `CREATE TABLE IF NOT EXISTS due (
      list text, slot int, shard int, at timestamp, item text,
      PRIMARY KEY ((list, slot, shard), at, item)
    )`,
    `CREATE TABLE IF NOT EXISTS due_slot (
      list text, shard int, slot int, mark boolean, PRIMARY KEY ((list, shard), slot)
    )`,
    `CREATE TABLE IF NOT EXISTS call_history (
      caller_id uuid, id timeuuid, PRIMARY KEY (caller_id, id)
    ) WITH CLUSTERING ORDER BY (id DESC)`,
  ],
};
