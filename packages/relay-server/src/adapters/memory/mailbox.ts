import type { DeviceAddress, UserId } from '../../ports/ids.ts';
import type {
  MailAppend,
  Mailbox,
  MailEntry,
  MailQuota,
  MailReader,
  MailReceipt,
  MailRecipient,
  MailResult,
  MailUsage,
} from '../../ports/mailbox.ts';
import type { Randomness } from '../../ports/randomness.ts';
import { goneResult } from '../gone-result.ts';
import { joined } from '../joined.ts';
import { endOrder, refusalBehind } from '../lane-order.ts';
import { receiptRetentionMs } from '../retention.ts';
import { byteKey } from './byte-key.ts';
import { deviceKey, isGone, type MailRecord, type MemoryState } from './memory-state.ts';

/** Mailboxes in memory: what is here is what every other adapter must do. */
export class MemoryMailbox implements Mailbox {
  readonly #state: MemoryState;
  readonly #randomness: Randomness;

  constructor(state: MemoryState, randomness: Randomness) {
    this.#state = state;
    this.#randomness = randomness;
  }

  async append(append: MailAppend, quota: MailQuota): Promise<MailReceipt> {
    const refusal = refusalBehind(append.order);
    if (refusal !== undefined) throw refusal;
    const receipt = this.#append(append, quota);
    endOrder(append, receipt);
    return receipt;
  }

  #append(append: MailAppend, quota: MailQuota): MailReceipt {
    const key = sendKey(append.sender, append.sendId);
    if (append.sender !== undefined && isGone(this.#state, append.sender)) {
      const { acceptedAt, expiresAt } = append;
      return { repeated: false, acceptedAt, expiresAt, results: append.recipients.map(goneResult) };
    }
    const known = this.#state.receipts.get(key);
    const receipt = known ?? {
      sender: append.sender,
      acceptedAt: append.acceptedAt,
      expiresAt: append.expiresAt,
      results: new Map<UserId, MailResult>(),
    };
    const shared = append.shared?.slice();
    let stored = false;
    const results = append.recipients.map((recipient) => {
      const recorded = receipt.results.get(recipient.userId);
      if (recorded !== undefined) return recorded;
      const result = this.#deliver(recipient, append, shared, quota);
      if (result.status === 'accepted') {
        stored = true;
        receipt.results.set(recipient.userId, result);
      }
      return result;
    });
    if (stored) this.#state.receipts.set(key, receipt);
    const { acceptedAt, expiresAt } = receipt;
    return { repeated: known !== undefined && !stored, acceptedAt, expiresAt, results };
  }

  async recorded(sender: DeviceAddress | undefined, sendId: Uint8Array): Promise<MailReceipt | undefined> {
    const receipt = this.#state.receipts.get(sendKey(sender, sendId));
    if (receipt === undefined) return undefined;
    const { acceptedAt, expiresAt, results } = receipt;
    return { repeated: true, acceptedAt, expiresAt, results: [...results.values()] };
  }

  reader(device: DeviceAddress): MailReader {
    const key = deviceKey(device);
    let given = 0;
    return {
      next: async (limit, now) => {
        const left = (this.#state.mail.get(key) ?? []).filter(({ seq, expiresAt }) => seq > given && now < expiresAt);
        const entries = left.slice(0, limit);
        given = entries.at(-1)?.seq ?? given;
        return entries.map(
          ({ deliveryId, envelope, shared }): MailEntry => ({ deliveryId, envelope: joined(envelope, shared) }),
        );
      },
    };
  }

  async ack(device: DeviceAddress, deliveryIds: readonly Uint8Array[]): Promise<number> {
    const acked = new Set(deliveryIds.map(byteKey));
    return this.#drop(deviceKey(device), ({ deliveryKey }) => acked.has(deliveryKey));
  }

  async usage(device: DeviceAddress): Promise<MailUsage> {
    const mail = this.#state.mail.get(deviceKey(device)) ?? [];
    const strangers = mail.filter(({ stranger }) => stranger);
    return {
      count: mail.length,
      bytes: sizeOf(mail),
      strangerCount: strangers.length,
      strangerBytes: sizeOf(strangers),
      oldest: mail[0]?.acceptedAt,
    };
  }

  async expire(now: number): Promise<number> {
    for (const [key, receipt] of this.#state.receipts) {
      if (receipt.acceptedAt < now - receiptRetentionMs) this.#state.receipts.delete(key);
    }
    let expired = 0;
    for (const key of this.#state.mail.keys()) expired += this.#drop(key, ({ expiresAt }) => expiresAt <= now);
    return expired;
  }

  /** Nothing is on disk. */
  scrub(): Promise<void> {
    return Promise.resolve();
  }

  #deliver(recipient: MailRecipient, append: MailAppend, shared: Uint8Array | undefined, quota: MailQuota): MailResult {
    const { userId, items } = recipient;
    if (items.some(({ deviceId }) => isGone(this.#state, { userId, deviceId }))) return goneResult(recipient);
    const devices = recipient.items.map(({ deviceId, envelope }) => {
      const key = deviceKey({ userId: recipient.userId, deviceId });
      const mail = this.#state.mail.get(key) ?? [];
      const bytes = envelope.length + (shared?.length ?? 0);
      if (!hasRoom(mail, recipient.stranger, bytes, quota)) return { deviceId, status: 'full' as const };
      this.#state.mail.set(key, [...mail, this.#record(envelope, shared, recipient.stranger, append)]);
      return { deviceId, status: 'accepted' as const };
    });
    const isAccepted = devices.some(({ status }) => status === 'accepted');
    return { userId: recipient.userId, status: isAccepted ? 'accepted' : 'full', devices };
  }

  #record(
    envelope: Uint8Array,
    shared: Uint8Array | undefined,
    stranger: boolean,
    { acceptedAt, expiresAt }: MailAppend,
  ): MailRecord {
    const seq = ++this.#state.lastMail;
    const deliveryId = new Uint8Array(16);
    new DataView(deliveryId.buffer).setBigUint64(0, BigInt(seq));
    deliveryId.set(this.#randomness.bytes(8), 8);
    const deliveryKey = byteKey(deliveryId);
    return { seq, deliveryId, deliveryKey, envelope: envelope.slice(), shared, stranger, acceptedAt, expiresAt };
  }

  #drop(key: string, isGone: (record: MailRecord) => boolean): number {
    const mail = this.#state.mail.get(key);
    if (mail === undefined) return 0;
    const kept = mail.filter((record) => !isGone(record));
    if (kept.length === 0) this.#state.mail.delete(key);
    else this.#state.mail.set(key, kept);
    return mail.length - kept.length;
  }
}

function sendKey(sender: DeviceAddress | undefined, sendId: Uint8Array): string {
  return `${sender === undefined ? 'sealed' : deviceKey(sender)}.${byteKey(sendId)}`;
}

function hasRoom(mail: readonly MailRecord[], stranger: boolean, bytes: number, quota: MailQuota): boolean {
  if (mail.length + 1 > quota.count || sizeOf(mail) + bytes > quota.bytes) return false;
  if (!stranger) return true;
  const strangers = mail.filter((record) => record.stranger);
  return strangers.length + 1 <= quota.strangerCount && sizeOf(strangers) + bytes <= quota.strangerBytes;
}

function sizeOf(mail: readonly MailRecord[]): number {
  return mail.reduce((bytes, { envelope, shared }) => bytes + envelope.length + (shared?.length ?? 0), 0);
}
