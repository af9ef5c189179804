import { within } from '../adapters/within.ts';
import { WorkLimit } from '../platform/work-limit.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceKey, LaneId } from '../ports/ids.ts';
import type { LogAssignment, LogConsumer, LogRecord, LogRevocation, MailLog } from '../ports/mail-log.ts';
import type { NodeLink, NodeRefusal, NodeReply } from '../ports/node-link.ts';
import type { PendingStore } from '../ports/pending-store.ts';
import type { Presence } from '../ports/presence.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import { RelayError } from '../relay-error.ts';
import { laneIdOf } from './delivery-lane.ts';
import { deviceOfKey } from './device-key.ts';
import type { CaughtUp, HandOver, HandOverStatus } from './hand-over.ts';
import type { Resolution } from './lane-dispatch.ts';
import { fetchedRecordOf } from './mail-records.ts';
import type { NodeFailure } from './node-failure.ts';
import { decodeNodeMessage, encodeNodeMessage } from './node-messages.ts';
import {
  newPartitionDispatch,
  type PartitionDispatch,
  type PartitionEffect,
  type PartitionEvent,
  type PartitionTerms,
  partitionWakeAt,
  setPartitionBack,
  stepPartition,
} from './partition-dispatch.ts';

/** How often a dispatcher looks what has waited long enough. */
const tickMs = 250;
/** Calls of one kind that an engine has from one node at once. */
const mostCalls = 256;
const mostRecordsAtOnce = 256;
/** The log waits a little longer for a partition's work than that is waited for here. */
const drainMarginMs = 1_000;

/** What a `Dispatcher` works with. */
export interface DispatcherParts {
  readonly log: MailLog;
  readonly presence: Presence;
  readonly pending: PendingStore;
  readonly link: NodeLink;
  readonly clock: Clock;
  readonly timers: Timers;
  /** 0 <= jitter < 1. */
  readonly jitter: () => number;
  readonly terms: PartitionTerms;
  /** Part of the names of lanes: the same on all nodes. */
  readonly cluster: string;
  /** All nodes of a cluster share the partitions as one group. */
  readonly group: string;
  readonly topics: readonly string[];
  /** Where records go that nobody can read. */
  readonly poisonTopic: string;
  /** How long a partition that is given away, and `close`, wait for the end of what is in flight. */
  readonly drainMs: number;
  /** Something went wrong, and is tried again. */
  readonly failed: (event: NodeFailure, error: unknown) => void;
  /** A record is done with for one device. */
  readonly resolved?: (lane: LaneId, device: DeviceKey, ko: number, how: Resolution) => void;
  /** What became of a hand-over: as the gateway says, or why it said nothing. */
  readonly handedOver?: (outcome: HandOverOutcome) => void;
}

/** What became of a hand-over. */
export type HandOverOutcome = HandOverStatus | NodeRefusal;

/** A partition that this node has, and how far it is. */
export interface OwnedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Every record below it that was read is done with. */
  readonly watermark: number;
  /** When the log took the record at the watermark; undefined when all that was read is done with. */
  readonly oldest: number | undefined;
}

interface Asking {
  count: number;
  /** The gateway has said meanwhile that the lane may go on: that may come before the answer that says it has to wait. */
  mayGoOn: boolean;
}

interface Owned {
  readonly assignment: LogAssignment;
  readonly dispatch: PartitionDispatch;
  /** The commit that is under way. */
  committing: Promise<void>;
  /** Devices with hand-overs that are not answered. */
  readonly asking: Map<DeviceKey, Asking>;
  /** Called when everything that was read is done and committed. */
  done: () => void;
}

/**
 * The half of a node that hands out what stands in the log: of each partition that is this node's, records go to the nodes that hold the streams of their devices, or into the pending store.
 *
 * What is to be done, and in which order, is said by the machines (`partition-dispatch.ts`); here it is carried out. Nothing is lost with a node: what it has not committed is begun again by the next owner.
 * What is in flight is bounded by `terms`: a partition with too much of it is not read on.
 */
