import type { ChatId, DeviceId, GroupId, MessageId, UserId } from './ids.ts';

/** One thing that a change of a group has changed. */
export type GroupNews =
  | { readonly type: 'created' | 'avatar' }
  /** `account-gone`: the relay says that they have no account any more; they stay members. */
  | { readonly type: 'added' | 'removed' | 'account-gone'; readonly userIds: readonly UserId[] }
  /** By a link, or by leaving; or asks to come in, and is turned away. */
  | { readonly type: 'joined' | 'left' | 'requested' | 'declined'; readonly userId: UserId }
  | { readonly type: 'role'; readonly userId: UserId; readonly role: 'member' | 'admin' | 'owner' }
  | { readonly type: 'title'; readonly title: string }
  | { readonly type: 'settings'; readonly add: 'admins' | 'members'; readonly edit: 'admins' | 'members' }
  /** Whether there is a link by which others come in. */
  | { readonly type: 'invite'; readonly open: boolean };

/** What happened, as it is written down in the commit that made it happen. Messages are looked up when it is read. */
export type EventFact =
  | {
      readonly type: 'message.received';
      readonly messageId: MessageId;
      readonly chatId: ChatId;
      readonly late: boolean;
      /** It came under an identity key that is not accepted yet. Facts of earlier versions do not say. */
      readonly newIdentity?: boolean;
      /** The chat was not accepted, or muted. Facts of earlier versions do not say. */
      readonly request?: boolean;
      readonly muted?: boolean;
    }
  | {
      readonly type: 'message.sent' | 'message.expired';
      readonly messageId: MessageId;
      readonly chatId: ChatId;
      /** Undefined when it is all recipients of a message to a group. */
      readonly userId: UserId | undefined;
      readonly at: number;
    }
  | {
      readonly type: 'message.delivered' | 'message.read';
      readonly messageId: MessageId;
      readonly chatId: ChatId;
      readonly userId: UserId;
      readonly at: number;
    }
  | { readonly type: 'message.failed'; readonly messageId: MessageId; readonly chatId: ChatId; readonly code: string }
  | { readonly type: 'envelope.held' | 'envelope.dropped'; readonly digest: string; readonly reason: string }
  | { readonly type: 'chat.created' | 'chat.read' | 'chat.changed' | 'chat.removed'; readonly chatId: ChatId }
  | { readonly type: 'contact.blocked' | 'contact.unblocked'; readonly userId: UserId }
  | { readonly type: 'identity.changed' | 'device-list.forked'; readonly userId: UserId }
  | { readonly type: 'profile.changed'; readonly userId: UserId }
  | { readonly type: 'contact.number-changed'; readonly userId: UserId; readonly number: string }
  | {
      readonly type: 'group.changed';
      readonly chatId: ChatId;
      readonly groupId: GroupId;
      readonly revision: number;
      /** Undefined when it is not known: the relay says that this user is no member any more. */
      readonly by: UserId | undefined;
      readonly changes: readonly GroupNews[];
    }
  | {
      readonly type: 'group.forked';
      readonly chatId: ChatId;
      readonly groupId: GroupId;
      readonly revision: number;
      /** By whose word; undefined when the relay itself shows it. */
      readonly by: UserId | undefined;
    }
  | {
      readonly type: 'group.waiting';
      readonly chatId: ChatId;
      readonly groupId: GroupId;
      readonly revision: number;
    }
  | {
      readonly type: 'group.requested';
      readonly chatId: ChatId;
      readonly groupId: GroupId;
      readonly userId: UserId;
    }
  | { readonly type: 'device.linked' | 'device.removed'; readonly deviceId: DeviceId; readonly name: string }
  | {
      readonly type: 'account.deleted';
      readonly userId: UserId;
      /** The relay has said so. Facts of earlier versions do not say: they were written only then. */
      readonly confirmed?: boolean;
    };

/** One line of the durable change log. */
export interface EventRecord {
  /** Ascending, never given twice. */
  readonly changeSeq: number;
  readonly at: number;
  readonly fact: EventFact;
}

/** How far a named consumer is. */
export interface CursorRecord {
  readonly name: string;
  /** Every event up to here was handled. */
  readonly changeSeq: number;
  /** When the consumer last moved, by this device's clock; 0 = not known. */
  readonly usedAt: number;
  /** It was not used for so long that events were removed that it has not seen. */
  readonly expired: boolean;
}
