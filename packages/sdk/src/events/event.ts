import type { Message } from '../messages/message.ts';
import type { GroupNews } from '../ports/event-records.ts';
import type { ChatId, DeviceId, GroupId, UserId } from '../ports/ids.ts';
import type { ConnectionState, EndReason, OfflineReason } from '../transport/connection-state.ts';

/** What happened, after it was committed. One union; branch on `type`. */
export type SottoEvent =
  /** Somebody's message is in the history. */
  | {
      readonly type: 'message.received';
      readonly message: Message;
      readonly late: boolean;
      /** It came under an identity key that is not accepted yet: it may be somebody else's. */
      readonly newIdentity: boolean;
      /** It came in a chat that this user has not accepted: from a stranger. */
      readonly request: boolean;
      /** The chat was muted when it came. */
      readonly muted: boolean;
    }
  /** The relay has an own message, or has deleted it undelivered. `userId`: to whom it went; undefined in a group. `at`: milliseconds since the Unix epoch. */
  | {
      readonly type: 'message.sent' | 'message.expired';
      readonly message: Message;
      readonly userId: UserId | undefined;
      readonly at: number;
    }
  /** An own message got further with this recipient. `message.state` says what all of a group have reached. */
  | {
      readonly type: 'message.delivered' | 'message.read';
      readonly message: Message;
      readonly userId: UserId;
      readonly at: number;
    }
  /** An own message will not be sent. `code` as in SottoError, or the relay's own. */
  | { readonly type: 'message.failed'; readonly message: Message; readonly code: string }
  /** Something came that could not be opened; it is kept, and tried again when keys come. */
  | { readonly type: 'envelope.held'; readonly digest: string; readonly reason: string }
  /** What was held was given up: it was too old, or there was too much of its sender's. */
  | { readonly type: 'envelope.dropped'; readonly digest: string; readonly reason: string }
  | { readonly type: 'chat.created' | 'chat.read'; readonly chatId: ChatId }
  /** A chat was accepted or muted, or has another setting. */
  | { readonly type: 'chat.changed'; readonly chatId: ChatId }
  /** A request was declined, or given up because there were too many: its messages are gone. */
  | { readonly type: 'chat.removed'; readonly chatId: ChatId }
  /** This user has blocked somebody, or taken them back. */
  | { readonly type: 'contact.blocked' | 'contact.unblocked'; readonly userId: UserId }
  /** Somebody has a new identity key: a new phone, or somebody in between. */
  | { readonly type: 'identity.changed'; readonly userId: UserId }
  /** The relay shows another list of somebody's devices than they have themselves: it may hide that one was revoked. Nothing is sent to them until both agree. */
  | { readonly type: 'device-list.forked'; readonly userId: UserId }
  | { readonly type: 'profile.changed'; readonly userId: UserId }
  /** A contact says that their number is another one: the old one is forgotten. `number` is theirs once the relay has confirmed it, which a `profile.changed` tells. */
  | { readonly type: 'contact.number-changed'; readonly userId: UserId; readonly number: string }
  /** A group is another one now: what of it has changed, and by whom. `by` is undefined when the relay alone says that this user is no member any more, or a key that came late shows that they still are. */
  | {
      readonly type: 'group.changed';
      readonly chatId: ChatId;
      readonly groupId: GroupId;
      readonly revision: number;
      readonly by: UserId | undefined;
      readonly changes: readonly GroupNews[];
    }
  /** A member says (`by`), or the relay itself shows, that a group has another course than the one that was seen here: nothing is sent into it until that is settled, or the user says `acceptFork`. */
  | {
      readonly type: 'group.forked';
      readonly chatId: ChatId;
      readonly groupId: GroupId;
      readonly revision: number;
      readonly by: UserId | undefined;
    }
  /** What has become of a group after this revision can not be read yet: members are asked for the key. */
  | {
      readonly type: 'group.waiting';
      readonly chatId: ChatId;
      readonly groupId: GroupId;
      readonly revision: number;
    }
  /** Somebody with the link asks to be let into a group that this user administers: `approveRequest` or `declineRequest` answers. */
  | {
      readonly type: 'group.requested';
      readonly chatId: ChatId;
      readonly groupId: GroupId;
      readonly userId: UserId;
    }
  /** Another device was let into the own account, or taken out of it. `name`: empty when it has none. */
  | { readonly type: 'device.linked' | 'device.removed'; readonly deviceId: DeviceId; readonly name: string }
  /** `deleteAccount` is done: the secrets of the own account are overwritten here. */
  | {
      readonly type: 'account.deleted';
      readonly userId: UserId;
      /** The relay has answered that it has deleted the account. False when it had ended the session of this device before it could be asked: then the account is over for this device alone, and whoever has registered its number anew decides what becomes of it. */
      readonly confirmed: boolean;
    }
  | TransientEvent;

/** Not kept: only who listens now hears it, and of several in a row about the same the last one. */
export type TransientEvent =
  | (ConnectionChange & { readonly type: 'connection.changed' })
  /** Somebody whose chat this user has accepted types, or has stopped. */
  | { readonly type: 'typing.changed'; readonly chatId: ChatId; readonly userId: UserId; readonly typing: boolean }
  /** Somebody whose chat this user has accepted has come, or has gone; only with the option `presence`, and only of those who have it on, too. `at`: by this device's clock. */
  | {
      readonly type: 'presence.changed';
      readonly userId: UserId;
      readonly presence: 'online' | 'offline';
      readonly at: number;
    };

/** How the connection is now. */
export interface ConnectionChange {
  readonly state: ConnectionState;
  /** Why it is `offline`, or `ended`. */
  readonly reason?: OfflineReason | EndReason;
  /** When it is tried again, by this device's clock. */
  readonly retryAt?: number;
}

export type EventType = SottoEvent['type'];

/** The event of a type, also where several types share a shape. */
export type EventOf<Type extends EventType> = SottoEvent extends infer Event
  ? Event extends { readonly type: infer Known }
    ? Type extends Known
      ? Event & { readonly type: Type }
      : never
    : never
  : never;
