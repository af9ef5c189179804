import { createHash } from 'node:crypto';
import type { GroupMembersNow } from '../ports/group-store.ts';
import type { UserId } from '../ports/ids.ts';

/** Members by a version that is made of them: for adapters to which reading them costs nothing. */
export function membersSince(members: readonly UserId[], known: string | undefined): GroupMembersNow | 'unchanged' {
  const hash = createHash('sha256');
  for (const member of [...members].sort()) hash.update(member);
  const version = hash.digest('base64url');
  return version === known ? 'unchanged' : { version, members };
}
