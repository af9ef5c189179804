import { isBlocked } from '../crypto/identity-trust.ts';
import type { Overlay } from '../crypto/overlay.ts';
import type { UserId } from '../ports/ids.ts';
import type { IdentityPolicy } from '../ports/key-records.ts';
import { chatWith } from './chat-state.ts';

/** What a new identity key of somebody does: as their chat says, else as the client says. */
export async function identityPolicyOf(
  overlay: Overlay,
  userId: UserId,
  ofClient: IdentityPolicy,
): Promise<IdentityPolicy> {
  const chat = await overlay.get('chat', { id: chatWith(userId) });
  return chat?.identityPolicy ?? ofClient;
}

/** Whether nothing may be sent to this person before the user has accepted a new identity key. */
export async function isSendingBlocked(overlay: Overlay, userId: UserId, ofClient: IdentityPolicy): Promise<boolean> {
  const identity = await overlay.get('identity', { userId });
  // With most people no key waits, and the policy does not matter.
  return identity?.pending !== undefined && isBlocked(identity, await identityPolicyOf(overlay, userId, ofClient));
}

/** Whether a value that was given is a policy. */
export function isIdentityPolicy(value: unknown): value is IdentityPolicy {
  return value === 'accept' || value === 'block-verified' || value === 'block';
}
