import type { Change, PrunedKind, Pruning, RecordKeys, RecordKind, Records } from '@sotto/sdk/ports';
import { SottoError } from '@sotto/sdk/ports';
import type { SqlStatement } from '../driver/sql-driver.ts';
import type { RecordTable } from './record-table.ts';
import { recordTables } from './record-tables.ts';
import { storeSql } from './store-sql.ts';
import { uuidBytes } from './uuid.ts';

type Put<Kind extends RecordKind> = {
  [K in Kind]: { readonly kind: K; readonly record: Records[K]; readonly changed?: readonly (keyof Records[K])[] };
}[Kind];
type Delete<Kind extends RecordKind> = { [K in Kind]: { readonly kind: K; readonly key: RecordKeys[K] } }[Kind];

const pruneOld: Readonly<Record<PrunedKind, string>> = {
  seen: storeSql.pruneSeen,
  kyberUse: storeSql.pruneKyberUse,
  event: storeSql.pruneEvent,
  resend: storeSql.pruneResend,
};

function prune(pruning: Pruning): SqlStatement {
  if (pruning.kind === 'groupHead') {
    return { sql: storeSql.pruneGroupHead, params: [uuidBytes(pruning.groupId), pruning.before] };
  }
  if (pruning.kind === 'senderKeyShared') {
    return { sql: storeSql.pruneSenderKeyShared, params: [uuidBytes(pruning.distributionId)] };
  }
  return { sql: pruneOld[pruning.kind], params: [pruning.before] };
}

function put<Kind extends RecordKind>({ kind, record, changed }: Put<Kind>): readonly SqlStatement[] {
  const table: RecordTable<Kind> = recordTables[kind];
  return table.put(record, changed);
}

function remove<Kind extends RecordKind>({ kind, key }: Delete<Kind>): readonly SqlStatement[] {
  const table: RecordTable<Kind> = recordTables[kind];
  return table.remove(key);
}

function statementsOf(change: Change): readonly SqlStatement[] {
  if (change.type === 'put') return put(change);
  if (change.type === 'delete') return remove(change);
  return [prune(change)];
}

/**
 * The statements that apply these changes, in their order.
 * @throws {SottoError} `argument-invalid` for an id that is not a UUID, or a number that is not a safe integer
 */
export function changeStatements(changes: readonly Change[]): readonly SqlStatement[] {
  const statements: SqlStatement[] = [];
  for (const change of changes) {
    for (const statement of statementsOf(change)) {
      assertExact(statement.params);
      statements.push(statement);
    }
  }
  return statements;
}

/** SQLite would round what it can't hold. */
function assertExact(params: SqlStatement['params']): void {
  for (const value of params) {
    if (typeof value === 'number' && !Number.isSafeInteger(value)) {
      throw new SottoError(
        'argument-invalid',
        'A number of a record is not a safe integer. Nothing was stored; mend the record.',
      );
    }
  }
}
