import { uuidToText } from '@sotto/proto';
import { refuseWhenEnded } from '../accounts/standing.ts';
import type { Hold } from '../crypto/hold.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { hasBlocked } from '../people/blocked.ts';
import type { MessageId } from '../ports/ids.ts';
import type { HeldReason, HeldRecord } from '../ports/inbox-records.ts';
import type { Randomness } from '../ports/randomness.ts';
import { recordKey } from '../ports/record-key.ts';
import { firstRequestAt } from '../repair/retry-asker.ts';
import { isAskable, isMendable } from '../repair/retry-request.ts';
import type { Inspected } from './inspect-envelope.ts';
import { heldAs, type Received } from './received.ts';

/** What is needed to say when to ask for what is held. */
export interface Holding {
  readonly now: number;
  readonly randomness: Randomness;
}

/**
 * Keeps what could not be opened, by the caller's locks. A ratchet opens nothing twice, so only what failed is looked up: it may have come before.
 * @param before as what it was held until now
 */
export async function holdEnvelope(
  overlay: Overlay,
  inspected: Inspected,
  hold: Hold,
  { now, randomness }: Holding,
  before?: HeldRecord,
): Promise<Received> {
  await refuseWhenEnded(overlay);
  const { reason, note } = hold;
  const groupId = hold.groupId ?? inspected.groupId;
  const { envelope, sender } = inspected;
  const { digest, bytes } = (isBelowDoubt(inspected, reason) && inspected.outdated) || inspected;
  if ((await overlay.get('seen', { key: digest })) !== undefined) return { outcome: 'duplicate' };
  overlay.put('seen', { key: digest, at: now });
  if (sender !== undefined && (await hasBlocked(overlay, sender.userId))) return { outcome: 'dropped' };
  await note?.(overlay);
  overlay.put('held', {
    digest,
    envelope: bytes,
    reason,
    heldAt: before?.heldAt ?? now,
    arrival: before?.arrival ?? overlay.nextPosition(),
    retries: before === undefined ? 0 : before.retries + 1,
    sender: sender?.userId,
    messageId: sender && (uuidToText(envelope.messageId) as MessageId),
    groupId,
    mendable: canBeMended(inspected, reason),
    requests: 0,
    requestAt: canBeAskedFor(inspected, reason) ? firstRequestAt(reason, envelope.attempt, now, randomness) : undefined,
  });
  overlay.record({ type: 'envelope.held', digest: recordKey('held', { digest }), reason });
  return heldAs(reason, groupId);
}

/** Holds an envelope that was tried again in vain; undefined when that is for the same reason as before. */
export async function holdAgain(
  overlay: Overlay,
  inspected: Inspected,
  held: HeldRecord,
  hold: Hold,
  holding: Holding,
): Promise<Received | undefined> {
  const { reason } = hold;
  if (!sameBytes(held.digest, inspected.digest) && !isBelowDoubt(inspected, reason)) {
    // Its outer layer has come off since: it is held as if it had come without, so that it is found by its sender and asked for.
    overlay.delete('held', { digest: held.digest });
    return holdEnvelope(overlay, inspected, hold, holding, held);
  }
  await hold.note?.(overlay);
  const groupId = hold.groupId ?? held.groupId;
  const next = { ...held, reason, retries: held.retries + 1, groupId };
  if (reason === held.reason) {
    overlay.put('held', { ...next, mendable: canBeMended(inspected, reason) }, ['retries', 'groupId', 'mendable']);
    return undefined;
  }
  const { now, randomness } = holding;
  const isAskedFor = canBeAskedFor(inspected, reason);
  const first = firstRequestAt(reason, inspected.envelope.attempt, now, randomness);
  // What was asked for already goes on being so.
  const requestAt = isAskedFor ? (held.requestAt ?? first) : undefined;
  overlay.put('held', { ...next, mendable: canBeMended(inspected, reason), requestAt });
  return heldAs(reason, groupId);
}

function isReadable({ sender, checked }: Inspected): boolean {
  return sender !== undefined && checked !== undefined;
}

function canBeAskedFor(inspected: Inspected, reason: HeldReason): boolean {
  return isReadable(inspected) && (isAskable(reason) || isBelowDoubt(inspected, reason));
}

function canBeMended(inspected: Inspected, reason: HeldReason): boolean {
  return isReadable(inspected) && isMendable(reason);
}

/** Whether an outdated certificate is in doubt: nothing below it is believed, and it is looked at again the next time. Whoever it names is asked: what they send again has another one. */
function isBelowDoubt({ outdated }: Inspected, reason: HeldReason): boolean {
  return reason === 'certificate-invalid' && outdated !== undefined;
}
