import type { UserId } from '../ports/ids.ts';
import type { GroupMember, GroupRole } from './group-member.ts';
import type { GroupState } from './group-state.ts';

/** Why an operation is refused, and its whole change with it. */
export type OperationRefusal =
  /** The actor has not the right. */
  | 'not-allowed'
  /** It makes no sense on this state, or would change nothing. */
  | 'operation-invalid'
  /** The group would be too large. */
  | 'limit-broken';

/** What an operation is held against. */
export interface OperationContext {
  /** After the operations before it; revision, epoch and commitment are already those of the record. */
  readonly state: GroupState;
  readonly actor: UserId;
  /** What the device list that proves the change says. */
  readonly list: { readonly rootKey: Uint8Array; readonly version: number };
  readonly previousHead: Uint8Array;
}

/** What one kind of operation needs and does. */
export interface OperationRule<Operation> {
  /** Whether the actor has the right. `self`: the actor's entry, if it is a member. */
  allows(context: OperationContext, operation: Operation, self: GroupMember | undefined): boolean;
  /** The state after it. Assumes that it is allowed. */
  apply(context: OperationContext, operation: Operation): GroupState | OperationRefusal;
}

const ranks: { readonly [Role in GroupRole]: number } = { member: 1, admin: 2, owner: 3 };

/** Whether a member has at least this role. */
export function hasRole(member: GroupMember | undefined, least: GroupRole): boolean {
  return member !== undefined && ranks[member.role] >= ranks[least];
}

/** The state with some members replaced, each by what `change` makes of it. */
export function withMembers(
  state: GroupState,
  userIds: readonly UserId[],
  change: (member: GroupMember) => GroupMember,
): GroupState {
  const chosen = new Set(userIds);
  const members = state.members.map((member) => (chosen.has(member.userId) ? change(member) : member));
  return { ...state, members };
}

/** The state without some members: the state key is to be a new one from the next change on. */
export function withoutMembers(state: GroupState, userIds: readonly UserId[]): GroupState {
  const gone = new Set(userIds);
  return { ...state, members: state.members.filter(({ userId }) => !gone.has(userId)), rekeyDue: true };
}
