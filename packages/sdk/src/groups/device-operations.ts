import type { GroupOperation } from './group-operation.ts';
import { memberOf } from './group-state.ts';
import { type OperationRule, withMembers } from './operation-rule.ts';

/** By any member, of the own devices. A revoked device has the state key and knows the link: both end. */
export const noteDevices: OperationRule<Extract<GroupOperation, { readonly type: 'note-devices' }>> = {
  allows: (_, __, self) => self !== undefined,
  apply({ state, actor, list }, { version, revoked }) {
    const known = memberOf(state, actor)?.deviceListVersion ?? 0;
    if (version !== list.version || (version <= known && !revoked)) return 'operation-invalid';
    const noted = withMembers(state, [actor], (member) => ({ ...member, deviceListVersion: version }));
    return revoked ? { ...noted, rekeyDue: true, invite: undefined } : noted;
  },
};
