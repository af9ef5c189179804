import { refuseWhenEnded } from '../accounts/standing.ts';
import type { Executor } from '../crypto/executor.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import type { Clock } from '../ports/clock.ts';
import type { GroupRecord } from '../ports/group-records.ts';
import type { GroupId } from '../ports/ids.ts';
import type { Store } from '../ports/store.ts';
import { SottoError } from '../sotto-error.ts';
import { isForkedByRelay } from './group-fork.ts';
import type { GroupPosition } from './group-head.ts';
import { intentOf, isDone, type KeptIntent, keepIntent, toldOfKey, type WishedChange } from './group-intent.ts';
import { type GroupOperation, isGuestOperation } from './group-operation.ts';
import { groupChanged, groupForked, groupFull, groupNotAllowed, groupNotMember, groupWaits } from './group-refusal.ts';
import { locksOfGroup } from './keep-group.ts';
import { isRevocationDue, noteOfRevocation } from './noted-devices.ts';
import type { OperationRefusal } from './operation-rule.ts';
import { applyOperation, operationRules } from './operation-rules.ts';
import { type RebasingActor, rebase } from './rebase.ts';
import { keySource, ownActor, ownListOf, positionOf } from './stored-group.ts';
import { writeRecord } from './write-record.ts';

/** What planning works with. */
export interface PlanParts {
  readonly executor: Executor;
  readonly store: Store;
  /** @throws {SottoError} `not-registered`, `session-ended` */
  readonly origin: () => ContentOrigin;
  readonly clock: Clock;
}

/** A change that is written down, and may be put to the relay. */
export interface PlannedChange extends KeptIntent {
  /** It is not what was wished, but has to come before it. */
  readonly comesFirst: boolean;
}

/** Writes the records of own changes, and commits them before anybody is asked. */
export class GroupPlan {
  private readonly parts: PlanParts;

  constructor(parts: PlanParts) {
    this.parts = parts;
  }

  /**
   * Writes the record of a change for the group as it is known here now, without what is done already. A revocation of a device that the group has not noted comes first: after a change under the newer list nobody would see that it is due.
   * @param start where a new group begins
   * @returns undefined when nothing is left to do
   * @throws {SottoError} `group-unknown`, `group-not-member`, `group-forked`, `group-not-allowed`, `group-full`, `group-changed`, `session-ended`
   */
  async make(groupId: GroupId, wish: WishedChange, start?: GroupPosition): Promise<PlannedChange | undefined> {
    const { executor, store, origin, clock } = this.parts;
    for (;;) {
      const { account, sha256, randomness } = origin();
      const self = account.userId;
      const group = await store.get('group', { id: groupId });
      const before = group === undefined ? start : changeablePosition(group, wish.operations);
      if (before === undefined) throw groupNotMember();
      const list = ownListOf(account, sha256);
      const { rootKey, version } = list;
      const actor: RebasingActor = {
        actor: self,
        list: { rootKey, version },
        ...(wish.inviteKey && { inviteKey: wish.inviteKey }),
      };
      const isNote = wish.operations.some(({ type }) => type === 'note-devices');
      const comesFirst = !isNote && isRevocationDue(before.state, list);
      const wished = comesFirst ? [noteOfRevocation(list)] : wish.operations;
      const operations = stillToDo(wished, before, actor);
      if (operations.length === 0) return undefined;
      const keys = keySource(await store.groupKeys(groupId));
      const now = clock.now();
      const change = { before, actor: ownActor(account), operations, now };
      const written = writeRecord(change, keys, { sha256, randomness });
      if (typeof written === 'string') throw refusalOf(written);
      const intent = intentOf(groupId, { ...wish, operations }, written, self, now);
      const locks = [...locksOfGroup(groupId, toldOfKey(written, self))];
      const kept = await executor.run(
        locks,
        async (overlay) => {
          await refuseWhenEnded(overlay);
          const current = await overlay.get('group', { id: groupId });
          const isThere = current === undefined ? group === undefined : sameBytes(current.head, before.head);
          return isThere ? keepIntent(overlay, intent, written, origin(), now) : undefined;
        },
        { after: 'group-change.committed' },
      );
      // Otherwise the group has moved since it was looked at.
      if (kept !== undefined) return { ...kept, comesFirst };
    }
  }
}

/**
 * Where a change begins.
 * @throws {SottoError} `group-not-member`, `group-forked`, `group-changed` (the newest state can't be read yet)
 */
function changeablePosition(group: GroupRecord, operations: readonly GroupOperation[]): GroupPosition | undefined {
  const isGuest = operations.every(isGuestOperation);
  if (group.standing !== (isGuest ? 'requested' : 'member')) throw groupNotMember();
  if (isForkedByRelay(group)) throw groupForked();
  if (group.waitingFor !== undefined) throw groupWaits();
  return positionOf(group);
}

/** The operations without what is done already. */
function stillToDo(
  wished: readonly GroupOperation[],
  before: GroupPosition,
  actor: RebasingActor,
): readonly GroupOperation[] {
  // By the rules a revocation can be noted twice, and each time there would be a new state key.
  const due = wished.filter((one) => one.type !== 'note-devices' || !isDone(one, before, actor.actor));
  const { operations, dropped } = rebase(due, before, actor);
  const undone = dropped.find((one) => !isDone(one, before, actor.actor));
  if (undone === undefined) return operations;
  const state = { ...before.state, revision: before.state.revision + 1 };
  const context = { state, actor: actor.actor, list: actor.list, previousHead: before.head };
  const refusal = applyOperation(context, undone, operationRules);
  throw typeof refusal === 'string' ? refusalOf(refusal) : groupChanged();
}

function refusalOf(reason: OperationRefusal | WrittenRefusal): SottoError {
  if (reason === 'not-allowed') return groupNotAllowed();
  if (reason === 'limit-broken') return groupFull();
  if (reason === 'operation-invalid') return groupChanged();
  return new SottoError('internal', `a change of a group was written that nobody takes (${reason}): report it`);
}

type WrittenRefusal = Extract<ReturnType<typeof writeRecord>, string>;
