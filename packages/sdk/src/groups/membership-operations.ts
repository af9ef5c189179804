import { sameBytes } from '../crypto/same-bytes.ts';
import type { UserId } from '../ports/ids.ts';
import { byUserId } from './canonical.ts';
import { groupLimits, groupRulesVersion } from './group-limits.ts';
import type { GroupCandidate, GroupMember } from './group-member.ts';
import type { GroupOperation } from './group-operation.ts';
import { type GroupState, memberOf } from './group-state.ts';
import {
  hasRole,
  type OperationContext,
  type OperationRefusal,
  type OperationRule,
  withMembers,
  withoutMembers,
} from './operation-rule.ts';

type Of<Type extends GroupOperation['type']> = Extract<GroupOperation, { readonly type: Type }>;

/** Only in the first record, by whoever will own it. */
export const createGroup: OperationRule<Of<'create'>> = {
  allows: ({ state, actor, list }, { owner }) =>
    state.revision === 1 && state.rules === 0 && owner.userId === actor && sameBytes(owner.rootKey, list.rootKey),
  apply({ state, list }, { rules, title, avatar, settings, owner, members }) {
    if (rules !== groupRulesVersion || owner.deviceListVersion !== list.version) return 'operation-invalid';
    if (members.some(({ userId }) => userId === owner.userId)) return 'operation-invalid';
    if (members.length + 1 > groupLimits.members) return 'limit-broken';
    const all = [joined(state, owner, 'owner'), ...members.map((who) => joined(state, who, 'member'))];
    return { ...state, rules, title, avatar, settings, members: byUserId(all) };
  },
};

/** By admins, or by all members where the settings say so. */
export const addMembers: OperationRule<Of<'add-members'>> = {
  allows: ({ state }, _, self) => hasRole(self, state.settings.add === 'members' ? 'member' : 'admin'),
  apply: ({ state }, { members }) => letIn(state, members),
};

/** By the owner; by admins, as far as plain members go. */
export const removeMembers: OperationRule<Of<'remove-members'>> = {
  allows: ({ state, actor }, { userIds }) => userIds.every((userId) => mayRemove(state, actor, userId)),
  apply({ state }, { userIds }) {
    if (userIds.some((userId) => memberOf(state, userId) === undefined)) return 'operation-invalid';
    // Whoever was put out knows the link: it ends, too.
    return { ...withoutMembers(state, userIds), invite: undefined };
  },
};

/** By any member. After the owner whoever has been there longest owns the group: an admin if there is one. */
export const leaveGroup: OperationRule<Of<'leave'>> = {
  allows: (_, __, self) => self !== undefined,
  apply({ state, actor }) {
    const wasOwner = memberOf(state, actor)?.role === 'owner';
    const left = withoutMembers(state, [actor]);
    const heir = wasOwner ? heirOf(left) : undefined;
    return heir === undefined ? left : withMembers(left, [heir.userId], (member) => ({ ...member, role: 'owner' }));
  },
};

/** By the owner; an admin can make a member an admin. */
export const setRole: OperationRule<Of<'set-role'>> = {
  allows: (_, { role }, self) => hasRole(self, role === 'admin' ? 'admin' : 'owner'),
  apply({ state }, { userId, role }) {
    const target = memberOf(state, userId);
    if (target === undefined || target.role === 'owner' || target.role === role) return 'operation-invalid';
    return withMembers(state, [userId], (member) => ({ ...member, role }));
  },
};

/** By the owner, who becomes an admin. */
export const transferOwnership: OperationRule<Of<'transfer-ownership'>> = {
  allows: (_, __, self) => hasRole(self, 'owner'),
  apply({ state, actor }, { userId }) {
    if (userId === actor || memberOf(state, userId) === undefined) return 'operation-invalid';
    const given = withMembers(state, [userId], (member) => ({ ...member, role: 'owner' }));
    return withMembers(given, [actor], (member) => ({ ...member, role: 'admin' }));
  },
};

/** Whether somebody may remove somebody else: the owner anybody, admins those who are none. */
export function mayRemove(state: GroupState, actor: UserId, userId: UserId): boolean {
  const target = memberOf(state, userId);
  return userId !== actor && hasRole(memberOf(state, actor), hasRole(target, 'admin') ? 'owner' : 'admin');
}

/** The state with these people as members. */
export function letIn(state: GroupState, candidates: readonly GroupCandidate[]): GroupState | OperationRefusal {
  const inside = new Set<string>(state.members.map(({ userId }) => userId));
  if (candidates.some(({ userId }) => inside.has(userId))) return 'operation-invalid';
  const members = [...state.members, ...candidates.map((who) => joined(state, who, 'member'))];
  if (members.length > groupLimits.members) return 'limit-broken';
  const arrived = new Set<string>(candidates.map(({ userId }) => userId));
  const requests = state.requests.filter(({ userId }) => !arrived.has(userId));
  return { ...state, members: byUserId(members), requests };
}

/** Whether somebody who is no member says who they are as their device list does. */
export function isOwnCandidate({ actor, list }: OperationContext, who: GroupCandidate): boolean {
  return who.userId === actor && who.deviceListVersion === list.version && sameBytes(who.rootKey, list.rootKey);
}

function joined(state: GroupState, candidate: GroupCandidate, role: GroupMember['role']): GroupMember {
  const { userId, rootKey, deviceListVersion, profileKey } = candidate;
  return {
    userId,
    rootKey,
    deviceListVersion,
    profileKey,
    role,
    joinedAtRevision: state.revision,
    joinedAtEpoch: state.keyEpoch,
  };
}

function heirOf(state: GroupState): GroupMember | undefined {
  const admins = state.members.filter(({ role }) => role === 'admin');
  // Members are in the order of their ids, and sorting keeps that among equals.
  return [...(admins.length > 0 ? admins : state.members)].sort(
    (left, right) => left.joinedAtRevision - right.joinedAtRevision,
  )[0];
}
