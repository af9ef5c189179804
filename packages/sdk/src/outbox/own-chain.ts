import type { OwnChainRecord, SenderKeySharedRecord } from '../ports/group-records.ts';
import type { IdentityRecord } from '../ports/key-records.ts';
import type { AudienceDevice } from './group-audience.ts';

/** How many messages are sealed under one chain: half of what libsignal lets a receiver skip. */
export const messagesOfChain = 1_000;

/** How long messages are sealed under one chain. */
export const chainFor = 7 * 24 * 3_600_000;

/** Whether a chain is used up by itself. */
export function isSpent({ createdAt, messages }: OwnChainRecord, now: number): boolean {
  return messages >= messagesOfChain || now >= createdAt + chainFor || now < createdAt;
}

/**
 * Whether somebody has the key of a chain who is not to read what is sealed next: a device that is not in the audience any more (its owner left, it was revoked, or registered anew), or one that was given it before its owner's identity became another one.
 */
export function isKnownToOthers(
  shared: readonly SenderKeySharedRecord[],
  audience: readonly AudienceDevice[],
  identities: ReadonlyMap<string, IdentityRecord>,
): boolean {
  const registrations = new Map(audience.map((device) => [`${device.userId}.${device.deviceId}`, device]));
  return shared.some(({ userId, deviceId, registrationId, at }) => {
    if (registrations.get(`${userId}.${deviceId}`)?.registrationId !== registrationId) return true;
    const identity = identities.get(userId);
    const changedAt = Math.max(identity?.changedAt ?? 0, identity?.pending?.listed ? identity.pending.seenAt : 0);
    return changedAt > at;
  });
}

/** The devices that were not given the key of a chain yet, or are to be given it again. */
export function withoutKey(
  shared: readonly SenderKeySharedRecord[],
  audience: readonly AudienceDevice[],
): readonly AudienceDevice[] {
  const there = shared.filter(({ again }) => !again);
  const given = new Map(there.map((one) => [`${one.userId}.${one.deviceId}`, one.registrationId]));
  return audience.filter(
    ({ userId, deviceId, registrationId }) => given.get(`${userId}.${deviceId}`) !== registrationId,
  );
}
