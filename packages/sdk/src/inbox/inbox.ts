import { type Envelope, uuidToBytes } from '@sotto/proto';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { ChatId, DeviceAddress, GroupId } from '../ports/ids.ts';
import type { HeldRecord } from '../ports/inbox-records.ts';
import type { Logger } from '../ports/logger.ts';
import type { StoreQueries } from '../ports/store.ts';
import type { Tracer } from '../ports/tracer.ts';
import { decodeEnvelope } from './decode-envelope.ts';
import type { EnvelopeReceiver } from './receive-envelope.ts';
import type { Received } from './received.ts';

/** One delivery as it came over the stream. */
export interface Delivery {
  readonly deliveryId: Uint8Array;
  readonly envelope: Uint8Array;
}

export const largestBatch = 128;
const heldPage = 64;
const mostFailuresOfSender = 256;

/** How often a held envelope is tried again: each start and each new session of its sender is a try. */
const mostRetries = 64;

/** Takes deliveries in their order, a batch a commit, and acks what is durable. */
export class Inbox {
  /** How many messages of blocked people were dropped since the start. */
  dropped = 0;
  private readonly receiver: EnvelopeReceiver;
  private readonly store: StoreQueries;
  private readonly tracer: Tracer;
  private readonly logger: Logger;
  private readonly ack: (deliveryIds: readonly Uint8Array[], handed: () => void) => void;
  private readonly onApplied: (sender: DeviceAddress) => void;
  private readonly onReceipts: (to: Pick<DeviceAddress, 'userId'>) => void;
  private readonly onReceiptsRest: (sender: DeviceAddress) => void;
  private readonly onRequest: (chatId: ChatId) => void;
  private readonly onGroup: (groupId: GroupId) => void;
  private readonly onBehind: (groupId: GroupId) => void;
  private readonly onHeld: () => Promise<void>;
  private readonly onFailure: (error: unknown) => void;
  private queue: Delivery[] = [];
  /** Senders with whom a session began: what is held of theirs may open now. */
  private readonly begun = new Map<string, DeviceAddress>();
  /** Groups that are known since: what came to them before the welcome may open now. */
  private readonly begunGroups = new Set<GroupId>();
  private working: Promise<void> | undefined;
  /** Something is held for another reason than before. */
  private heldAnew = false;

  constructor(parts: {
    readonly receiver: EnvelopeReceiver;
    readonly store: StoreQueries;
    readonly tracer: Tracer;
    readonly logger: Logger;
    /** Sends an ack; when the stream is gone the delivery comes again, and is known. `handed` is called once its bytes were given to the socket. */
    readonly ack: (deliveryIds: readonly Uint8Array[], handed: () => void) => void;
    /** A message of this person was applied. */
    readonly onApplied: (sender: DeviceAddress) => void;
    /** Receipts to this person were queued, or what they asked for again. */
    readonly onReceipts: (to: Pick<DeviceAddress, 'userId'>) => void;
    /** Receipts to this person were queued that may rest: more are likely to come. */
    readonly onReceiptsRest: (sender: DeviceAddress) => void;
    /** A message was added to a chat that is not accepted. */
    readonly onRequest: (chatId: ChatId) => void;
    /** News of a group were applied: its log is to be looked at. */
    readonly onGroup: (groupId: GroupId) => void;
    /** Somebody knows of a later own device list, by which this user is in this group: what waits for it is to be tried again then. */
    readonly onBehind: (groupId: GroupId) => void;
    /** Something was held. */
    readonly onHeld: () => Promise<void>;
    /** The store failed: what is in hand was not acked and must be delivered again. */
    readonly onFailure: (error: unknown) => void;
  }) {
    this.receiver = parts.receiver;
    this.store = parts.store;
    this.tracer = parts.tracer;
    this.logger = parts.logger;
    this.ack = parts.ack;
    this.onApplied = parts.onApplied;
    this.onReceipts = parts.onReceipts;
    this.onReceiptsRest = parts.onReceiptsRest;
    this.onRequest = parts.onRequest;
    this.onGroup = parts.onGroup;
    this.onBehind = parts.onBehind;
    this.onHeld = parts.onHeld;
    this.onFailure = parts.onFailure;
  }

