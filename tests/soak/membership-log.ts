import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GroupMemberRecord } from '@sotto/sdk/ports';
import type { HostStart } from './host-calls.ts';

/** Somebody's time in a group, by revisions, as a client puts it into its store. */
export type Membership = Pick<GroupMemberRecord, 'groupId' | 'userId' | 'joinedAt' | 'leftAt'>;

/** Where a life of a host writes who is in which group. */
export function membershipsOf({ logs, host }: Pick<HostStart, 'logs' | 'host'>, life: number): string {
  return join(logs, `${host}-${life}.members`);
}

/** Writes down a membership before it is committed: it is what a log of signed changes says, whatever becomes of the commit. */
export function noteMembership(path: string, { groupId, userId, joinedAt, leftAt }: Membership): void {
  // A process that is killed in the midst of a line leaves it without its end.
  appendFileSync(path, `\n${JSON.stringify({ groupId, userId, joinedAt, leftAt })};`);
}

/** What was written down. */
export function readMemberships(path: string): readonly Membership[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.flatMap((line): Membership[] => (line.endsWith(';') ? [JSON.parse(line.slice(0, -1))] : []));
}
