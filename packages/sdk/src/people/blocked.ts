import type { Content } from '@sotto/proto';
import type { Overlay } from '../crypto/overlay.ts';
import type { UserId } from '../ports/ids.ts';
import type { UserRecord } from '../ports/user-record.ts';
import { SottoError } from '../sotto-error.ts';

/** Whether this user has blocked somebody. */
export async function hasBlocked(overlay: Pick<Overlay, 'get'>, userId: UserId): Promise<boolean> {
  return (await overlay.get('user', { id: userId }))?.blockedAt !== undefined;
}

/**
 * Refuses what would be told to somebody who is blocked.
 * @throws {SottoError} `blocked`
 */
export async function refuseWhenBlocked(overlay: Pick<Overlay, 'get'>, userId: UserId): Promise<void> {
  if (!(await hasBlocked(overlay, userId))) return;
  throw new SottoError('blocked', 'this person is blocked, and nothing is sent to them: call client.unblock first');
}

const servesGroups: ReadonlySet<string> = new Set<NonNullable<Content['body']>>([
  'groupKeys',
  'groupKeyRequest',
  'senderKeyDistribution',
  'groupPoke',
]);

/**
 * Whether a content is taken from a blocked person all the same: what keeps a group going that both are in, and shows nothing.
 *
 * A member who is blocked still gives out keys of the group; without them this user would be shut out of what the others write.
 */
export function servesGroup({ body }: Pick<Content, 'body'>): boolean {
  return body !== undefined && servesGroups.has(body);
}

/**
 * Whether a content goes to a blocked person all the same: what serves a group, and the welcome of a member who knows nothing of it.
 *
 * A welcome of theirs is not taken: it could be one to a group of their making.
 */
export function isForBlocked(content: Pick<Content, 'body'>): boolean {
  return content.body === 'groupWelcome' || servesGroup(content);
}

/** A person of whom nothing is known but the id. */
export function newUser(id: UserId, now: number): UserRecord {
  return {
    id,
    number: '',
    username: '',
    profileKey: undefined,
    profileKeyAt: undefined,
    avatarHash: undefined,
    returnsReceipts: false,
    blockedAt: undefined,
    createdAt: now,
    updatedAt: now,
  };
}
