import type { GroupAppend, GroupPage, GroupPageSize } from '../ports/group-store.ts';
import type { GroupId, UserId } from '../ports/ids.ts';
import { hex } from './harness.ts';
import { someBytes, start } from './samples.ts';

/** A page that no case fills by chance. */
export const wholeLog: GroupPageSize = { records: 1_000, bytes: 10_000_000 };

/** A group that nobody has seen. */
export function someGroup(): GroupId {
  return someBytes(32) as GroupId;
}

/** A record as a member would append it. */
export function change(
  groupId: GroupId,
  revision: number,
  actor: UserId,
  members: { readonly added?: readonly UserId[]; readonly removed?: readonly UserId[] } = {},
  rest: { readonly inviteHash?: Uint8Array; readonly mostMembers?: number; readonly bytes?: Uint8Array } = {},
): GroupAppend {
  const { inviteHash, mostMembers = 1_024, bytes = someBytes(90) } = rest;
  return {
    record: { groupId, revision, bytes, added: members.added ?? [], removed: members.removed ?? [] },
    actor,
    inviteHash,
    at: start,
    mostMembers,
  };
}

/** What a page says, in a form that any runner compares. */
export function told(page: GroupPage | undefined): unknown {
  return page && [page.firstRevision, page.lastRevision, ...page.records.map(hex)];
}
