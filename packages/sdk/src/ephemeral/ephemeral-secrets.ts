import type { Overlay } from '../crypto/overlay.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { EphemeralSecretRecord } from '../ports/ephemeral-record.ts';
import type { DeviceAddress, DeviceId, UserId } from '../ports/ids.ts';
import type { Randomness } from '../ports/randomness.ts';

/** The length of a secret, in bytes. */
export const secretBytes = 32;

/**
 * The own secret for a person, as long as they are not known to have it; made when there is none, or theirs is another identity now. In the operation that seals for them.
 * @param deviceListVersion of their devices: another one may have a device that has not heard of it
 */
export async function secretToGive(
  overlay: Overlay,
  {
    userId,
    ownDevice,
    deviceListVersion,
    randomness,
  }: {
    readonly userId: UserId;
    readonly ownDevice: DeviceId;
    readonly deviceListVersion: number;
    readonly randomness: Randomness;
  },
): Promise<Uint8Array | undefined> {
  const identity = await overlay.get('identity', { userId });
  if (identity === undefined) return undefined;
  const key = { userId, direction: 'out', deviceId: ownDevice } as const;
  const known = await overlay.get('ephemeralSecret', key);
  if (known === undefined || !sameBytes(known.identityKey, identity.key)) {
    const made: EphemeralSecretRecord = {
      ...key,
      secret: randomness.bytes(secretBytes),
      identityKey: identity.key,
      deviceListVersion,
      since: overlay.nextPosition(),
      known: false,
    };
    overlay.put('ephemeralSecret', made);
    return made.secret;
  }
  if (known.deviceListVersion !== deviceListVersion) {
    overlay.put('ephemeralSecret', { ...known, deviceListVersion, since: overlay.nextPosition(), known: false });
    return known.secret;
  }
  return known.known ? undefined : known.secret;
}

/** A message of theirs above this position was delivered: it carried the secret, so they have it. */
export async function secretDelivered(
  overlay: Overlay,
  userId: UserId,
  ownDevice: DeviceId,
  position: number,
): Promise<void> {
  const record = await overlay.get('ephemeralSecret', { userId, direction: 'out', deviceId: ownDevice });
  if (record === undefined || record.known || position <= record.since) return;
  overlay.put('ephemeralSecret', { ...record, known: true });
}

/**
 * Keeps the secret that a device of theirs gave in a message.
 * @param identityKey under which the message came: under another one the secret is void
 */
export async function learnSecret(
  overlay: Overlay,
  sender: DeviceAddress,
  secret: Uint8Array,
  identityKey: Uint8Array,
): Promise<void> {
  if (secret.length !== secretBytes) return;
  const { userId, deviceId } = sender;
  const key = { userId, direction: 'in', deviceId } as const;
  const known = await overlay.get('ephemeralSecret', key);
  const same = known && sameBytes(known.secret, secret) && sameBytes(known.identityKey, identityKey);
  if (same) return;
  overlay.put('ephemeralSecret', {
    ...key,
    secret: secret.slice(),
    identityKey,
    deviceListVersion: 0,
    since: 0,
    known: true,
  });
}
