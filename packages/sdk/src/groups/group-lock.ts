import type { GroupId } from '../ports/ids.ts';

/** The lock under which everything that changes or relies on what is known of a group runs: its record, members, heads, keys. */
export function groupLock(groupId: GroupId): string {
  return `group:${groupId}`;
}
