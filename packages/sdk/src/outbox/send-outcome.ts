import { RecipientStatus, type SendResult, SignedDeviceList } from '@sotto/proto';

/** What a result means for the message that was sent to one person. */
export type SendOutcome =
  | { readonly type: 'accepted'; readonly acceptedAt: number; readonly expiresAt: number }
  /** The recipient's devices are others: take the list, then seal again. */
  | { readonly type: 'devices-changed'; readonly deviceList: Uint8Array }
  /** An earlier send of the lane was refused: send again, as it is, in a new lane. */
  | { readonly type: 'superseded' }
  /** Nothing was stored; try again, as it is, after a while. */
  | { readonly type: 'later'; readonly afterMs: number | undefined }
  /** It will never be accepted. */
  | { readonly type: 'failed'; readonly code: string };

/** Reads a result of a send to one recipient. What can't be understood is taken as "later": nothing is lost by trying again under the same id. */
export function outcomeOf(result: SendResult): SendOutcome {
  const refused = result.refused;
  if (refused) {
    if (refused.code === 'superseded') return { type: 'superseded' };
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
    case RecipientStatus.RECIPIENT_STATUS_RATE_LIMITED:
      return { type: 'later', afterMs: recipient.retryAfterMs || undefined };
    default:
      return { type: 'later', afterMs: undefined };
  }
}
