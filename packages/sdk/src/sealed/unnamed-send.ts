import type { SendFields } from '@sotto/proto';
import { sameBytes } from '../crypto/same-bytes.ts';

/** Whether a Send is one whose sender is not named: it leaves by a request of its own, and not over the stream. */
export function isUnnamed({ messageId }: Pick<SendFields, 'messageId'>): boolean {
  return messageId === undefined || messageId === null || messageId.length === 0;
}

/** Whether two Sends of that kind go to the same person under the same access key: then they can leave together. */
export function isToSame(one: SendFields, other: SendFields): boolean {
  const [to, otherTo] = [one.recipients?.[0], other.recipients?.[0]];
  return (
    sameBytes(to?.userId ?? nothing, otherTo?.userId ?? nothing) &&
    sameBytes(to?.accessKey ?? nothing, otherTo?.accessKey ?? nothing)
  );
}

const nothing = new Uint8Array();
