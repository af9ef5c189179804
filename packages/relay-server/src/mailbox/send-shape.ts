import { CiphertextKind, type Send, type SendDeviceFields, type SendRecipientFields } from '@sotto/proto';

/** The most bytes of one ciphertext. */
export const ciphertextBytes = 256 * 1024;
/** The most accounts that one send is for. */
export const mostRecipients = 1_024;
const mostDevices = 127;
const greatestRegistrationId = 16_380;
/** The longest that mail is kept. */
export const longestTtlSeconds = 30 * 24 * 3_600;

/** What is wrong with the form of a Send, as advice; `undefined` when nothing is. */
export function flawOfSend(send: Send): string | undefined {
  if (send.sendId.length !== 16) return 'send_id has to have 16 bytes.';
  if (send.lane.length !== 0 && send.lane.length !== 8) return 'lane has to have 8 bytes, or none.';
  if (send.lane.length === 8 && send.laneNo < 1) return 'lane_no counts from 1.';
  if (send.messageId.length !== 16) return 'message_id has to have 16 bytes.';
  if (send.attempt < 1) return 'attempt counts from 1.';
  if (send.suite < 1) return 'suite has to be named.';
  if (send.ttlSeconds > longestTtlSeconds) return 'ttl_seconds is at most 30 days.';
  if (send.recipients.length < 1 || send.recipients.length > mostRecipients) return 'a Send has 1 to 1024 recipients.';
  const groupFlaw = flawOfGroup(send);
  if (groupFlaw !== undefined) return groupFlaw;
  const shares = send.sharedCiphertext.length > 0;
  const [only] = send.recipients;
  if (send.recipients.length > 1) {
    const users = new Set(send.recipients.map(({ userId }) => Buffer.from(userId ?? []).toString('latin1')));
    if (users.size !== send.recipients.length) return 'each user stands once among the recipients.';
    for (const recipient of send.recipients) {
      const flaw = flawOfRecipient(recipient, shares);
      if (flaw !== undefined) return flaw;
    }
    return undefined;
  }
  return only === undefined ? undefined : flawOfRecipient(only, shares);
}

function flawOfGroup({ groupId, groupEpoch, sharedCiphertext }: Send): string | undefined {
  if (groupId.length === 0) {
    if (groupEpoch !== 0 || sharedCiphertext.length > 0) return 'group_epoch and shared_ciphertext need a group_id.';
    return undefined;
  }
  if (groupId.length !== 32) return 'group_id has 32 bytes, or none.';
  if (groupEpoch < 1) return 'group_epoch counts from 1.';
  if (sharedCiphertext.length > ciphertextBytes) return `a ciphertext has 1 to ${ciphertextBytes} bytes.`;
  return undefined;
}

function flawOfRecipient(recipient: SendRecipientFields, shares: boolean): string | undefined {
  if (recipient.userId?.length !== 16) return 'user_id has to have 16 bytes.';
  const accessKeyLength = recipient.accessKey?.length ?? 0;
  if (accessKeyLength !== 0 && accessKeyLength !== 16) return 'access_key has 16 bytes, or none.';
  return flawOfDevices(recipient.devices ?? [], shares ? 'shared' : undefined);
}

/**
 * What is wrong with the devices of one recipient.
 * @param kindOfAll the one that all have to have; `shared`: SENDER_KEY, without a ciphertext of their own
 */
export function flawOfDevices(
  devices: readonly SendDeviceFields[],
  kindOfAll: CiphertextKind | 'shared' | undefined,
): string | undefined {
  if (devices.length < 1 || devices.length > mostDevices) return 'a recipient has 1 to 127 devices.';
  let seen: Set<number> | undefined;
  for (const { deviceId = 0, registrationId = 0, kind = 0, ciphertext } of devices) {
    if (deviceId === null || deviceId < 1 || deviceId > mostDevices) return 'device ids are 1 to 127.';
    if (registrationId === null || registrationId < 1 || registrationId > greatestRegistrationId) {
      return 'registration ids are 1 to 16380.';
    }
    if (kind === null || kind < 1) return 'the kind of each ciphertext has to be named.';
    if (kindOfAll === 'shared') {
      if (kind !== CiphertextKind.CIPHERTEXT_KIND_SENDER_KEY || ciphertext?.length) {
        return 'with a shared_ciphertext devices are of kind SENDER_KEY and have none of their own.';
      }
    } else if (kindOfAll !== undefined && kind !== kindOfAll) {
      return 'all ciphertexts have to be of the kind that belongs here.';
    } else if (!ciphertext?.length || ciphertext.length > ciphertextBytes) {
      return `a ciphertext has 1 to ${ciphertextBytes} bytes.`;
    }
    if (devices.length > 1) {
      seen ??= new Set();
      if (seen.has(deviceId)) return 'each device stands once.';
      seen.add(deviceId);
    }
  }
  return undefined;
}
