import { sameBytes } from '../crypto/same-bytes.ts';
import { byUserId } from './canonical.ts';
import { groupLimits } from './group-limits.ts';
import type { GroupOperation } from './group-operation.ts';
import { memberOf } from './group-state.ts';
import { joinProof } from './join-proof.ts';
import { isOwnCandidate, letIn } from './membership-operations.ts';
import { hasRole, type OperationContext, type OperationRule } from './operation-rule.ts';

type Of<Type extends GroupOperation['type']> = Extract<GroupOperation, { readonly type: Type }>;

/** By whoever has a link that needs no approval, and is no member. */
export const joinGroup: OperationRule<Of<'join' | 'request-join'>> = {
  allows: (context, operation, self) => self === undefined && hasLink(context, operation, false),
  apply: ({ state }, { who }) => letIn(state, [who]),
};

/** By whoever has a link that needs approval, and is no member. */
export const requestJoin: OperationRule<Of<'join' | 'request-join'>> = {
  allows: (context, operation, self) => self === undefined && hasLink(context, operation, true),
  apply({ state }, { who }) {
    if (state.requests.some(({ userId }) => userId === who.userId)) return 'operation-invalid';
    if (state.requests.length >= groupLimits.requests) return 'limit-broken';
    const { userId, rootKey, deviceListVersion, profileKey } = who;
    const request = { userId, rootKey, deviceListVersion, profileKey, requestedAtRevision: state.revision };
    return { ...state, requests: byUserId([...state.requests, request]) };
  },
};

/** By admins. */
export const approveRequest: OperationRule<Of<'approve' | 'decline'>> = {
  allows: (_, __, self) => hasRole(self, 'admin'),
  apply({ state }, { userId }) {
    const request = state.requests.find((one) => one.userId === userId);
    return request === undefined ? 'operation-invalid' : letIn(state, [request]);
  },
};

/** By admins. */
export const declineRequest: OperationRule<Of<'approve' | 'decline'>> = {
  allows: (_, __, self) => hasRole(self, 'admin'),
  apply({ state }, { userId }) {
    const requests = state.requests.filter((one) => one.userId !== userId);
    return requests.length === state.requests.length ? 'operation-invalid' : { ...state, requests };
  },
};

function hasLink(context: OperationContext, { who, proof }: Of<'join' | 'request-join'>, approval: boolean): boolean {
  const { state, previousHead } = context;
  const { invite } = state;
  if (invite === undefined || invite.approval !== approval || memberOf(state, who.userId) !== undefined) return false;
  return isOwnCandidate(context, who) && sameBytes(proof, joinProof(invite.key, state.wireId, who, previousHead));
}
