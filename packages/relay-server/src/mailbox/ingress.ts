import { Envelope, RecipientStatus, type Send, type SendRecipientFields, uuidToText } from '@sotto/proto';
import type { Directory } from '../accounts/directory.ts';
import type { ConnectedDevices } from '../dispatch/connected-devices.ts';
import type { RelayCounts } from '../metrics/relay-counts.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceAddress, DeviceId, UserId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { Mailbox, MailQuota, MailReceipt, MailRecipient } from '../ports/mailbox.ts';
import { RelayError } from '../relay-error.ts';
import type { Headroom, Room } from './headroom.ts';
import { checkRecipient } from './recipient-check.ts';
import type { CheckedRecipient } from './send-result.ts';

/** What `Ingress` works with. */
export interface IngressParts {
  readonly mailbox: Mailbox;
  readonly directory: Directory;
  readonly headroom: Headroom;
  readonly connected: ConnectedDevices;
  readonly clock: Clock;
  readonly counts: RelayCounts;
  readonly logger: Logger;
  readonly quota: MailQuota;
  readonly retentionMs: number;
}

/** The device that a stream belongs to, in both forms of its user id. */
export interface Sender extends DeviceAddress {
  readonly userBytes: Uint8Array;
}

/** An append that is ready to go, with the room that it will take. */
export interface PreparedAppend {
  readonly recipients: readonly MailRecipient[];
  readonly rooms: readonly { readonly room: Room; readonly bytes: number }[];
  readonly acceptedAt: number;
  readonly expiresAt: number;
  /** Whether no device can turn out to be full. */
  readonly sure: boolean;
}

/** Brings Sends into mailboxes: checks recipients, makes envelopes, appends, and hints to those who are connected. */
export class Ingress {
  readonly #parts: IngressParts;
  #failing = false;

  constructor(parts: IngressParts) {
    this.#parts = parts;
  }

  /** Whether the last append failed. */
  get failing(): boolean {
    return this.#failing;
  }

  /** Checks the recipients against the lists in memory; `undefined` when a list has to be read first. */
  checkNow(send: Send, sender: Sender): readonly CheckedRecipient[] | undefined {
    const { directory } = this.#parts;
    const checked: CheckedRecipient[] = [];
    for (const recipient of send.recipients) {
      const userBytes = recipient.userId ?? new Uint8Array();
      const userId = uuidToText(userBytes) as UserId;
      const list = directory.cached(userId);
      if (list === undefined) return undefined;
      checked.push({ userId, userBytes, list, status: checkRecipient(userId, recipient, list, sender) });
    }
    return checked;
  }

  /** Checks the recipients, reading lists as needed. */
  async check(send: Send, sender: Sender): Promise<readonly CheckedRecipient[]> {
    const { directory } = this.#parts;
    const checked: CheckedRecipient[] = [];
    for (const recipient of send.recipients) {
      const userBytes = recipient.userId ?? new Uint8Array();
      const userId = uuidToText(userBytes) as UserId;
      const list = await directory.deviceList(userId);
      checked.push({ userId, userBytes, list, status: checkRecipient(userId, recipient, list, sender) });
    }
    return checked;
  }

  /** Makes the envelopes of the recipients that passed the check. */
  prepare(send: Send, sender: Sender, checked: readonly CheckedRecipient[]): PreparedAppend {
    const { clock, headroom, retentionMs } = this.#parts;
    const acceptedAt = clock.now();
    const ttlMs = send.ttlSeconds === 0 ? retentionMs : Math.min(send.ttlSeconds * 1_000, retentionMs);
    const expiresAt = acceptedAt + ttlMs;
    const recipients: MailRecipient[] = [];
    const rooms: { room: Room; bytes: number }[] = [];
    let sure = true;
    for (const [at, { userId, userBytes, status }] of checked.entries()) {
      if (status !== RecipientStatus.RECIPIENT_STATUS_ACCEPTED) continue;
      const devices: SendRecipientFields['devices'] = send.recipients[at]?.devices ?? [];
      const items = devices.map((device) => {
        const deviceId = device.deviceId ?? 0;
        const envelope = Envelope.encode({
          suite: send.suite,
          kind: device.kind ?? 0,
          ciphertext: device.ciphertext ?? new Uint8Array(),
          messageId: send.messageId,
          senderUser: sender.userBytes,
          senderDevice: sender.deviceId,
          recipientUser: userBytes,
          recipientDevice: deviceId,
          acceptedAt,
          expiresAt,
          attempt: send.attempt,
          urgent: send.urgent,
        });
        const room = headroom.of({ userId, deviceId: deviceId as DeviceId });
        if (!headroom.surelyFits(room, envelope.length)) sure = false;
        rooms.push({ room, bytes: envelope.length });
        return { deviceId, envelope };
      });
      recipients.push({ userId, items });
    }
    return { recipients, rooms, acceptedAt, expiresAt, sure };
  }

  /** Asks the mailboxes how much room there is, for those of which it is not sure. */
  async refreshRooms(append: PreparedAppend): Promise<void> {
    const { headroom } = this.#parts;
    for (const { room, bytes } of append.rooms) {
      if (!headroom.surelyFits(room, bytes)) await headroom.refresh(room);
    }
  }

  /** Whether no device can turn out to be full, as far as is known now. */
  isSure(append: PreparedAppend): boolean {
    return append.rooms.every(({ room, bytes }) => this.#parts.headroom.surelyFits(room, bytes));
  }

  /**
   * Stores the mail, then hints to the connected devices among the recipients.
   * @throws {RelayError} `store-unavailable` when it could not be made durable
   */
  async append(sendId: Uint8Array, sender: Sender, append: PreparedAppend): Promise<MailReceipt> {
    const { mailbox, headroom, quota, connected, counts } = this.#parts;
    const { recipients, acceptedAt, expiresAt } = append;
    for (const { room, bytes } of append.rooms) headroom.enter(room, bytes);
    let stored = false;
    const observe = counts.appendSeconds.startTimer();
    try {
      const receipt = await mailbox.append(
        { sender: { userId: sender.userId, deviceId: sender.deviceId }, sendId, recipients, acceptedAt, expiresAt },
        quota,
      );
      stored = !receipt.repeated;
      this.#failing = false;
      observe();
      if (stored) {
        for (const { userId, devices } of receipt.results) {
          for (const { deviceId, status } of devices) {
            if (status === 'accepted') connected.get(userId, deviceId)?.hint();
          }
        }
      }
      return receipt;
    } catch (cause) {
      throw this.#storeFailed(cause);
    } finally {
      for (const { room, bytes } of append.rooms) headroom.settle(room, bytes, stored);
    }
  }

  /**
   * The recorded receipt of an earlier Send.
   * @throws {RelayError} `store-unavailable`
   */
  async recorded(sendId: Uint8Array, sender: Sender): Promise<MailReceipt | undefined> {
    try {
      return await this.#parts.mailbox.recorded({ userId: sender.userId, deviceId: sender.deviceId }, sendId);
    } catch (cause) {
      throw this.#storeFailed(cause);
    }
  }

  #storeFailed(cause: unknown): RelayError {
    if (!this.#failing) {
      this.#parts.logger.error('mailbox.failed', { code: cause instanceof RelayError ? cause.code : 'internal' });
    }
    this.#failing = true;
    return new RelayError('store-unavailable', 'The relay can not store mail now: send the same again later.', {
      retryable: true,
      retryAfterMs: 5_000,
      cause,
    });
  }
}
