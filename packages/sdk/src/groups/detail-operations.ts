import { sameBytes } from '../crypto/same-bytes.ts';
import { type GroupInvite, isSameAvatar } from './group-details.ts';
import type { GroupMember } from './group-member.ts';
import type { GroupOperation } from './group-operation.ts';
import type { GroupState } from './group-state.ts';
import { hasRole, type OperationContext, type OperationRule } from './operation-rule.ts';

type Of<Type extends GroupOperation['type']> = Extract<GroupOperation, { readonly type: Type }>;

/** By admins, or by all members where the settings say so. */
export const setTitle: OperationRule<Of<'set-title'>> = {
  allows: mayEdit,
  apply: ({ state }, { title }) => (title === state.title ? 'operation-invalid' : { ...state, title }),
};

/** By admins, or by all members where the settings say so. */
export const setAvatar: OperationRule<Of<'set-avatar'>> = {
  allows: mayEdit,
  apply: ({ state }, { avatar }) => (isSameAvatar(avatar, state.avatar) ? 'operation-invalid' : { ...state, avatar }),
};

/** By admins. */
export const setSettings: OperationRule<Of<'set-settings'>> = {
  allows: (_, __, self) => hasRole(self, 'admin'),
  apply({ state }, { settings }) {
    const { add, edit } = state.settings;
    return settings.add === add && settings.edit === edit ? 'operation-invalid' : { ...state, settings };
  },
};

/** By admins. The link before, if there is one, ends. */
export const setInvite: OperationRule<Of<'set-invite'>> = {
  allows: (_, __, self) => hasRole(self, 'admin'),
  apply: ({ state }, { invite }) => (isSameInvite(invite, state.invite) ? 'operation-invalid' : { ...state, invite }),
};

/** By admins. */
export const revokeInvite: OperationRule<Of<'revoke-invite'>> = {
  allows: (_, __, self) => hasRole(self, 'admin'),
  apply: ({ state }) => (state.invite === undefined ? 'operation-invalid' : { ...state, invite: undefined }),
};

/** Whether a member may change title and avatar. */
export function mayEditGroup({ settings }: Pick<GroupState, 'settings'>, self: GroupMember | undefined): boolean {
  return hasRole(self, settings.edit === 'members' ? 'member' : 'admin');
}

function mayEdit({ state }: OperationContext, _: unknown, self: GroupMember | undefined): boolean {
  return mayEditGroup(state, self);
}

function isSameInvite(left: GroupInvite, right: GroupInvite | undefined): boolean {
  return (
    right !== undefined &&
    left.approval === right.approval &&
    sameBytes(left.id, right.id) &&
    sameBytes(left.key, right.key)
  );
}
