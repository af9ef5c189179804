import { WorkLimit } from '../platform/work-limit.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceIncarnation } from '../ports/device-incarnation.ts';
import type { DeviceAddress } from '../ports/ids.ts';
import type { ListedDevices } from '../ports/listed-devices.ts';
import type { MailLedger } from '../ports/mail-ledger.ts';
import type { LogPosition, MailLog } from '../ports/mail-log.ts';
import type {
  MailAppend,
  Mailbox,
  MailDevice,
  MailQuota,
  MailReader,
  MailReceipt,
  MailUsage,
} from '../ports/mailbox.ts';
import type { PendingStore } from '../ports/pending-store.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { SendReceipts } from '../ports/send-receipts.ts';
import { ClusterReader } from './cluster-reader.ts';
import { type Delivery, type DeliveryIds, isDeliveryId } from './delivery-id.ts';
import { partitionOfLane } from './delivery-lane.ts';
import { deviceKeyOf, namedDevice } from './device-key.ts';
import type { GatewayInboxes } from './gateway-inboxes.ts';
import { KnownTopics } from './known-topics.ts';
import { MailAppender, type MailTopics, type TopicKey } from './mail-appender.ts';
import type { NodeFailure } from './node-failure.ts';

const expiredAtOnce = 1_000;
/** Calls of a sweep that the ledger has at once. */
const releasedAtOnce = 64;
/** The most acks whose entries could not be counted out, or deleted, that are remembered; what is forgotten counts until it expires. */
const mostUncounted = 10_000;

const nothingHeld: MailUsage = { count: 0, bytes: 0, strangerCount: 0, strangerBytes: 0, oldest: undefined };

/** What a `ClusterMailbox` works with. */
export interface ClusterMailboxParts {
  readonly log: MailLog;
  readonly topics: MailTopics;
  readonly topicKey?: TopicKey;
  /** The most bytes that the log takes as one record; any number by default. */
  readonly recordBytes?: number;
  readonly pending: PendingStore;
  readonly receipts: SendReceipts;
  readonly ledger: MailLedger;
  readonly listed: ListedDevices;
  /** The streams of this node. */
  readonly inboxes: GatewayInboxes;
  readonly ids: DeliveryIds;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** Something went wrong that costs no mail. */
  readonly failed: (event: NodeFailure, error: unknown) => void;
  /** A record is durable. */
  readonly appended?: (position: LogPosition, devices: readonly DeviceIncarnation[]) => void;
}

/**
 * The mailboxes of a cluster: what is accepted stands in the log, then goes to the node that has the device's stream, or into the pending store; a device's node gives it from there.
 *
 * What differs from one relay on one machine: order is kept within a lane, that is among the mail of one user to another and among that of a group. An ack is not durable by itself: when the node that hands out dies
 * before it has committed, or the device's node before it has deleted what was stored, the entry is given again. Nodes that stop in order do both first, for as long as `drainMs` allows. How many entries an ack or a sweep took is what the ledger knows.
 */
export class ClusterMailbox implements Mailbox {
  readonly #parts: ClusterMailboxParts;
  readonly #appender: MailAppender;
  readonly #topics: KnownTopics;
  #appends = 0;
  #whenNone: (() => void)[] = [];
  /** The latest time that a sweep was told: mail and receipts end by it, whatever time it is. */
  #sweptAt = 0;
  /** What was acked, and is still to be counted out by the next sweep. */
  #uncounted: { readonly device: DeviceIncarnation; readonly entryIds: readonly Uint8Array[] }[] = [];

