declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** An account: a UUID in its 36-character, lower-case form. */
export type UserId = Branded<string, 'UserId'>;

/** A device of an account: 1..127, 1 is the primary. */
export type DeviceId = Branded<number, 'DeviceId'>;

/** One device of one account: where an envelope goes. */
export interface DeviceAddress {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
}

/** What a number is known by: HMAC-SHA-256 under the relay's own key, 32 bytes. The number itself is never a key. */
export type NumberMac = Branded<Uint8Array, 'NumberMac'>;

/** A group: 32 opaque bytes, from the client that created it. */
export type GroupId = Branded<Uint8Array, 'GroupId'>;

/** One device of one account for as long as it is listed, as text of at most 200 characters: one that comes back under another registration has another key, and meets nothing of the one before. */
export type DeviceKey = Branded<string, 'DeviceKey'>;

/** Where offsets mean something: cluster, topic id and partition, as text of at most 200 characters. */
export type LaneId = Branded<string, 'LaneId'>;