export class Dispatcher {
  readonly #parts: DispatcherParts;
  readonly #owned = new Map<string, Owned>();
  readonly #presenceCalls = new WorkLimit(mostCalls);
  readonly #spills = new WorkLimit(mostCalls);
  /** Handlers are called while it is still to come. */
  #consumer: Promise<LogConsumer> | undefined;
  #cancelTicks: CancelTimer | undefined;
  #lastNow = Number.NEGATIVE_INFINITY;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /** Joins the group. @throws {RelayError} as `MailLog.consume` */
  async start(): Promise<void> {
    const { log, timers, group, topics, drainMs, failed } = this.#parts;
    this.#cancelTicks = timers.every(tickMs, () => this.#wake());
    this.#consumer = log.consume(
      { group, topics, maxRecords: mostRecordsAtOnce, drainMs: drainMs + drainMarginMs },
      {
        assigned: (assignment) => this.#assigned(assignment),
        revoked: (assignment, how) => this.#revoked(assignment, how),
        records: async (assignment, records) => this.#records(assignment, records),
        skipped: ({ topic, partition }, { from, to }) =>
          failed(
            'mail-log.skipped',
            new RelayError('store-corrupt', `Records ${from} to ${to} of ${topic}/${partition} are gone.`),
          ),
        failed: (error) => failed('mail-log.failed', error),
      },
    );
    await this.#consumer;
  }

  /** A gateway says that a lane may go on. */
  caughtUp({ device, lane }: CaughtUp): void {
    for (const owned of this.#owned.values()) {
      if (owned.dispatch.lane !== lane) continue;
      const asking = owned.asking.get(device);
      if (asking !== undefined) asking.mayGoOn = true;
      this.#step(owned, { kind: 'lane', device, event: { kind: 'caught-up' } });
    }
  }

  /** Those that this node has now. */
  get partitions(): readonly OwnedPartition[] {
    return [...this.#owned.values()].map(({ assignment: { topic, partition }, dispatch }) => {
      const watermark = dispatch.offsets.watermark() ?? dispatch.committed;
      return { topic, partition, watermark, oldest: dispatch.records.get(watermark)?.time };
    });
  }

  /** Gives the partitions away, and begins nothing more. Idempotent. */
  async close(): Promise<void> {
    const consumer = await this.#consumer?.catch(() => undefined);
    await consumer?.close();
    this.#cancelTicks?.();
  }

  #assigned(assignment: LogAssignment): void {
    const { id, topicId, partition, start } = assignment;
    const lane = laneIdOf(this.#parts.cluster, topicId, partition);
    const dispatch = newPartitionDispatch(lane, id, start);
    this.#owned.set(id, { assignment, dispatch, committing: Promise.resolve(), asking: new Map(), done: nothing });
  }

  async #revoked({ id }: LogAssignment, how: LogRevocation): Promise<void> {
    const owned = this.#owned.get(id);
    if (owned === undefined) return;
    // What is done and committed is not begun again by the next owner.
    if (how === 'handed-over') await this.#drain(owned);
    this.#owned.delete(id);
    this.#step(owned, { kind: 'revoked' });
    await owned.committing;
  }

  /**
   * Nothing more is read: waits until what was read is acked or spilled, and committed; no longer than for `drainMs`.
   *
   * What has no ack after half of that is spilled: it would hold back the commit of all that was acked behind it, which the next owner would give again.
   */
  async #drain(owned: Owned): Promise<void> {
    if (isDone(owned)) return;
    const done = new Promise<void>((resolve) => {
      owned.done = resolve;
    });
    const { timers, drainMs } = this.#parts;
    if (await within(timers, drainMs / 2, done)) return;
    this.#step(owned, { kind: 'ending' });
    await within(timers, drainMs / 2, done);
  }

  #records({ id }: LogAssignment, records: readonly LogRecord[]): void {
    const owned = this.#owned.get(id);
    if (owned !== undefined) this.#step(owned, { kind: 'fetched', records: records.map(fetchedRecordOf) });
  }

  /** The time; a clock that was set back keeps nothing waiting. */
  #now(): number {
    const now = this.#parts.clock.now();
    const back = this.#lastNow - now;
    this.#lastNow = now;
    if (back > 0) for (const { dispatch } of this.#owned.values()) setPartitionBack(dispatch, back);
    return now;
  }

  #wake(): void {
    const now = this.#now();
    for (const owned of this.#owned.values()) {
      if (partitionWakeAt(owned.dispatch) <= now) this.#step(owned, { kind: 'wake' });
    }
  }

  #step(owned: Owned, event: PartitionEvent): void {
    const { jitter, terms } = this.#parts;
    const effects: PartitionEffect[] = [];
    stepPartition(owned.dispatch, event, this.#now(), jitter(), terms, effects);
    for (const effect of effects) this.#carryOut(owned, effect);
    if (isDone(owned)) owned.done();
  }

  /** Nothing here steps the machine before it returns: what one step wants is begun before the next step. */
  #carryOut(owned: Owned, effect: PartitionEffect): void {
    const { link, resolved } = this.#parts;
    switch (effect.kind) {
      case 'ask-presence':
        void this.#askPresence(owned, effect.device);
        break;
      case 'hand-over':
        void this.#handOver(owned, effect.node, effect.message);
        break;
      case 'spill':
        void this.#spill(owned, effect);
        break;
      case 'send-hint':
        link.tell(effect.node, encodeNodeMessage({ kind: 'hint', device: effect.device }));
        break;
      case 'resolved':
        this.#told(() => resolved?.(owned.dispatch.lane, effect.device, effect.ko, effect.how));
        break;
      case 'park':
        void this.#park(owned, effect.ko, effect.bytes);
        break;
      case 'commit':
        owned.committing = this.#commit(owned, effect.offset);
        break;
      case 'pause':
        void this.#consumer?.then((consumer) => consumer.pause(owned.assignment), nothing);
        break;
      case 'resume':
        void this.#consumer?.then((consumer) => consumer.resume(owned.assignment), nothing);
        break;
    }
  }

  /** What a listener throws is no part of the flow: the partition goes on. */
  #told(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#parts.failed('listener.failed', error);
    }
  }

  async #askPresence(owned: Owned, device: DeviceKey): Promise<void> {
    const { presence, failed } = this.#parts;
    const holder = await this.#presenceCalls
      .run(() => presence.holder(deviceOfKey(device)))
      .catch((error: unknown) => {
        failed('presence.read-failed', error);
        return undefined;
      });
    this.#step(owned, { kind: 'lane', device, event: { kind: 'presence', holder } });
  }

  async #handOver(owned: Owned, node: string, message: HandOver): Promise<void> {
    const { link, clock, failed, handedOver } = this.#parts;
    const { device, call, mail, deadline } = message;
    const asking = owned.asking.get(device) ?? { count: 0, mayGoOn: false };
    owned.asking.set(device, asking);
    asking.count++;
    const reply = await link
      .request(node, encodeNodeMessage(message), { timeoutMs: deadline - clock.now() })
      .catch((error: unknown): NodeReply => {
        failed('hand-over.refused', error);
        return { status: 'failed', mayHaveArrived: false };
      });
    asking.count--;
    if (asking.count === 0) owned.asking.delete(device);
    const status = statusOf(reply, message);
    this.#told(() => handedOver?.(reply.status === 'answered' ? (status ?? 'gone') : reply.status));
    this.#step(owned, { kind: 'lane', device, event: { kind: 'answer', call, ko: mail.ko, status } });
    if (status !== 'catching-up' || !asking.mayGoOn) return;
    asking.mayGoOn = false;
    this.#step(owned, { kind: 'lane', device, event: { kind: 'caught-up' } });
  }

  async #spill(owned: Owned, { device, lane, mail }: Extract<PartitionEffect, { kind: 'spill' }>): Promise<void> {
    const { pending, clock, failed } = this.#parts;
    const ok = await this.#spills
      .run(() => pending.spill([{ device, lane, ...mail }], clock.now()))
      .then(
        () => true,
        (error: unknown) => {
          failed('pending.spill-failed', error);
          return false;
        },
      );
    this.#step(owned, { kind: 'lane', device, event: { kind: 'spilled', ko: mail.ko, ok } });
  }

  async #park(owned: Owned, ko: number, bytes: Uint8Array): Promise<void> {
    const { poisonTopic, failed } = this.#parts;
    const ok = await this.#parkBytes(`${owned.dispatch.lane}/${ko}`, bytes).then(
      () => true,
      (error: unknown) => {
        failed('mail-log.park-failed', error);
        return false;
      },
    );
    if (ok) failed('mail-log.poison', new RelayError('store-corrupt', `A record was put into ${poisonTopic}.`));
    this.#step(owned, { kind: 'parked', ko, ok });
  }

  /** A record that was as large as the log takes it is parked in halves, since its key is longer there: `place:0` and `place:1`. */
  async #parkBytes(place: string, bytes: Uint8Array): Promise<void> {
    const { log, poisonTopic } = this.#parts;
    try {
      await log.append(poisonTopic, Buffer.from(place), bytes);
    } catch (error) {
      const isTooLarge = error instanceof RelayError && error.code === 'request-too-large';
      if (!isTooLarge || bytes.length < 2) throw error;
      const half = bytes.length >>> 1;
      await this.#parkBytes(`${place}:0`, bytes.subarray(0, half));
      await this.#parkBytes(`${place}:1`, bytes.subarray(half));
    }
  }

  async #commit(owned: Owned, offset: number): Promise<void> {
    const { failed } = this.#parts;
    const { assignment } = owned;
    // The machine says a commit again after a while.
    const committed = this.#consumer?.then((consumer) => consumer.commit(assignment, offset));
    const outcome = await committed?.catch((error: unknown) => {
      failed('mail-log.commit-failed', error);
      return undefined;
    });
    this.#step(owned, { kind: 'committed', offset, ok: outcome === 'committed' });
  }
}

function isDone({ dispatch: { offsets, committed, committing } }: Owned): boolean {
  return offsets.open === 0 && !committing && committed >= (offsets.watermark() ?? 0);
}

function nothing(): void {
  // Nobody waits.
}

/** What becomes of a hand-over: as the gateway says, or as the way to it does. */
function statusOf(reply: NodeReply, { device, lane, mail, call }: HandOver): HandOverStatus {
  switch (reply.status) {
    case 'answered': {
      const answer = decodeNodeMessage(reply.answer);
      const isMine = answer?.kind === 'answer' && answer.device === device && answer.lane === lane;
      return isMine && answer.ko === mail.ko && answer.call === call ? answer.status : 'gone';
    }
    // Held and tried again, and spilled when it stays so.
    case 'overloaded':
      return 'catching-up';
    // By a timer: the lane's own time may go another way.
    case 'timed-out':
      return 'late';
    case 'unreachable':
    case 'closed':
    case 'failed':
      return 'gone';
  }
}
