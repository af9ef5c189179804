import type { SendFields } from '@sotto/proto';
import { sameBytes } from '../crypto/same-bytes.ts';

/** Whether a Send is one whose sender is not named: it leaves by a request of its own, and not over the stream. */
export function isUnnamed({ messageId }: Pick<SendFields, 'messageId'>): boolean {
  return messageId === undefined || messageId === null || messageId.length === 0;
}

/** Whether a Send of that kind is one message for many people: `sharedCiphertext` is libsignal's, version 2, and each recipient is named with the access key alone. */
export function isForMany(send: Pick<SendFields, 'messageId' | 'sharedCiphertext'>): boolean {
  return isUnnamed(send) && (send.sharedCiphertext?.length ?? 0) > 0;
}

/** Whether two Sends of that kind can leave in one request: both are for many, or go to the same person under the same access key. */
export function canLeaveWith(one: SendFields, other: SendFields): boolean {
  if (isForMany(one) || isForMany(other)) return isForMany(one) && isForMany(other);
  const [to, otherTo] = [one.recipients?.[0], other.recipients?.[0]];
  return (
    sameBytes(to?.userId ?? nothing, otherTo?.userId ?? nothing) &&
    sameBytes(to?.accessKey ?? nothing, otherTo?.accessKey ?? nothing)
  );
}

const nothing = new Uint8Array();
