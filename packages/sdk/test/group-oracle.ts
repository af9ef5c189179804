import { Buffer } from 'node:buffer';
import type { GroupMember } from '../src/groups/group-member.ts';
import type { GroupState } from '../src/groups/group-state.ts';
import type { UserId } from '../src/ports/ids.ts';

// What may become of a group by one change of one operation, told from the two states alone: written apart from the rules that it checks.

const text = (value: unknown): string =>
  JSON.stringify(value, (_, part) => (part instanceof Uint8Array ? Buffer.from(part).toString('hex') : part)) ?? 'none';

const roleOf = (state: GroupState, userId: UserId) => state.members.find((one) => one.userId === userId)?.role;

/** Why a step from one state to the next is forbidden; undefined when it is not. */
export function forbidden(
  before: GroupState,
  after: GroupState,
  actor: UserId,
  hasLink: (inviteKey: Uint8Array) => boolean,
): string | undefined {
  const owners = after.members.filter(({ role }) => role === 'owner').length;
  if (owners !== (after.members.length === 0 ? 0 : 1)) return `${owners} owners`;
  if (before.revision === 0) return roleOf(after, actor) === 'owner' ? undefined : 'created for somebody else';
  const was = new Map<UserId, GroupMember>(before.members.map((one) => [one.userId, one]));
  const is = new Map<UserId, GroupMember>(after.members.map((one) => [one.userId, one]));
  const added = [...is.keys()].filter((id) => !was.has(id));
  const removed = [...was.keys()].filter((id) => !is.has(id));
  const roles = [...is.values()].filter((one) => was.has(one.userId) && was.get(one.userId)?.role !== one.role);
  const role = was.get(actor)?.role;
  const changed = (pick: (state: GroupState) => unknown) => text(pick(before)) !== text(pick(after));

  if (removed.length > 0 && !after.rekeyDue) return 'a removed member keeps the state key';
  const isGuest = !was.has(actor);
  if (isGuest && before.rekeyDue !== after.rekeyDue) return 'a guest decides on the state key';
  if (before.rekeyDue && !isGuest ? after.keyEpoch !== before.keyEpoch + 1 : changed((state) => state.keyCommitment)) {
    return 'the state key was not renewed when it was due, or was when it was not';
  }
  const others = [...is.values()].filter((one) => was.has(one.userId) && one.userId !== actor);
  if (others.some((one) => text({ ...one, role: 0 }) !== text({ ...was.get(one.userId), role: 0 }))) {
    return "another one's entry was changed";
  }
  if (role === 'owner') return undefined;

  if (role === undefined) {
    if (before.invite === undefined || !hasLink(before.invite.key)) return 'a stranger without a link';
    const cameIn = added.length === 1 && added[0] === actor && !before.invite.approval;
    const asks = added.length === 0 && changed((state) => state.requests) && before.invite.approval;
    const only = removed.length === 0 && roles.length === 0 && !changed((state) => [state.title, state.settings]);
    return (cameIn || asks) && only ? undefined : 'a stranger does more than come in';
  }
  const isAdmin = role === 'admin';
  if (!isAdmin && added.length > 0 && before.settings.add !== 'members') return 'a member adds';
  if (!isAdmin && before.settings.edit !== 'members' && changed((state) => [state.title, state.avatar])) {
    return 'a member edits';
  }
  if (!isAdmin && changed((state) => state.settings)) return 'a member changes settings';
  const inviteEnds = after.invite === undefined && after.rekeyDue;
  if (!isAdmin && !inviteEnds && changed((state) => state.invite)) return 'a member changes the link';
  if (!isAdmin && added.length === 0 && changed((state) => state.requests)) return 'a member decides on a request';
  if (removed.some((id) => id !== actor && !(isAdmin && was.get(id)?.role === 'member')))
    return 'removed without right';
  for (const one of roles) {
    if (!(isAdmin && was.get(one.userId)?.role === 'member' && one.role === 'admin')) return 'a role without right';
  }
  return undefined;
}

/** Anything as text, to compare: bytes in hex. */
export const asText = text;
