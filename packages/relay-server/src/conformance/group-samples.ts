import type {
  GroupAppend,
  GroupAppendStatus,
  GroupPage,
  GroupPageSize,
  GroupReader,
  GroupSeal,
  GroupStore,
} from '../ports/group-store.ts';
import type { GroupId, UserId } from '../ports/ids.ts';
import { hex } from './harness.ts';
import { someBytes, someUser, start } from './samples.ts';

/** A page that no case fills by chance. */
export const wholeLog: GroupPageSize = { records: 1_000, bytes: 10_000_000 };

/** A group that nobody has seen. */
export function someGroup(): GroupId {
  return someBytes(32) as GroupId;
}

const firstKey = { keyEpoch: 1, keyCommitment: someBytes(32) };

/** A record as a member would append it. */
export function change(
  groupId: GroupId,
  revision: number,
  actor: UserId,
  members: { readonly added?: readonly UserId[]; readonly removed?: readonly UserId[] } = {},
  rest: Partial<Pick<GroupAppend, 'inviteHash' | 'mostMembers' | 'at' | 'avatar'> & GroupAppend['record']> = {},
): GroupAppend {
  const { added = [], removed = [] } = members;
  const { inviteHash, mostMembers = 1_024, at = start, avatar, ...changes } = rest;
  const record = { groupId, revision, ...firstKey, bytes: someBytes(90), ...changes };
  return { record, added, removed, actor, inviteHash, at, mostMembers, avatar };
}

/** Whoever asks at a time. */
export function reader(userId: UserId, at = start): GroupReader {
  return { userId, at };
}

/** What a page says, in a form that any runner compares. */
export function told(page: GroupPage | undefined): unknown {
  return page && [page.firstRevision, page.lastRevision, ...page.records.map(hex)];
}

/** Appends one after another; what became of each. */
export async function appendAll(groups: GroupStore, appends: readonly GroupAppend[]): Promise<GroupAppendStatus[]> {
  const statuses: GroupAppendStatus[] = [];
  for (const append of appends) statuses.push(await groups.append(append));
  return statuses;
}

/** A group with these members, the first of which creates it. */
export async function made(groups: GroupStore, members: readonly UserId[]): Promise<GroupId> {
  const groupId = someGroup();
  const [creator = someUser()] = members;
  await groups.append(change(groupId, 1, creator, { added: members }));
  return groupId;
}

/** Something sealed, of a revision. */
export function seal(revision: number): GroupSeal {
  return { revision, bytes: someBytes(120) };
}
