import {
  type DeviceResultFields,
  DeviceStatus,
  type RecipientResultFields,
  RecipientStatus,
  type SendResultFields,
  SignedDeviceList,
} from '@sotto/proto';
import { idleDevices } from '../devices/idle-devices.ts';
import type { StoredDeviceList } from '../ports/account-store.ts';
import type { UserId } from '../ports/ids.ts';
import type { MailReceipt, MailResult } from '../ports/mailbox.ts';
import type { RelayErrorCode } from '../relay-error.ts';

/** The most bytes of device lists in one result, so that it fits into one WebSocket message. The lists left out are there by HTTP. */
const mostListBytes = 256 * 1024;

/** Why a Send is refused: a `RelayError`, or no more than its fields, since a client can cause thousands at once and a stack is dear. */
export interface Refusal {
  readonly code: RelayErrorCode;
  /** What to do next. */
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number | undefined;
}

/** One recipient of a Send after the check, before the mailbox. */
export interface CheckedRecipient {
  readonly userId: UserId;
  /** 16 bytes. */
  readonly userBytes: Uint8Array;
  readonly status: RecipientStatus;
  readonly list: StoredDeviceList | undefined;
  /** Whether the sender does not show the recipient's access key. */
  readonly stranger: boolean;
  /** With RATE_LIMITED: how long the sender has to wait. */
  readonly retryAfterMs: number;
}

/** A Send that was refused whole. */
export function refusedResult(sendId: Uint8Array, refusal: Refusal): SendResultFields {
  const { code, message, retryable, retryAfterMs } = refusal;
  return { sendId, refused: { code, message, retryable, retryAfterMs: retryAfterMs ?? 0 } };
}

/**
 * What became of each recipient: what the mailbox said where it was asked, the check's verdict where not.
 * @param most bytes of device lists in it
 */
export function sendResult(
  sendId: Uint8Array,
  recipients: readonly CheckedRecipient[],
  receipt: MailReceipt | undefined,
  most = mostListBytes,
): SendResultFields {
  let listBytes = 0;
  const results = recipients.map((recipient): RecipientResultFields => {
    const { list } = recipient;
    const idle = list === undefined ? [] : idleDevices(list).map(idleResult);
    const mail = receipt?.results.find((result) => result.userId === recipient.userId);
    if (mail !== undefined) return mailResult(recipient.userBytes, mail, idle);
    if (recipient.status === RecipientStatus.RECIPIENT_STATUS_ACCEPTED && idle.length > 0) {
      return { userId: recipient.userBytes, status: recipient.status, devices: idle };
    }
    const result = { userId: recipient.userBytes, status: recipient.status };
    if (recipient.retryAfterMs > 0) return { ...result, retryAfterMs: recipient.retryAfterMs };
    if (recipient.status !== RecipientStatus.RECIPIENT_STATUS_DEVICES_CHANGED || list === undefined) return result;
    listBytes += list.signed.length;
    return listBytes > most ? result : { ...result, deviceList: SignedDeviceList.decode(list.signed) };
  });
  const isTaken = results.some(({ status }) => status === RecipientStatus.RECIPIENT_STATUS_ACCEPTED);
  return {
    sendId,
    acceptedAt: isTaken ? (receipt?.acceptedAt ?? 0) : 0,
    expiresAt: isTaken ? (receipt?.expiresAt ?? 0) : 0,
    recipients: results,
  };
}

/** Whether every recipient was accepted: otherwise the lane breaks. */
export function isAccepted(result: SendResultFields): boolean {
  return (
    !result.refused &&
    (result.recipients ?? []).every(({ status }) => status === RecipientStatus.RECIPIENT_STATUS_ACCEPTED)
  );
}

function mailResult(userId: Uint8Array, mail: MailResult, idle: readonly DeviceResultFields[]): RecipientResultFields {
  // The list was another one at the check: whoever asks for it now learns whether the account is still there, or its own session.
  if (mail.status === 'gone') return { userId, status: RecipientStatus.RECIPIENT_STATUS_DEVICES_CHANGED };
  return {
    userId,
    status:
      mail.status === 'accepted'
        ? RecipientStatus.RECIPIENT_STATUS_ACCEPTED
        : RecipientStatus.RECIPIENT_STATUS_MAILBOX_FULL,
    devices: [
      ...mail.devices.map(({ deviceId, status }) => ({
        deviceId,
        status: status === 'accepted' ? DeviceStatus.DEVICE_STATUS_ACCEPTED : DeviceStatus.DEVICE_STATUS_FULL,
      })),
      ...idle,
    ],
  };
}

function idleResult(deviceId: number): DeviceResultFields {
  return { deviceId, status: DeviceStatus.DEVICE_STATUS_IDLE };
}
