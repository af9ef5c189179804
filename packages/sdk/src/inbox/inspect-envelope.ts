import { CiphertextKind, Envelope, uuidToText } from '@sotto/proto';
import { chatLock, chatOfGroup, chatWith } from '../chats/chat-state.ts';
import { Hold } from '../crypto/hold.ts';
import { ownIdentities } from '../crypto/own-identities.ts';
import { type CheckedCiphertext, checkStructure } from '../crypto/precheck.ts';
import { peerLock } from '../crypto/ratchet.ts';
import { unseal } from '../crypto/sealed-open.ts';
import { type CheckedGroupCiphertext, checkGroupCiphertext } from '../crypto/sender-key-precheck.ts';
import { groupIdOf } from '../groups/group-id.ts';
import { groupLock } from '../groups/group-lock.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { DeviceAddress, DeviceId, GroupId, UserId } from '../ports/ids.ts';
import { recordKey } from '../ports/record-key.ts';
import { type ReadRetryRequest, readRetryRequest } from '../repair/retry-request.ts';
import { decodeEnvelope } from './decode-envelope.ts';

/** An envelope with what was found out about it before any lock. */
export interface Inspected {
  readonly envelope: Envelope;
  /** As it came. */
  readonly bytes: Uint8Array;
  readonly digest: Uint8Array;
  readonly sender: DeviceAddress | undefined;
  /** The group that it came to. */
  readonly groupId: GroupId | undefined;
  readonly checked: CheckedCiphertext | CheckedGroupCiphertext | undefined;
  /** The identity key that the certificate of a sealed sender is for. */
  readonly certified: Uint8Array | undefined;
  /** That certificate was outdated: then the envelope as it came, under its own digest. */
  readonly outdated: Pick<Inspected, 'bytes' | 'digest'> | undefined;
  /** It is no message, but a request to send one again. */
  readonly request: ReadRetryRequest | 'malformed' | undefined;
  /** Why it is held before decryption was tried. */
  readonly refused: Hold | undefined;
}

/** Reads an envelope as far as that goes without any key. */
export function inspectEnvelope(bytes: Uint8Array, self: AccountRecord, sha256: Sha256): Inspected {
  const envelope = decodeEnvelope(bytes);
  const inspected = {
    envelope: envelope ?? Envelope.decode(new Uint8Array()),
    bytes,
    // Envelopes without a ciphertext (of a suite to come) must not be taken for one another.
    digest: sha256(envelope === undefined || envelope.ciphertext.length === 0 ? bytes : envelope.ciphertext),
    sender: undefined,
    groupId: undefined,
    checked: undefined,
    certified: undefined,
    outdated: undefined,
    request: undefined,
  };
  try {
    if (envelope === undefined) throw new Hold('malformed-envelope');
    if (envelope.suite !== 1) throw new Hold('unknown-suite');
    const sender = senderOf(envelope, self);
    if (envelope.kind === CiphertextKind.CIPHERTEXT_KIND_RETRY_REQUEST) {
      const request = readRetryRequest(envelope.ciphertext) ?? 'malformed';
      return { ...inspected, sender, request, refused: undefined };
    }
    if (envelope.kind === CiphertextKind.CIPHERTEXT_KIND_SENDER_KEY) {
      if (envelope.groupId.length !== 32) throw new Hold('malformed-envelope');
      const groupId = groupIdOf(envelope.groupId, sha256);
      const checked = checkGroupCiphertext(envelope.ciphertext);
      return { ...inspected, sender, groupId, checked, refused: undefined };
    }
    const checked = checkStructure(envelope.kind, envelope.ciphertext);
    return { ...inspected, sender, checked, refused: undefined };
  } catch (error) {
    if (!(error instanceof Hold)) throw error;
    return { ...inspected, refused: error };
  }
}

/**
 * Reads an envelope whose sender may be sealed: its outer layer is opened first, and from there on it is as if it had named its sender.
 * @param now by this device's clock: which former identity keys still open an outer layer
 * @param trustRoots those of the relay that are believed
 * @param watch is given the work on the outer layer, which waits for nothing else
 */
export async function inspectSealed(
  bytes: Uint8Array,
  self: AccountRecord,
  sha256: Sha256,
  now: number,
  trustRoots: () => Promise<readonly Uint8Array[]>,
  watch: <T>(work: Promise<T>) => Promise<T>,
): Promise<Inspected> {
  const outer = decodeEnvelope(bytes);
  if (outer?.kind !== CiphertextKind.CIPHERTEXT_KIND_SEALED || outer.suite !== 1) {
    return inspectEnvelope(bytes, self, sha256);
  }
  try {
    const roots = await trustRoots();
    const { envelope, identityKey, isOutdated } = await watch(unseal(outer, ownIdentities(self, now), roots));
    const outdated = isOutdated ? { bytes, digest: sha256(outer.ciphertext) } : undefined;
    return { ...inspectEnvelope(Envelope.encode(envelope), self, sha256), certified: identityKey, outdated };
  } catch (error) {
    if (!(error instanceof Hold)) throw error;
    return { ...inspectEnvelope(bytes, self, sha256), refused: error };
  }
}

/**
 * Who sent an envelope to this device, as it says.
 * @throws {Hold} `malformed-envelope`, `wrong-recipient`, `sender-mismatch`
 */
function senderOf(envelope: Envelope, self: AccountRecord): DeviceAddress {
  if (envelope.senderUser.length !== 16 || envelope.recipientUser.length !== 16 || envelope.messageId.length !== 16) {
    throw new Hold('malformed-envelope');
  }
  if (envelope.senderDevice < 1 || envelope.senderDevice > 127) throw new Hold('malformed-envelope');
  if (uuidToText(envelope.recipientUser) !== self.userId || envelope.recipientDevice !== self.deviceId) {
    throw new Hold('wrong-recipient');
  }
  const sender = {
    userId: uuidToText(envelope.senderUser) as UserId,
    deviceId: envelope.senderDevice as DeviceId,
  };
  if (sender.userId === self.userId && sender.deviceId === self.deviceId) throw new Hold('sender-mismatch');
  return sender;
}

/** The locks under which an envelope is opened. */
export function locksOf({ sender, groupId, checked, digest }: Inspected): readonly string[] {
  if (sender === undefined) return [`held:${recordKey('held', { digest })}`];
  const locks = [peerLock(sender.userId), chatLock(chatWith(sender.userId))];
  if (groupId !== undefined) locks.push(chatLock(chatOfGroup(groupId)), groupLock(groupId));
  const ids = checked?.kind === 'sender-key' ? undefined : checked?.prekeyIds;
  if (ids === undefined) return locks;
  if (ids.ec !== undefined) locks.push(`prekey:ec.${ids.ec}`);
  if (ids.kyber !== undefined) locks.push(`prekey:kyber.${ids.kyber}`);
  return locks;
}
