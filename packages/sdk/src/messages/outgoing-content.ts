import { Content, type ContentFields, DeviceList, SignedDeviceList, uuidToBytes } from '@sotto/proto';
import { messageIdBytes } from '../crypto/message-id.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { UserId } from '../ports/ids.ts';
import type { Randomness } from '../ports/randomness.ts';

/** What every content of this account says, whatever its kind. */
export interface ContentOrigin {
  readonly account: AccountRecord;
  /** Whether this client answers with delivery receipts. */
  readonly returnsReceipts: boolean;
  readonly sha256: Sha256;
  readonly randomness: Randomness;
}

/** An encoded content and its new message id, 16 bytes. */
export interface NewContent {
  readonly id: Uint8Array;
  readonly nonce: Uint8Array;
  readonly encoded: Uint8Array;
}

/**
 * Encodes a content for a person or a group, without what is added when it is sealed: what differs by device, and what may be another thing by then.
 * @param recipient undefined: it is for a group, which the fields name
 * @param nonce 16 bytes, random unless the message must have the same id when it is made again
 */
export function newContent(
  origin: ContentOrigin,
  recipient: UserId | undefined,
  fields: ContentFields,
  nonce: Uint8Array = origin.randomness.bytes(16),
): NewContent {
  const { account, sha256 } = origin;
  const user = uuidToBytes(account.userId);
  const id = messageIdBytes(sha256, user, account.deviceId, nonce);
  const encoded = Content.encode({
    senderUser: user,
    senderDevice: account.deviceId,
    ...(recipient !== undefined && { recipientUser: uuidToBytes(recipient) }),
    messageId: id,
    messageNonce: nonce,
    ...ownListOf(account, sha256),
    ...fields,
  });
  return { id, nonce, encoded };
}

/** What the own device list is, so that peers notice when the relay shows them another one. */
function ownListOf(account: AccountRecord, sha256: Sha256): ContentFields {
  const known = ownLists.get(account.deviceList);
  if (known !== undefined) return known;
  const { list } = SignedDeviceList.decode(account.deviceList);
  const fields = { deviceListVersion: DeviceList.decode(list).version, deviceListHash: sha256(list) };
  ownLists.set(account.deviceList, fields);
  return fields;
}

const ownLists = new WeakMap<Uint8Array, ContentFields>();

/** What a content says of this account, as it is when it is sealed: what waited says nothing that is over. */
export interface OwnWords {
  /** Undefined for people who are not to have it. */
  readonly profileKey: Uint8Array | undefined;
  /** When it is said, by this device's clock. */
  readonly at: number;
  /** Whether receipts are given in the chat. */
  readonly returnsReceipts: boolean;
}

/** What is known of a group when a content that belongs to it is sealed. */
export interface GroupPlace {
  readonly revision: number;
  /** 32 bytes. */
  readonly head: Uint8Array;
}

/** What differs by device of the recipient. */
export interface DevicePart {
  readonly deviceId: number;
  readonly own: OwnWords;
  /** As long as they are not known to have it. */
  readonly ephemeralSecret?: Uint8Array | undefined;
  /** Of a content that belongs to a group: to whom this copy goes, and where the group is. */
  readonly group?: (GroupPlace & { readonly recipient: UserId }) | undefined;
}

/** Completes an encoded content for one device: protobuf messages merge by concatenation. */
export function contentForDevice(
  encoded: Uint8Array,
  { deviceId, own, ephemeralSecret, group }: DevicePart,
): Uint8Array {
  return merged(encoded, {
    recipientDevice: deviceId,
    ...fieldsOf(own),
    ...(ephemeralSecret && { ephemeralSecret }),
    ...(group && {
      recipientUser: uuidToBytes(group.recipient),
      groupEpoch: group.revision,
      groupHead: group.head,
    }),
  });
}

/** Completes an encoded content for all of a group. */
export function contentForGroup(encoded: Uint8Array, { revision, head }: GroupPlace, own: OwnWords): Uint8Array {
  return merged(encoded, { groupEpoch: revision, groupHead: head, ...fieldsOf(own) });
}

function fieldsOf({ profileKey, at, returnsReceipts }: OwnWords): ContentFields {
  return { ...(profileKey && { profileKey, profileKeyAt: at }), returnsReceipts };
}

function merged(encoded: Uint8Array, fields: ContentFields): Uint8Array {
  const rest = Content.encode(fields);
  const whole = new Uint8Array(encoded.length + rest.length);
  whole.set(encoded, 0);
  whole.set(rest, encoded.length);
  return whole;
}
