import { SottoError } from '../sotto-error.ts';

/** There is no such group on this device. */
export function groupUnknown(): SottoError {
  return new SottoError('group-unknown', 'this device knows no such group: ask a member to add you, or for a link');
}

/** What only members may do, by one who is none (any more). */
export function groupNotMember(cause?: unknown): SottoError {
  return new SottoError('group-not-member', 'you are no member of this group: ask an admin to add you', { cause });
}

/** The members of a group do not see the same group: somebody says so, or shows them different ones. */
export function groupForked(): SottoError {
  return new SottoError(
    'group-forked',
    'a member, or the relay, says that this group is another one than this device knows: nothing is sent into it; ask the others by another way, then have whoever is wrong removed, or call acceptFork()',
  );
}

/** The role of this user does not allow a change. */
export function groupNotAllowed(): SottoError {
  return new SottoError('group-not-allowed', 'your role in this group does not allow this: ask an admin, or the owner');
}

/** There is no room. */
export function groupFull(): SottoError {
  return new SottoError(
    'group-full',
    'a group has at most 1,024 members, and 256 people who ask to come in: add fewer, or remove some first',
  );
}

/** What was to be changed makes no sense: it never did, or not any more since somebody else was faster. */
export function groupChanged(): SottoError {
  return new SottoError(
    'group-changed',
    'this does not fit the group as it is now (who it is about is no member, or has not asked to come in), or somebody else was faster: look at info(), and decide again',
  );
}

/** The newest state can't be read yet. */
export function groupWaits(): SottoError {
  return new SottoError(
    'group-changed',
    'the newest state of this group can not be read yet: members have been asked for its key; try again later',
    { retryable: true },
  );
}

/** What stands behind a link can't be read on: whoever changed the group last has put nothing there. */
export function inviteWaits(): SottoError {
  return new SottoError(
    'group-changed',
    'the group behind this link can not be read until one of its admins is connected: try again later',
    { retryable: true },
  );
}

/** A link that is none, is closed, or is of a group that is no more. */
export function inviteInvalid(cause?: unknown): SottoError {
  return new SottoError('invite-invalid', 'this link leads to no group (any more): ask for a new one', { cause });
}

/** The relay lets an account come by a link once, and again only after it has left by itself. */
export function inviteUsed(cause?: unknown): SottoError {
  return new SottoError(
    'invite-used',
    'this account has come, or asked, by this link before and was not kept: ask for another one, or to be added',
    {
      cause,
    },
  );
}

/** A title that is none. */
export function titleInvalid(): SottoError {
  return new SottoError(
    'title-invalid',
    'a title has 1 to 25 characters, without control characters and line ends: correct it',
  );
}
