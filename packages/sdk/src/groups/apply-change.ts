import type { UserId } from '../ports/ids.ts';
import type { GroupOperation } from './group-operation.ts';
import type { GroupRecordHeader } from './group-record.ts';
import { type GroupState, memberOf } from './group-state.ts';
import { type OperationContext, type OperationRefusal, withMembers } from './operation-rule.ts';
import { applyOperation, type OperationRules } from './operation-rules.ts';

/** Which operations, of whom, on what. */
export interface ChangeToApply {
  /** Before the change. */
  readonly state: GroupState;
  /** Of the record that carries the change. */
  readonly record: Omit<GroupRecordHeader, 'wireId'>;
  readonly actor: UserId;
  readonly list: OperationContext['list'];
  readonly previousHead: Uint8Array;
  readonly operations: readonly GroupOperation[];
}

/** Applies the operations one after the other: the state after all of them, or why one is refused. */
export function applyChange(change: ChangeToApply, rules: OperationRules): GroupState | OperationRefusal {
  const { record, actor, list, previousHead } = change;
  const { revision, keyEpoch, keyCommitment } = record;
  const rekeyDue = change.state.rekeyDue && keyEpoch === change.state.keyEpoch;
  let state: GroupState = { ...change.state, revision, keyEpoch, keyCommitment, rekeyDue };
  for (const operation of change.operations) {
    const applied = applyOperation({ state, actor, list, previousHead }, operation, rules);
    if (typeof applied === 'string') return applied;
    state = applied;
  }
  // Lists older than one that was seen to prove something prove nothing any more.
  const isNewer = (memberOf(state, actor)?.deviceListVersion ?? list.version) < list.version;
  return isNewer ? withMembers(state, [actor], (member) => ({ ...member, deviceListVersion: list.version })) : state;
}

/** Who comes and who goes between two states; ascending. */
export interface MembersChanged {
  readonly added: readonly UserId[];
  readonly removed: readonly UserId[];
}

/** Who is a member now and was none before, and the other way round. */
export function membersChanged(before: GroupState, after: GroupState): MembersChanged {
  return { added: notIn(before, after), removed: notIn(after, before) };
}

function notIn(without: GroupState, state: GroupState): readonly UserId[] {
  const known = new Set<string>(without.members.map(({ userId }) => userId));
  return state.members.map(({ userId }) => userId).filter((userId) => !known.has(userId));
}
