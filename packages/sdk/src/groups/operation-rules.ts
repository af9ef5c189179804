import { revokeInvite, setAvatar, setInvite, setSettings, setTitle } from './detail-operations.ts';
import { noteDevices } from './device-operations.ts';
import type { GroupOperation } from './group-operation.ts';
import { type GroupState, memberOf } from './group-state.ts';
import { approveRequest, declineRequest, joinGroup, requestJoin } from './joining-operations.ts';
import {
  addMembers,
  createGroup,
  leaveGroup,
  removeMembers,
  setRole,
  transferOwnership,
} from './membership-operations.ts';
import type { OperationContext, OperationRefusal, OperationRule } from './operation-rule.ts';

/** The rule of each kind of operation. */
export type OperationRules = {
  readonly [Type in GroupOperation['type']]: OperationRule<Extract<GroupOperation, { readonly type: Type }>>;
};

/** Every kind of operation: a new kind is a file and a line here, and other rules of the group. */
export const operationRules = {
  create: createGroup,
  'add-members': addMembers,
  'remove-members': removeMembers,
  leave: leaveGroup,
  'set-role': setRole,
  'transfer-ownership': transferOwnership,
  'set-title': setTitle,
  'set-avatar': setAvatar,
  'set-settings': setSettings,
  'set-invite': setInvite,
  'revoke-invite': revokeInvite,
  join: joinGroup,
  'request-join': requestJoin,
  approve: approveRequest,
  decline: declineRequest,
  'note-devices': noteDevices,
} as const;

/** The state after one operation, or why it is refused. */
export function applyOperation(
  context: OperationContext,
  operation: GroupOperation,
  rules: OperationRules,
): GroupState | OperationRefusal {
  // The table gives each kind its own rule.
  const rule = rules[operation.type] as OperationRule<GroupOperation>;
  const self = memberOf(context.state, context.actor);
  return rule.allows(context, operation, self) ? rule.apply(context, operation) : 'not-allowed';
}