  /** Takes deliveries over. */
  receive(deliveries: readonly Delivery[]): void {
    this.tracer.reached('deliver.received');
    this.queue.push(...deliveries);
    this.start();
  }

  /** Whether something is being opened that the executor does not know of yet. */
  get busy(): boolean {
    return this.receiver.busy;
  }

  private start(): void {
    this.working ??= Promise.resolve().then(() => this.work());
  }

  /** Forgets what was not begun: the stream is gone, and the relay delivers it again. */
  reset(): void {
    this.queue = [];
  }

  /** What an envelope says without its outer layer; undefined when that does not name its sender. */
  async envelopeOf(bytes: Uint8Array): Promise<Envelope | undefined> {
    const { sender, envelope } = await this.receiver.inspect(bytes);
    return sender && envelope;
  }

  /** Resolves when nothing is in hand. */
  async idle(): Promise<void> {
    await this.working;
  }

  /**
   * Tries held envelopes again: all, or those of one sender.
   *
   * It reads a page at a time, and fails at most 256 times for one sender: whoever sends what can't be opened must not hold up the rest.
   */
  async retryHeld(sender?: DeviceAddress): Promise<void> {
    const isTheirs = ({ envelope }: HeldRecord) => sender === undefined || isFrom(envelope, sender);
    const failures = sender === undefined ? Number.POSITIVE_INFINITY : mostFailuresOfSender;
    await this.retryPages((after) => this.store.held(heldPage, after), isTheirs, failures);
  }

  /** A group is known, or more of it: what is held of it is tried again, behind what has come. */
  moved(groupId: GroupId): void {
    this.begunGroups.add(groupId);
    this.start();
  }

  /** What waits for the key of a chain is left to its sender: with that key it is tried again. */
  private async retryGroup(groupId: GroupId): Promise<void> {
    const isKeyed = ({ reason }: HeldRecord) => reason !== 'no-sender-key';
    await this.retryPages((after) => this.store.heldOfGroup(groupId, heldPage, after), isKeyed);
  }

  private async retryPages(
    read: (after: HeldRecord | undefined) => Promise<readonly HeldRecord[]>,
    isMeant: (held: HeldRecord) => boolean,
    mostFailures = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    let failures = 0;
    const looked = new Map<string, Promise<boolean>>();
    let page: readonly HeldRecord[] = [];
    do {
      page = await read(page.at(-1));
      for (const held of page) {
        if (failures >= mostFailures) break;
        if (!isMeant(held) || !(await this.isWorthATry(held, looked))) continue;
        if (!(await this.tryAgain(held))) failures++;
      }
    } while (page.length === heldPage && failures < mostFailures);
    if (!this.heldAnew) return;
    this.heldAnew = false;
    await this.onHeld();
  }

  private async work(): Promise<void> {
    try {
      while (this.queue.length > 0 || this.hasBegun) {
        // What waits for keys waits behind what has come.
        if (this.queue.length > 0) await this.receiveBatch(this.queue.splice(0, largestBatch));
        else await this.retryBegun();
      }
    } catch (error) {
      this.queue = [];
      this.onFailure(error);
    } finally {
      this.working = undefined;
    }
  }

  private get hasBegun(): boolean {
    return this.begun.size > 0 || this.begunGroups.size > 0;
  }

  private async retryBegun(): Promise<void> {
    for (const groupId of this.begunGroups) {
      this.begunGroups.delete(groupId);
      await this.retryGroup(groupId);
      if (this.queue.length > 0) return;
    }
    for (const [key, sender] of this.begun) {
      this.begun.delete(key);
      await this.retryHeld(sender);
      if (this.queue.length > 0) return;
    }
  }

