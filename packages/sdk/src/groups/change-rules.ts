import { sameBytes } from '../crypto/same-bytes.ts';
import { type GroupPosition, nextHead } from './group-head.ts';
import type { GroupMember } from './group-member.ts';
import { memberOf } from './group-state.ts';
import { type OperationRules, operationRules } from './operation-rules.ts';
import type { ProvenChange } from './signed-change.ts';

/** Why a proven change is refused as a whole, before its operations are looked at. */
export type ChangeRefusal = 'previous-head-wrong' | 'root-key-wrong' | 'device-list-old';

/** One thing that must hold of a change; `self` is the actor's entry, if it is a member. */
export type ChangeCheck = (before: GroupPosition, proven: ProvenChange, self: GroupMember | undefined) => boolean;

/** All that is decided by: a table, so that tests can show what each entry is there for. */
export interface GroupRules {
  readonly checks: { readonly [Refusal in ChangeRefusal]: ChangeCheck };
  readonly operations: OperationRules;
  readonly head: typeof nextHead;
}

/** The rules of this version. */
export const groupRules: GroupRules = {
  checks: {
    // It was made for this log and this state, and for no other.
    'previous-head-wrong': (before, { change }) => sameBytes(change.previousHead, before.head),
    // The account is the one that was let in.
    'root-key-wrong': (_, { list }, self) => self === undefined || sameBytes(list.rootKey, self.rootKey),
    // A device that was revoked since is on an older list.
    'device-list-old': (_, { list }, self) => self === undefined || list.version >= self.deviceListVersion,
  },
  operations: operationRules,
  head: nextHead,
};

/** The first check that a change fails. */
export function refusalOf(before: GroupPosition, proven: ProvenChange, rules: GroupRules): ChangeRefusal | undefined {
  const self = memberOf(before.state, proven.change.actor.userId);
  const { checks } = rules;
  return (Object.keys(checks) as ChangeRefusal[]).find((refusal) => !checks[refusal](before, proven, self));
}
