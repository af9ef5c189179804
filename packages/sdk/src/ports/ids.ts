declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** An account: a UUID, 36 characters in lower case. A phone number is an attribute of it, never an address. */
export type UserId = Branded<string, 'UserId'>;

/** A device of an account: 1..127; 1 is the primary. */
export type DeviceId = Branded<number, 'DeviceId'>;

/** A group: a UUID here, 32 opaque bytes on the wire. */
export type GroupId = Branded<string, 'GroupId'>;

/** A conversation on this device: the other person's UserId, or the GroupId. */
export type ChatId = Branded<string, 'ChatId'>;

/** A message: a UUID that commits to its author, so that nobody else can take it (docs/protocol.md, section 4). */
export type MessageId = Branded<string, 'MessageId'>;

/** One device of one account. */
export interface DeviceAddress {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
}
