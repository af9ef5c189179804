import type { UserId } from '../ports/ids.ts';
import type { IdentityPolicy, IdentityRecord } from '../ports/key-records.ts';
import type { Overlay } from './overlay.ts';
import { sameBytes } from './same-bytes.ts';

/** What an identity key on a device list means for sending. */
export type ListedIdentity = 'trusted' | 'replaced' | 'blocked';

/** Whether nothing may be sent to this person before the user has accepted a new key. One that no list names bars nobody: anybody can make one up. */
export function isBlocked(identity: IdentityRecord | undefined, policy: IdentityPolicy): boolean {
  if (!identity?.pending?.listed) return false;
  return policy === 'block' || (policy === 'block-verified' && identity.verifiedAt !== undefined);
}

/** Whether the user has said that the key is right, and no list names another one. */
export function isVerified(identity: IdentityRecord | undefined): boolean {
  return identity?.verifiedAt !== undefined && !identity.pending?.listed;
}

/** The record of a key that is trusted because it is the first. */
export function firstIdentity(userId: UserId, key: Uint8Array, now: number): IdentityRecord {
  return { userId, key, firstSeenAt: now, changedAt: undefined, verifiedAt: undefined, pending: undefined };
}

/** A message began a session under another key than the trusted one: it is told once, and nothing is sent under it before a device list names it. */
export async function noteForeignIdentity(
  overlay: Overlay,
  userId: UserId,
  key: Uint8Array,
  now: number,
): Promise<void> {
  const known = await overlay.get('identity', { userId });
  if (known === undefined || (known.pending !== undefined && sameBytes(known.pending.key, key))) return;
  overlay.put('identity', { ...known, pending: { key, seenAt: now, listed: false } });
  overlay.record({ type: 'identity.changed', userId });
}

/** The key that a message came under is the one that the known list names: from now on it waits as such. */
export async function noteNamedIdentity(overlay: Overlay, userId: UserId, key: Uint8Array): Promise<void> {
  const known = await overlay.get('identity', { userId });
  const pending = known?.pending;
  if (known === undefined || pending === undefined || pending.listed || !sameBytes(pending.key, key)) return;
  overlay.put('identity', { ...known, pending: { ...pending, listed: true } });
}

/**
 * Takes note of the identity key that a list under the pinned root key names.
 *
 * The first one is trusted; another one takes its place or waits for the user, by the policy, who is told then, also when a message under it was told of before. One that no list names is forgotten. After `replaced` the sessions that are there must not be sent on.
 */
export async function meetListedIdentity(
  overlay: Overlay,
  userId: UserId,
  key: Uint8Array,
  policy: IdentityPolicy,
  now: number,
): Promise<ListedIdentity> {
  const known = await overlay.get('identity', { userId });
  if (known === undefined) {
    overlay.put('identity', firstIdentity(userId, key, now));
    return 'trusted';
  }
  if (sameBytes(known.key, key)) {
    if (known.pending === undefined) return 'trusted';
    overlay.put('identity', { ...known, pending: undefined });
    return 'replaced';
  }
  const wasSeen = known.pending !== undefined && sameBytes(known.pending.key, key);
  if (!wasSeen) overlay.record({ type: 'identity.changed', userId });
  const seenAt = wasSeen ? (known.pending?.seenAt ?? now) : now;
  const waiting = { ...known, pending: { key, seenAt, listed: true } };
  if (isBlocked(waiting, policy)) {
    // Only now is there something for the user to decide.
    if (wasSeen && known.pending?.listed === false) overlay.record({ type: 'identity.changed', userId });
    overlay.put('identity', waiting);
    return 'blocked';
  }
  overlay.put('identity', withPending(waiting, now));
  return 'replaced';
}

/** The record once its pending key is trusted: a key that nobody has compared yet. */
export function withPending(identity: IdentityRecord, now: number): IdentityRecord {
  const { pending } = identity;
  if (pending === undefined) return identity;
  return { ...identity, key: pending.key, changedAt: now, verifiedAt: undefined, pending: undefined };
}

/** The failure of everything that would send under a key that is not accepted. */
export const identityChangedAdvice =
  'this person has a new identity key: a new phone, or somebody in between; compare safety numbers, then accept it';
