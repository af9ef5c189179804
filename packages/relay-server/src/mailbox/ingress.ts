import { RecipientStatus, type Send, type SendRecipientFields, uuidToText } from '@sotto/proto';
import type { Directory } from '../accounts/directory.ts';
import { idleDevices } from '../devices/idle-devices.ts';
import type { DeviceReach } from '../dispatch/device-reach.ts';
import type { GroupRoster } from '../groups/group-roster.ts';
import type { SendLimits } from '../limits/send-limits.ts';
import type { RelayCounts } from '../metrics/relay-counts.ts';
import type { StoredDeviceList } from '../ports/account-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceId, UserId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { Mailbox, MailDevice, MailOrder, MailQuota, MailReceipt, MailRecipient } from '../ports/mailbox.ts';
import { RelayError } from '../relay-error.ts';
import { type Envelopes, envelopesOf, type MailTimes } from './envelopes.ts';
import type { Cargo, Headroom } from './headroom.ts';
import { checkRecipient } from './recipient-check.ts';
import { type RecipientAccounts, RecipientReads } from './recipient-reads.ts';
import type { CheckedRecipient } from './send-result.ts';

const nothing = new Uint8Array();
const nobody: readonly number[] = [];

/** What `Ingress` works with. */
export interface IngressParts {
  readonly mailbox: Mailbox;
  readonly directory: Directory;
  readonly roster: GroupRoster;
  /** None where other nodes fill the same mailboxes: then the mailbox alone says who is full, and ends the lane there. */
  readonly headroom: Headroom | undefined;
  readonly limits: SendLimits;
  readonly reach: Pick<DeviceReach, 'mail'>;
  readonly clock: Clock;
  readonly counts: RelayCounts;
  readonly logger: Logger;
  readonly quota: MailQuota;
  readonly retentionMs: number;
}

/** The device that a stream belongs to, in both forms of its user id. */
export interface Sender extends MailDevice {
  readonly userBytes: Uint8Array;
}

/** A Send, and when it came in: by that it counts against limits, however long it takes until it is decided. */
export interface ArrivedSend {
  readonly send: Send;
  readonly at: number;
}

/** Who may be given a Send: of one to a group its members, of another anybody. */
export type Audience = ReadonlySet<UserId> | 'all';

/** An append that is ready to go, with the room that it will take. */
export interface PreparedAppend {
  readonly recipients: readonly MailRecipient[];
  /** To whose members it goes, if it is known. */
  readonly groupId?: Uint8Array;
  /** How all envelopes end, where they share a ciphertext. */
  readonly shared: Uint8Array | undefined;
  readonly cargo: readonly Cargo[];
  readonly acceptedAt: number;
  readonly expiresAt: number;
  /** Whether what follows need not wait for its result: no device can turn out to be full, or the mailbox refuses what comes behind it then. */
  readonly sure: boolean;
}

/** Brings Sends into mailboxes: checks recipients, makes envelopes, appends, and hints to those who are connected. */
export class Ingress {
  readonly #parts: IngressParts;
  /** When the last append failed; undefined when it did not. */
  #failedAt: number | undefined;

  constructor(parts: IngressParts) {
    this.#parts = parts;
  }

  /** Whether the last append failed, and later than `time` when that is given. */
  failedAfter(time: number | undefined): boolean {
    return this.#failedAt !== undefined && (time === undefined || this.#failedAt > time);
  }

  /**
   * Takes one Send of the sender's device, that came in at `cameAt`.
   * @returns 0, or the milliseconds after which it may send again
   */
  takeSend(sender: Sender, cameAt: number): number {
    return this.#parts.limits.takeSend(sender, cameAt);
  }

