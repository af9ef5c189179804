import { SottoError } from '../sotto-error.ts';

/** There is no such group on this device. */
export function groupUnknown(): SottoError {
  return new SottoError('group-unknown', 'this device knows no such group: ask a member to add you, or for a link');
}

/** What only members may do, by one who is none (any more). */
export function groupNotMember(): SottoError {
  return new SottoError('group-not-member', 'you are no member of this group: ask an admin to add you');
}

/** The members of a group do not see the same group: somebody shows them different ones. */
export function groupForked(): SottoError {
  return new SottoError(
    'group-forked',
    'members see another state of this group than this device: nothing is sent into it; compare with the others by another way, ask the operator of the relay, and make a new group',
  );
}