  /** Others move a group, and give keys, as often as they like: that must not use up the tries of what waits for something else. */
  private async isWorthATry(held: HeldRecord, looked: Map<string, Promise<boolean>>): Promise<boolean> {
    return (await this.receiver.isReached(held, looked)) ?? held.retries < mostRetries;
  }

  /** Whether it is not held any more. */
  private async tryAgain(held: HeldRecord): Promise<boolean> {
    const received = await this.receiver.retry(held.envelope);
    if (received === undefined) return false;
    const isOpen = received.outcome !== 'held';
    if (isOpen) this.logger.info('inbox.held-opened', { reason: held.reason });
    else this.heldAnew = true;
    this.followUp([received]);
    if (this.hasBegun) this.start();
    return isOpen;
  }

  /** Tells the others what envelopes have left them to do. */
  private followUp(received: readonly Received[]): void {
    const receiptsTo = received.flatMap((result) =>
      result.outcome === 'applied' && result.receiptQueued ? [result.sender] : [],
    );
    const resting = received.flatMap((result) =>
      result.outcome === 'applied' && result.receiptWaits ? [result.sender] : [],
    );
    for (const sender of receiptsTo) this.onReceipts(sender);
    for (const result of received) {
      if (result.outcome !== 'applied') continue;
      for (const userId of result.overdueTo ?? []) this.onReceipts({ userId });
    }
    for (const sender of resting) this.onReceiptsRest(sender);
    for (const result of received) if (result.outcome === 'answered') this.onReceipts(result.sender);
    for (const result of received) if (result.outcome === 'applied') this.onApplied(result.sender);
    for (const result of received) {
      if (result.outcome !== 'applied' || !result.newSession) continue;
      this.begun.set(`${result.sender.userId}.${result.sender.deviceId}`, result.sender);
    }
    for (const result of received) {
      if (result.outcome !== 'applied') continue;
      for (const groupId of result.groupsBegun ?? []) this.begunGroups.add(groupId);
    }
    this.dropped += received.filter(({ outcome }) => outcome === 'dropped').length;
    const requests = new Set(
      received.flatMap((result) => (result.outcome === 'applied' ? (result.request ?? []) : [])),
    );
    for (const chatId of requests) this.onRequest(chatId);
    const groups = new Set(received.flatMap((result) => ('group' in result ? (result.group ?? []) : [])));
    for (const group of groups) this.onGroup(group);
    const behind = new Set(received.flatMap((result) => (result.outcome === 'held' ? (result.behind ?? []) : [])));
    for (const group of behind) this.onBehind(group);
  }

  private async receiveBatch(batch: readonly Delivery[]): Promise<void> {
    // Outer layers take time of their own: all are taken off before anything is taken in its order.
    const inspected = await Promise.all(batch.map(({ envelope }) => this.receiver.inspect(envelope)));
    const settled = await Promise.allSettled(inspected.map((each) => this.receiver.take(each)));
    const done = batch.filter((_, at) => settled[at]?.status === 'fulfilled');
    const received = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    if (received.some((result) => result.outcome === 'applied' && (result.receiptQueued || result.receiptWaits))) {
      this.tracer.reached('receipt.queued');
    }
    if (done.length > 0) {
      const ids = done.map((delivery) => delivery.deliveryId);
      this.ack(ids, () => this.tracer.reached('ack.left'));
    }
    this.followUp(received);
    if (received.some(({ outcome }) => outcome === 'held')) await this.onHeld();
    const failed = settled.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}

function isFrom(bytes: Uint8Array, sender: DeviceAddress): boolean {
  const envelope = decodeEnvelope(bytes);
  return envelope?.senderDevice === sender.deviceId && sameBytes(envelope.senderUser, uuidToBytes(sender.userId));
}
