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
 * Encodes a content for a person, without what differs by device of theirs.
 * @param nonce 16 bytes, random unless the message must have the same id when it is made again
 */
export function newContent(
  origin: ContentOrigin,
  recipient: UserId,
  fields: ContentFields,
  nonce: Uint8Array = origin.randomness.bytes(16),
): NewContent {
  const { account, sha256 } = origin;
  const user = uuidToBytes(account.userId);
  const id = messageIdBytes(sha256, user, account.deviceId, nonce);
  const encoded = Content.encode({
    senderUser: user,
    senderDevice: account.deviceId,
    recipientUser: uuidToBytes(recipient),
    messageId: id,
    messageNonce: nonce,
    profileKey: account.profileKey,
    returnsReceipts: origin.returnsReceipts,
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

/**
 * Completes an encoded content for one device: protobuf messages merge by concatenation.
 * @param ephemeralSecret as long as they are not known to have it
 */
export function contentForDevice(encoded: Uint8Array, deviceId: number, ephemeralSecret?: Uint8Array): Uint8Array {
  const rest = Content.encode({ recipientDevice: deviceId, ...(ephemeralSecret && { ephemeralSecret }) });
  const whole = new Uint8Array(encoded.length + rest.length);
  whole.set(encoded, 0);
  whole.set(rest, encoded.length);
  return whole;
}
