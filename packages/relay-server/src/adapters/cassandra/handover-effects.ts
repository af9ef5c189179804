import type { CassandraDatabase, Conditional } from './cassandra-database.ts';
import { unavailable } from './cassandra-failure.ts';
import type { CleanUpList } from './clean-up-list.ts';
import type { DeviceEraser } from './device-eraser.ts';
import type { DueList } from './due-list.ts';
import type { HandoverPlan } from './handover-plan.ts';
import type { HandoverWatch } from './handovers.ts';

/** What a handover entails outside of the rows of accounts and numbers: receipts of deletions, accounts whose blobs remain, what is to be cleaned up. */
export class HandoverEffects implements HandoverWatch {
  readonly #database: CassandraDatabase;
  readonly #cleanUps: CleanUpList;
  readonly #remains: DueList;
  readonly #eraser: DeviceEraser;

  constructor(database: CassandraDatabase, lists: { cleanUps: CleanUpList; remains: DueList }, eraser: DeviceEraser) {
    this.#database = database;
    this.#cleanUps = lists.cleanUps;
    this.#remains = lists.remains;
    this.#eraser = eraser;
  }

  begun(id: string, { begunAt }: HandoverPlan): Promise<void> {
    return this.#cleanUps.add({ at: begunAt, what: { kind: 'handover', id } });
  }

  async committed(id: string, { ending, receipt, begunAt }: HandoverPlan): Promise<void> {
    if (receipt !== undefined) {
      certain(
        await this.#database.conditional(
          'UPDATE deletion_receipt SET handover = null WHERE receipt = ? IF handover = ?',
          [Buffer.from(receipt, 'hex'), id],
        ),
      );
    }
    if (ending === undefined) return;
    const { userId, at } = ending;
    await this.#cleanUps.add({ at: begunAt, what: { kind: 'user', userId } });
    await this.#remains.add({ at, item: userId });
  }

  async aborted(id: string, { coming, receipt }: HandoverPlan): Promise<void> {
    if (receipt !== undefined) {
      certain(
        await this.#database.conditional('DELETE FROM deletion_receipt WHERE receipt = ? IF handover = ?', [
          Buffer.from(receipt, 'hex'),
          id,
        ]),
      );
    }
    if (coming === undefined) return;
    for (const incarnation of coming.incarnations) await this.#eraser.discard(incarnation);
    certain(
      await this.#database.conditional('DELETE FROM registration WHERE idempotency_key = ? IF attempt = ?', [
        Buffer.from(coming.claim, 'hex'),
        id,
      ]),
    );
  }

  over(id: string, { begunAt }: HandoverPlan): Promise<void> {
    return this.#cleanUps.remove({ at: begunAt, what: { kind: 'handover', id } });
  }
}

function certain(outcome: Conditional<unknown>): void {
  if (outcome.status === 'unknown') throw unavailable(outcome.cause);
}
