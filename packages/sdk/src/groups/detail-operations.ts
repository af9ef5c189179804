import { sameBytes } from '../crypto/same-bytes.ts';
import type { GroupAvatar, GroupInvite } from './group-details.ts';
import type { GroupMember } from './group-member.ts';
import type { GroupOperation } from './group-operation.ts';
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

function mayEdit({ state }: OperationContext, _: unknown, self: GroupMember | undefined): boolean {
  return hasRole(self, state.settings.edit === 'members' ? 'member' : 'admin');
}

function isSameAvatar(left: GroupAvatar | undefined, right: GroupAvatar | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return sameBytes(left.hash, right.hash) && sameBytes(left.key, right.key) && sameBytes(left.location, right.location);
}

function isSameInvite(left: GroupInvite, right: GroupInvite | undefined): boolean {
  return (
    right !== undefined &&
    left.approval === right.approval &&
    sameBytes(left.id, right.id) &&
    sameBytes(left.key, right.key)
  );
}