  /** Checks the recipients against what is in memory and takes from the limits; `undefined`, and nothing was taken, when something has to be read first. */
  checkNow({ send, at: cameAt }: ArrivedSend, sender: Sender): readonly CheckedRecipient[] | undefined {
    const { directory, roster } = this.#parts;
    const members = send.groupId.length === 0 ? 'all' : roster.cached(send.groupId);
    if (members === undefined || (members !== 'all' && !members.has(sender.userId))) return undefined;
    const checked: CheckedRecipient[] = [];
    for (const recipient of send.recipients) {
      const userBytes = recipient.userId ?? new Uint8Array();
      const userId = uuidToText(userBytes) as UserId;
      const list = directory.cached(userId);
      const accessKeyHash = recipient.accessKey?.length ? directory.cachedAccessKeyHash(userId) : 'none';
      if (list === undefined || accessKeyHash === undefined) return undefined;
      const hash = accessKeyHash === 'none' ? undefined : accessKeyHash;
      checked.push(this.#checked(recipient, userBytes, userId, list, hash, sender, members));
    }
    // Sends to a group are limited by device alone.
    return members === 'all' ? this.#limited(checked, sender, cameAt) : checked;
  }

  /** Who may be given a Send, as it is now. */
  async audienceOf({ groupId }: Send): Promise<Audience> {
    return groupId.length === 0 ? 'all' : this.#parts.roster.members(groupId);
  }

  /** What is read for the Sends of one stream. */
  newReads(): RecipientReads {
    return new RecipientReads(this.#parts.directory);
  }

  /** Checks the recipients, reading as needed, and takes from the limits. */
  async check(
    { send, at: cameAt }: ArrivedSend,
    sender: Sender,
    audience: Audience,
    accounts: RecipientAccounts = this.#parts.directory,
  ): Promise<readonly CheckedRecipient[]> {
    const read = send.recipients.map(async (recipient) => {
      const userBytes = recipient.userId ?? new Uint8Array();
      const userId = uuidToText(userBytes) as UserId;
      const [list, hash] = await Promise.all([
        accounts.deviceList(userId),
        recipient.accessKey?.length ? accounts.accessKeyHash(userId) : undefined,
      ]);
      return { recipient, userBytes, userId, list, hash };
    });
    const checked = (await Promise.all(read)).map(({ recipient, userBytes, userId, list, hash }) =>
      this.#checked(recipient, userBytes, userId, list, hash, sender, audience),
    );
    return audience === 'all' ? this.#limited(checked, sender, cameAt) : checked;
  }

  /** Makes the envelopes of the recipients that passed the check. */
  prepare(send: Send, sender: Sender, checked: readonly CheckedRecipient[]): PreparedAppend {
    const append = this.prepareWith(send, checked, (times) =>
      envelopesOf(send, { senderUser: sender.userBytes, senderDevice: sender.deviceId, ...times }),
    );
    return send.groupId.length === 0 ? append : { ...append, groupId: send.groupId };
  }

  /** The same for envelopes of any form. */
  prepareWith(
    send: Pick<Send, 'ttlSeconds' | 'recipients'>,
    checked: readonly CheckedRecipient[],
    envelopesAt: (times: MailTimes) => Envelopes,
  ): PreparedAppend {
    const { clock, headroom, retentionMs } = this.#parts;
    const acceptedAt = clock.now();
    const ttlMs = send.ttlSeconds === 0 ? retentionMs : Math.min(send.ttlSeconds * 1_000, retentionMs);
    const expiresAt = acceptedAt + ttlMs;
    const envelopes = envelopesAt({ acceptedAt, expiresAt });
    const sharedSize = envelopes.shared?.length ?? 0;
    const recipients: MailRecipient[] = [];
    const cargo: Cargo[] = [];
    let sure = true;
    for (const [at, { userId, userBytes, list, status, stranger }] of checked.entries()) {
      if (status !== RecipientStatus.RECIPIENT_STATUS_ACCEPTED) continue;
      const idle = list === undefined ? nobody : idleDevices(list);
      const named: SendRecipientFields['devices'] = send.recipients[at]?.devices ?? [];
      const devices = idle.length === 0 ? named : named.filter(({ deviceId }) => !idle.includes(deviceId ?? 0));
      if (devices.length === 0) continue;
      const items = devices.map((device) => {
        const deviceId = device.deviceId ?? 0;
        const { kind, ciphertext } = device;
        const target = { recipientUser: userBytes, recipientDevice: deviceId };
        const envelope = envelopes.of({ ...target, kind: kind ?? 0, ciphertext: ciphertext ?? nothing });
        if (headroom !== undefined) {
          const room = headroom.of({ userId, deviceId: deviceId as DeviceId });
          const part = { room, bytes: envelope.length + sharedSize, stranger };
          if (!headroom.surelyFits(part)) sure = false;
          cargo.push(part);
        }
        return { deviceId, envelope };
      });
      recipients.push({ userId, stranger, items });
    }
    return { recipients, shared: envelopes.shared, cargo, acceptedAt, expiresAt, sure };
  }

  /** Asks the mailboxes how much room there is, for those of which it is not sure. */
  async refreshRooms(append: PreparedAppend): Promise<void> {
    const { headroom } = this.#parts;
    for (const part of append.cargo) {
      if (headroom?.surelyFits(part) === false) await headroom.refresh(part);
    }
  }

  /** The same as `sure`, as far as is known now. */
  isSure(append: PreparedAppend): boolean {
    const { headroom } = this.#parts;
    return headroom === undefined || append.cargo.every((part) => headroom.surelyFits(part));
  }

  /**
   * Stores the mail, then hints to the connected devices among the recipients.
   * @param sender none when it is sealed
   * @param order of its lane: nothing is stored behind an append of it that failed
   * @param strict nor behind this one, if a recipient does not accept it
   * @throws {RelayError} `store-unavailable` when it could not be made durable; `superseded` behind a strict one that was not accepted; `send-claimed` while another node is at this send
   */
  async append(
    sendId: Uint8Array,
    sender: Sender | undefined,
    append: PreparedAppend,
    order?: MailOrder,
    strict = false,
  ): Promise<MailReceipt> {
    const { mailbox, headroom, quota, reach, counts } = this.#parts;
    const { recipients, groupId, shared, acceptedAt, expiresAt } = append;
    // Idle devices alone.
    if (recipients.length === 0) return { repeated: false, acceptedAt, expiresAt, results: [] };
    for (const part of append.cargo) headroom?.enter(part);
    let stored = false;
    const observe = counts.appendSeconds.startTimer();
    try {
      const receipt = await mailbox.append(
        {
          sender: sender && deviceOf(sender),
          sendId,
          recipients,
          groupId,
          shared,
          acceptedAt,
          expiresAt,
          order,
          strict,
        },
        quota,
      );
      stored = !receipt.repeated;
      this.#failedAt = undefined;
      observe();
      if (stored) {
        for (const { userId, devices } of receipt.results) {
          for (const { deviceId, status } of devices) {
            if (status === 'accepted') reach.mail({ userId, deviceId: deviceId as DeviceId });
          }
        }
      }
      return receipt;
    } catch (cause) {
      // Neither is a failure of the store.
      if (cause instanceof RelayError && (cause.code === 'superseded' || cause.code === 'send-claimed')) throw cause;
      throw this.#storeFailed(cause);
    } finally {
      for (const part of append.cargo) headroom?.settle(part, stored);
    }
  }

  /**
   * The recorded receipt of an earlier Send.
   * @throws {RelayError} `store-unavailable`
   */
  async recorded(sendId: Uint8Array, sender: Sender | undefined): Promise<MailReceipt | undefined> {
    try {
      return await this.#parts.mailbox.recorded(sender && deviceOf(sender), sendId);
    } catch (cause) {
      throw this.#storeFailed(cause);
    }
  }

  #checked(
    recipient: SendRecipientFields,
    userBytes: Uint8Array,
    userId: UserId,
    list: StoredDeviceList | undefined,
    accessKeyHash: Uint8Array | undefined,
    sender: Sender,
    members: Audience,
  ): CheckedRecipient {
    if (members !== 'all' && !members.has(userId)) {
      const status = RecipientStatus.RECIPIENT_STATUS_NOT_MEMBER;
      return { userId, userBytes, list: undefined, status, stranger: false, retryAfterMs: 0 };
    }
    const status = checkRecipient(userId, recipient, list, sender);
    const shown = recipient.accessKey ?? nothing;
    const stranger =
      status === RecipientStatus.RECIPIENT_STATUS_ACCEPTED &&
      this.#parts.limits.isStranger(sender.userId, userId, shown, accessKeyHash);
    return { userId, userBytes, list, status, stranger, retryAfterMs: 0 };
  }

  /** Those for whom it is too early, marked so. */
  #limited(checked: CheckedRecipient[], sender: Sender, cameAt: number): readonly CheckedRecipient[] {
    const { limits, counts } = this.#parts;
    for (const [at, recipient] of checked.entries()) {
      if (recipient.status !== RecipientStatus.RECIPIENT_STATUS_ACCEPTED) continue;
      const retryAfterMs = limits.takeRecipient(sender.userId, recipient.userId, recipient.stranger, cameAt);
      if (retryAfterMs === 0) continue;
      counts.recipientsRateLimited.add(1);
      checked[at] = { ...recipient, status: RecipientStatus.RECIPIENT_STATUS_RATE_LIMITED, retryAfterMs };
    }
    return checked;
  }

  #storeFailed(cause: unknown): RelayError {
    if (this.#failedAt === undefined) {
      this.#parts.logger.error('mailbox.failed', { code: cause instanceof RelayError ? cause.code : 'internal' });
    }
    this.#failedAt = this.#parts.clock.now();
    return new RelayError('store-unavailable', 'The relay can not store mail now: send the same again later.', {
      retryable: true,
      retryAfterMs: 5_000,
      cause,
    });
  }
}

function deviceOf({ userId, deviceId, incarnation }: Sender): MailDevice {
  return incarnation === undefined ? { userId, deviceId } : { userId, deviceId, incarnation };
}
