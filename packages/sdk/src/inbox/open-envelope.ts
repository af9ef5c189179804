import { Hold } from '../crypto/hold.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { Ratchet } from '../crypto/ratchet.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { SenderKeys } from '../crypto/sender-keys.ts';
import { checkOwnSender, checkOwnWord, isFormerDevice } from '../devices/own-sender.ts';
import { isOutside } from '../messages/group-context.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { DeviceAddress, UserId } from '../ports/ids.ts';
import { type CheckedContent, checkContent, checkGroupContent } from './check-content.ts';
import type { Inspected } from './inspect-envelope.ts';

/** What came out of an envelope. */
export interface OpenedContent extends CheckedContent {
  /** It began a session. */
  readonly newSession: boolean;
  /** It came under an identity key that is not accepted yet. */
  readonly newIdentity: boolean;
  /** The identity key of the session that it came on; undefined under a sender key, and of a device that its account has no more. */
  readonly identityKey: Uint8Array | undefined;
}

/**
 * Decrypts an envelope on the overlay and checks what it holds. The caller holds `locksOf` the envelope.
 * @throws {Hold}, and what the store throws
 */
export async function openEnvelope(
  overlay: Overlay,
  { envelope, checked, groupId, certified, outdated }: Inspected,
  sender: DeviceAddress,
  { account, sha256, now }: { readonly account: AccountRecord; readonly sha256: Sha256; readonly now: number },
): Promise<OpenedContent> {
  if (checked === undefined) throw new Hold('malformed-envelope');
  await checkOwnSender(overlay, sender, account);
  if (certified && outdated && !(await isKnownIdentity(overlay, sender.userId, certified))) {
    throw new Hold('certificate-invalid');
  }
  if (checked.kind !== 'sender-key') {
    const ratchet = new Ratchet(account, overlay, now);
    const { plaintext, ...how } = await ratchet.open(sender, checked, envelope.ciphertext);
    if (certified && !sameBytes(certified, how.identityKey)) throw new Hold('certificate-invalid');
    const read = checkContent(plaintext, envelope, sender, account, sha256);
    checkOwnWord(sender, account, read.content);
    // What a device says of its account counts as long as it is one of it.
    const speaks = !(await isFormerDevice(overlay, sender));
    return { ...read, ...how, identityKey: speaks ? how.identityKey : undefined };
  }
  if (groupId === undefined) throw new Hold('malformed-envelope');
  // Nobody is asked for the key of a chain that would open nothing here.
  const isStranger = () => isOutside(overlay, groupId, sender.userId, envelope.groupEpoch, false);
  const plaintext = await new SenderKeys(overlay, now)
    .open(sender, groupId, checked, envelope.ciphertext)
    .catch(async (error: unknown) => {
      if (error instanceof Hold && error.reason === 'no-sender-key' && (await isStranger())) {
        throw new Hold('not-a-member', { groupId });
      }
      throw error;
    });
  const identity = await overlay.get('identity', { userId: sender.userId });
  return {
    ...checkGroupContent(plaintext, envelope, sender, sha256),
    newSession: false,
    newIdentity: identity?.pending !== undefined,
    identityKey: undefined,
  };
}

/** Whether an identity key is the one that is trusted for this person: then what opens under it needs no certificate to prove who wrote it. */
async function isKnownIdentity(overlay: Overlay, userId: UserId, key: Uint8Array): Promise<boolean> {
  const identity = await overlay.get('identity', { userId });
  return identity !== undefined && sameBytes(identity.key, key);
}