  constructor(parts: ClusterMailboxParts) {
    const { log, topics, appended } = parts;
    this.#parts = parts;
    this.#topics = new KnownTopics(log, [topics.toUser, topics.toGroup], parts.clock);
    this.#appender = new MailAppender({
      ...parts,
      now: () => this.#now(),
      appended: (position, devices) => {
        this.#topics.add(position.topicId);
        appended?.(position, devices);
      },
    });
  }

  async append(append: MailAppend, quota: MailQuota): Promise<MailReceipt> {
    this.#appends++;
    try {
      return await this.#appender.append(append, quota);
    } finally {
      this.#appends--;
      if (this.#appends === 0) for (const told of this.#whenNone.splice(0)) told();
    }
  }

  /** Resolves when no append is under way, whoever asked for it and has gone meanwhile. */
  async settled(): Promise<void> {
    if (this.#appends > 0) await new Promise<void>((resolve) => this.#whenNone.push(resolve));
  }

  async recorded(address: MailDevice | undefined, sendId: Uint8Array): Promise<MailReceipt | undefined> {
    const sender = address && (await this.#listed(address));
    if (address !== undefined && sender === undefined) return undefined;
    const receipt = await this.#parts.receipts.recorded({ sender, sendId }, this.#now());
    return receipt && { repeated: true, ...receipt };
  }

  reader(device: MailDevice): MailReader {
    return new ClusterReader(device, {
      ...this.#parts,
      sweptAt: () => this.#sweptAt,
      given: (topicId) => this.#topics.add(topicId),
    });
  }

  async ack(address: MailDevice, deliveryIds: readonly Uint8Array[]): Promise<number> {
    const device = await this.#listed(address);
    if (device === undefined) return 0;
    const acked = await this.#deliveries(device, deliveryIds);
    if (acked.length === 0) return 0;
    const entryIds = acked.map(({ entryId }) => entryId);
    try {
      await this.#parts.inboxes.acked(device, acked);
    } catch (error) {
      // Some of them may have gone, of which no ack comes again: what is still there is counted too little for as long.
      this.#countOutLater(device, entryIds);
      throw error;
    }
    // The mail has gone, whatever the ledger knows of it.
    return (await this.#countOut(device, entryIds)) ?? entryIds.length;
  }

  async usage(address: DeviceAddress): Promise<MailUsage> {
    const device = await this.#listed(address);
    if (device === undefined) return nothingHeld;
    try {
      return await this.#parts.ledger.usage(device);
    } catch (error) {
      // As after the ledger was lost: without it streams open, and are given mail.
      this.#parts.failed('ledger.read-failed', error);
      return nothingHeld;
    }
  }

  /** Mail ends with its time by itself: this counts it out. */
  async expire(now: number): Promise<number> {
    this.#sweptAt = Math.max(this.#sweptAt, now);
    let expired = 0;
    const uncounted = this.#uncounted;
    this.#uncounted = [];
    const releases = new WorkLimit(releasedAtOnce);
    await Promise.all(uncounted.map(({ device, entryIds }) => releases.run(() => this.#countOut(device, entryIds))));
    for (let last = expiredAtOnce; last === expiredAtOnce; expired += last) {
      last = await this.#parts.ledger.expire(now, expiredAtOnce);
    }
    return expired;
  }

  /** Engines overwrite what was deleted in their own time. */
  scrub(): Promise<void> {
    return Promise.resolve();
  }

  async #countOut(device: DeviceIncarnation, entryIds: readonly Uint8Array[]): Promise<number | undefined> {
    try {
      return await this.#parts.ledger.release(device, entryIds);
    } catch (error) {
      this.#parts.failed('ledger.release-failed', error);
      this.#countOutLater(device, entryIds);
      return undefined;
    }
  }

  #countOutLater(device: DeviceIncarnation, entryIds: readonly Uint8Array[]): void {
    this.#uncounted.push({ device, entryIds });
    if (this.#uncounted.length > mostUncounted) this.#uncounted.shift();
  }

  #now(): number {
    return Math.max(this.#parts.clock.now(), this.#sweptAt);
  }

  async #listed(address: MailDevice): Promise<DeviceIncarnation | undefined> {
    return namedDevice(await this.#parts.listed.of(address.userId), address);
  }

  /** What these ids stand for, each delivery once. An id of a topic that is not known (any more) makes this look for it. */
  async #deliveries(device: DeviceIncarnation, deliveryIds: readonly Uint8Array[]): Promise<Delivery[]> {
    const { ids, pending } = this.#parts;
    const key = deviceKeyOf(device);
    const found = new Map<string, Delivery>();
    const take = (topicIds: Iterable<string>, left: readonly Uint8Array[]) =>
      left.filter((id) => {
        const delivery = ids.read(key, id, topicIds);
        if (delivery !== undefined) found.set(`${delivery.lane}/${delivery.ko}`, delivery);
        return delivery === undefined;
      });
    let left = take(this.#topics.ids, deliveryIds.filter(isDeliveryId));
    if (left.length > 0) {
      await this.#topics.learn();
      left = take(this.#topics.ids, left);
    }
    if (left.length > 0) {
      const { spans } = await pending.view(key);
      take(new Set(spans.map(({ lane }) => partitionOfLane(lane).topicId)), left);
    }
    return [...found.values()];
  }
}
