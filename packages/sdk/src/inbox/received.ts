import type { ChatId, DeviceAddress, GroupId, UserId } from '../ports/ids.ts';
import type { HeldReason } from '../ports/inbox-records.ts';

/** What became of an envelope. In every case its effects are durable and it may be acked. */
export type Received =
  | {
      readonly outcome: 'applied';
      /** A session began with it, or it brought the key of a chain: what could not be opened of its sender may be opened now. */
      readonly newSession: boolean;
      /** Receipts to its sender wait in the outbox, or an answer. */
      readonly receiptQueued: boolean;
      /** Receipts for a message of a group wait in its sender's queue: more are likely to come. */
      readonly receiptWaits: boolean;
      /** To whom else receipts wait in the outbox: for what came before their chat was accepted on another own device. */
      readonly overdueTo?: readonly UserId[];
      /** The chat, when it is a message in one that is not accepted. */
      readonly request: ChatId | undefined;
      /** A group of which it brought news. */
      readonly group?: GroupId | undefined;
      /** Groups that are known from here on: what came to them before may be opened now. */
      readonly groupsBegun?: readonly GroupId[];
      readonly sender: DeviceAddress;
    }
  /** A request to send something again was honoured: it waits in the outbox. */
  | { readonly outcome: 'answered'; readonly sender: DeviceAddress }
  /** Its sender is blocked, or a device that was taken off its account: nothing of it is kept. */
  | { readonly outcome: 'dropped' }
  /** `group`: the group whose log it waits for. `behind`: the group that it brings this user into, once the own device list has come. */
  | { readonly outcome: 'held'; readonly group: GroupId | undefined; readonly behind: GroupId | undefined }
  | { readonly outcome: 'duplicate' | 'refused' };

/** What a held envelope leaves to be done. */
export function heldAs(reason: HeldReason, groupId: GroupId | undefined): Received {
  const groupFor = (wanted: HeldReason) => (reason === wanted ? groupId : undefined);
  return { outcome: 'held', group: groupFor('group-revision'), behind: groupFor('own-list-behind') };
}
