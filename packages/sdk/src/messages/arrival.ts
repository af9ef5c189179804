import type { Content, Envelope } from '@sotto/proto';
import type { Overlay } from '../crypto/overlay.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { DeviceAddress, MessageId } from '../ports/ids.ts';

/** A decrypted and checked message, as it is applied. */
export interface Arrival {
  readonly overlay: Overlay;
  readonly account: AccountRecord;
  readonly sender: DeviceAddress;
  readonly messageId: MessageId;
  readonly envelope: Envelope;
  readonly content: Content;
  /** The encoded content, for kinds that this version does not know. */
  readonly encoded: Uint8Array;
  /** It came under an identity key that is not accepted yet. */
  readonly newIdentity: boolean;
  /** By this device's clock. */
  readonly now: number;
}

/** What applying a message asks for beside its changes. */
export interface Applied {
  /** A delivery receipt is due to the sender. */
  readonly receiptDue: boolean;
}

export const nothingDue: Applied = { receiptDue: false };

/** Applies one kind of content to the store, in the operation that decrypted it. */
export type ApplyContent = (arrival: Arrival) => Promise<Applied>;
