import type { Change, StoreOpening } from '@sotto/sdk/ports';
import type { SqlDriver, SqlStatement } from '../driver/sql-driver.ts';
import { integer } from './columns.ts';

/** Raises the owner epoch, which ends the commits of every earlier owner. */
export async function takeOwnership(driver: SqlDriver): Promise<StoreOpening> {
  await driver.commit([{ sql: 'UPDATE owner SET epoch = epoch + 1', params: [], expectRows: 1 }]);
  const [row = {}] = await driver.query('SELECT * FROM owner', []);
  return {
    ownerEpoch: integer(row, 'epoch'),
    counters: {
      position: integer(row, 'position'),
      outbox: integer(row, 'outbox'),
      changeSeq: integer(row, 'change_seq'),
    },
  };
}

/** The first statement of a commit: changes no row, and so undoes it, for any owner but the present one. Keeps the counters too. */
export function guardCommit(changes: readonly Change[], ownerEpoch: number): SqlStatement {
  let position = 0;
  let outbox = 0;
  let changeSeq = 0;
  for (const change of changes) {
    if (change.type !== 'put') continue;
    if (change.kind === 'message') position = Math.max(position, change.record.position);
    if (change.kind === 'chat') position = Math.max(position, change.record.activity);
    if (change.kind === 'held') position = Math.max(position, change.record.arrival);
    if (change.kind === 'outbox') outbox = Math.max(outbox, change.record.id);
    if (change.kind === 'event') changeSeq = Math.max(changeSeq, change.record.changeSeq);
  }
  return {
    sql: 'UPDATE owner SET position = max(position, ?), outbox = max(outbox, ?), change_seq = max(change_seq, ?) WHERE epoch = ?',
    params: [position, outbox, changeSeq, ownerEpoch],
    expectRows: 1,
  };
}
