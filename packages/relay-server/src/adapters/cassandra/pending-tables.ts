import type { TableArea } from './table-area.ts';

/**
 * Mail that waits for its device.
 *
 * `pending` has a partition a device and UTC day, in windows of a day: what has expired goes by whole files. Its tombstones decide nothing (`cursors` and rows that say `acked` do), so they need to live no longer than hints do.
 * `cursors` is the truth of what is acked in order, and under an empty `kp` of who is forgotten. `pending_days` says where something may lie, so that a reader does not have to look at thirty days.
 * All of it is written with timestamps that come from the records: see `pending-store.ts`.
 */
export const pendingTables: TableArea = {
  name: 'pending',
  steps: [
    `CREATE TABLE IF NOT EXISTS pending (
      device_id text, day_bucket int, kp text, ko bigint,
      envelope blob, accepted_at timestamp, expires_at timestamp, acked boolean,
      PRIMARY KEY ((device_id, day_bucket), kp, ko)
    ) WITH compaction = {
      'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS', 'compaction_window_size': 1
    } AND gc_grace_seconds = 86400`,
    `CREATE TABLE IF NOT EXISTS cursors (
      device_id text, kp text, ko bigint, PRIMARY KEY (device_id, kp)
    )`,
    `CREATE TABLE IF NOT EXISTS pending_days (
      device_id text, kp text, day_bucket int, top bigint, PRIMARY KEY (device_id, kp, day_bucket)
    )`,
  ],
};
