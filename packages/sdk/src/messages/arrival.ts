import type { Content, Envelope } from '@sotto/proto';
import type { Overlay } from '../crypto/overlay.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { ChatRecord } from '../ports/chat-record.ts';
import type { DeviceAddress, GroupId, MessageId } from '../ports/ids.ts';
import type { StoreQueries } from '../ports/store.ts';
import type { ArrivalTimes, GroupContext } from './group-context.ts';
import type { ContentOrigin } from './outgoing-content.ts';

/** A decrypted and checked message, as it is applied. */
export interface Arrival extends ArrivalTimes {
  readonly overlay: Overlay;
  readonly account: AccountRecord;
  /** For what is sent in answer. */
  readonly origin: ContentOrigin;
  readonly sender: DeviceAddress;
  readonly messageId: MessageId;
  readonly envelope: Envelope;
  readonly content: Content;
  /** The encoded content, for kinds that this version does not know. */
  readonly encoded: Uint8Array;
  /** It came under an identity key that is not accepted yet. */
  readonly newIdentity: boolean;
  /** The group whose conversation it belongs to. */
  readonly group: GroupContext | undefined;
  /** That are held: `demandLocks` asks for more. */
  readonly locks: readonly string[];
  /** Of the store as it was before the operation's batch. */
  readonly queries: StoreQueries;
}

/** What applying a message asks for beside its changes. */
export interface Applied {
  /** A delivery receipt is due to the sender. */
  readonly receiptDue: boolean;
  /** What could not be opened of its sender may be opened now. */
  readonly newKeys?: boolean;
  /** An answer to the sender was queued. */
  readonly answered?: boolean;
  /** A message of a stranger was added to a chat that is not accepted. */
  readonly request?: boolean;
  /** A group whose log is to be looked at. */
  readonly group?: GroupId;
  /** Chats that another own device has accepted: receipts for what came to them before are due. */
  readonly accepted?: readonly ChatRecord[];
  /** Groups that are known from here on: what came to them before may be opened now. */
  readonly groupsBegun?: readonly GroupId[];
}

export const nothingDue: Applied = { receiptDue: false };

/** Applies one kind of content to the store, in the operation that decrypted it. */
export type ApplyContent = (arrival: Arrival) => Promise<Applied>;
