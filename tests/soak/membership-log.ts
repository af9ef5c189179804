import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GroupMemberRecord } from '@sotto/sdk/ports';
import type { Membership } from '@sotto/testing/checker';
import type { HostStart } from './host-calls.ts';

/** Where a life of a host writes who is in which group. */
export function membershipsOf({ logs, host }: Pick<HostStart, 'logs' | 'host'>, life: number): string {
  return join(logs, `${host}-${life}.members`);
}

/** Writes down a membership before it is committed: it is what a log of signed changes says, whatever becomes of the commit. */
export function noteMembership(path: string, { groupId, userId, joinedAt, leftAt }: GroupMemberRecord): void {
  // Ids as databases have them. A process that is killed in the midst of a line leaves it without its end.
  const ids = { groupId: groupId.replaceAll('-', ''), userId: userId.replaceAll('-', '') };
  appendFileSync(path, `\n${JSON.stringify({ ...ids, joinedAt, leftAt })};`);
}

/** What was written down. */
export function readMemberships(path: string): readonly Membership[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.flatMap((line): Membership[] => (line.endsWith(';') ? [JSON.parse(line.slice(0, -1))] : []));
}
