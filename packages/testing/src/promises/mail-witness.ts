import { Envelope, uuidToText } from '@sotto/proto';
import type { MemoryRelayDisk, StoredMail } from '@sotto/relay-server/memory';
import type { Mailbox, RelayStores } from '@sotto/relay-server/ports';
import type { MessageRecord } from '@sotto/sdk/ports';
import type { Violation } from './violation.ts';

/** What became of mail at the relay without anybody's fault. */
export interface ExpiredMail {
  /** Empty when it was sealed: then the relay knows neither which message it is nor whose. */
  readonly messageId: string;
  readonly from: string;
  readonly to: string;
  /** By the relay's clock. */
  readonly acceptedAt: number;
  readonly expiresAt: number;
}

/** Whether mail may be a message, going by what its author knows of it. */
export function isMailOf(mail: ExpiredMail, { id, acceptedAt }: Pick<MessageRecord, 'id' | 'acceptedAt'>): boolean {
  return mail.messageId === '' ? mail.acceptedAt === acceptedAt : mail.messageId === id;
}

/** Whether mail may be from somebody. */
export function mayBeFrom({ from }: ExpiredMail, userId: string): boolean {
  return from === '' || from === userId;
}

/** Watches a relay's mailboxes from the outside: mail may go by its recipient's ack or by its time, and by nothing else. */
export class MailWitness {
  /** Mail that had its time. */
  readonly expired: ExpiredMail[] = [];
  readonly #known = new Map<string, StoredMail>();
  readonly #gone = new Set<string>();
  readonly #violations: Violation[] = [];
  readonly #retentionMs: number;

  constructor(retentionMs: number) {
    this.#retentionMs = retentionMs;
  }

  /** Puts the watch around the stores of a relay. */
  watch(stores: RelayStores, disk: MemoryRelayDisk): RelayStores {
    const { mailbox } = stores;
    const watched: Mailbox = {
      append: async (append, quota) => {
        const receipt = await mailbox.append(append, quota);
        this.#look(disk);
        return receipt;
      },
      recorded: (sender, sendId) => mailbox.recorded(sender, sendId),
      reader: (device) => mailbox.reader(device),
      usage: (device) => mailbox.usage(device),
      scrub: () => mailbox.scrub(),
      ack: (device, ids) => {
        this.#look(disk);
        for (const id of ids) {
          const key = Buffer.from(id).toString('hex');
          const { device: owner } = this.#known.get(key) ?? {};
          if (owner?.userId === device.userId && owner.deviceId === device.deviceId) this.#gone.add(key);
        }
        return mailbox.ack(device, ids);
      },
      expire: (now) => {
        this.#look(disk);
        for (const mail of disk.mail()) if (mail.expiresAt <= now) this.#hadItsTime(mail, now);
        return mailbox.expire(now);
      },
    };
    return { ...stores, mailbox: watched };
  }

  /** What is wrong by now. */
  check(disk: MemoryRelayDisk): readonly Violation[] {
    this.#look(disk);
    const there = new Set(disk.mail().map(({ deliveryKey }) => deliveryKey));
    for (const [key, mail] of this.#known) {
      const { messageId } = idsOf(mail);
      if (!there.has(key) && !this.#gone.has(key)) {
        this.#violations.push({
          promise: 'P1',
          what: `mail of ${messageId} left the relay without an ack and before its time`,
        });
      }
      if (there.has(key) && this.#gone.has(key)) {
        this.#violations.push({ promise: 'P4', what: `mail of ${messageId} is at the relay after its ack` });
      }
      if (!there.has(key)) this.#known.delete(key);
    }
    return this.#violations.splice(0);
  }

  #look(disk: MemoryRelayDisk): void {
    for (const mail of disk.mail()) if (!this.#known.has(mail.deliveryKey)) this.#known.set(mail.deliveryKey, mail);
  }

  #hadItsTime(mail: StoredMail, now: number): void {
    this.#gone.add(mail.deliveryKey);
    const ids = idsOf(mail);
    this.expired.push(ids);
    if (now - mail.acceptedAt >= this.#retentionMs) return;
    this.#violations.push({ promise: 'P1', what: `mail of ${ids.messageId} was deleted before its 30 days were over` });
  }
}

function idsOf({ device, envelope, acceptedAt, expiresAt }: StoredMail): ExpiredMail {
  const { messageId, senderUser } = Envelope.decode(envelope);
  const from = senderUser.length === 16 ? uuidToText(senderUser) : '';
  const id = messageId.length === 16 ? uuidToText(messageId) : '';
  return { messageId: id, from, to: device.userId, acceptedAt, expiresAt };
}
