import { RecipientStatus, type SendResult, SignedDeviceList, uuidToText } from '@sotto/proto';
import type { UserId } from '../ports/ids.ts';

/** What a result means for the message that was sent. */
export type SendOutcome =
  | {
      readonly type: 'accepted';
      /** 0 when nobody of a group was given it. */
      readonly acceptedAt: number;
      readonly expiresAt: number;
      /** Of a Send to a group: what became of each of its recipients. */
      readonly shares?: ReadonlyMap<UserId, Share>;
    }
  /** The relay knows no such group, or this user is no member of it there. */
  | { readonly type: 'group-unknown' }
  /** The relay does not take this access key of the recipient (any more), or none of those of many, under which the sender would not be named. */
  | { readonly type: 'key-refused' }
  /** The relay takes nothing for many people at once without a sender. */
  | { readonly type: 'way-closed' }
  /** The recipient's devices are others: take the list, then seal again. */
  | { readonly type: 'devices-changed'; readonly deviceList: Uint8Array }
  /** An earlier send of the lane was refused: send again, as it is, in a new lane. */
  | { readonly type: 'superseded' }
  /** Nothing was stored; try again, as it is, after a while. */
  | { readonly type: 'later'; readonly afterMs: number | undefined }
  /** It will never be accepted. */
  | { readonly type: 'failed'; readonly code: string };

/** What became of one recipient of a Send to a group: who has missed it, for whatever reason, gets a copy, unless there is no such account. */
export type Share = 'given' | 'missed' | 'key-refused' | 'not-member' | 'no-account';

const shares: Readonly<Partial<Record<RecipientStatus, Share>>> = {
  [RecipientStatus.RECIPIENT_STATUS_ACCEPTED]: 'given',
  [RecipientStatus.RECIPIENT_STATUS_SEALED_REFUSED]: 'key-refused',
  [RecipientStatus.RECIPIENT_STATUS_NOT_MEMBER]: 'not-member',
  [RecipientStatus.RECIPIENT_STATUS_UNKNOWN_USER]: 'no-account',
};

/** Reads a result of a send to a group. */
export function groupOutcomeOf(result: SendResult): SendOutcome {
  if (result.refused?.code === 'group-unknown') return { type: 'group-unknown' };
  if (result.refused || result.recipients.length === 0) return outcomeOf(result);
  const read = result.recipients.flatMap(({ userId, status }): [UserId, Share][] =>
    userId?.length === 16 ? [[uuidToText(userId) as UserId, shares[status ?? 0] ?? 'missed']] : [],
  );
  const { acceptedAt, expiresAt } = result;
  return { type: 'accepted', acceptedAt, expiresAt, shares: new Map(read) };
}

/** Reads a result of a send to one recipient. What can't be understood is taken as "later": nothing is lost by trying again under the same id. */
export function outcomeOf(result: SendResult): SendOutcome {
  const refused = result.refused;
  if (refused) {
    if (refused.code === 'superseded') return { type: 'superseded' };
    if (refused.code === 'sealed-refused') return { type: 'key-refused' };
    if (refused.code === 'sealed-unavailable') return { type: 'way-closed' };
    if (refused.retryable) return { type: 'later', afterMs: refused.retryAfterMs || undefined };
    return { type: 'failed', code: refused.code || 'relay-refused' };
  }
  const recipient = result.recipients[0];
  switch (recipient?.status) {
    case RecipientStatus.RECIPIENT_STATUS_ACCEPTED:
      return { type: 'accepted', acceptedAt: result.acceptedAt, expiresAt: result.expiresAt };
    case RecipientStatus.RECIPIENT_STATUS_DEVICES_CHANGED:
      if (recipient.deviceList) {
        return { type: 'devices-changed', deviceList: SignedDeviceList.encode(recipient.deviceList) };
      }
      return { type: 'later', afterMs: undefined };
    case RecipientStatus.RECIPIENT_STATUS_UNKNOWN_USER:
      return { type: 'failed', code: 'user-unknown' };
    case RecipientStatus.RECIPIENT_STATUS_SEALED_REFUSED:
      return { type: 'key-refused' };
    case RecipientStatus.RECIPIENT_STATUS_RATE_LIMITED:
      return { type: 'later', afterMs: recipient.retryAfterMs || undefined };
    default:
      return { type: 'later', afterMs: undefined };
  }
}
