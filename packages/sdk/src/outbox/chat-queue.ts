import type { ClientFrameFields, SendFields } from '@sotto/proto';
import type { Rate } from '../limits/token-bucket.ts';
import type { Clock } from '../ports/clock.ts';
import type { ChatId, UserId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { StoreQueries } from '../ports/store.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import type { Tracer } from '../ports/tracer.ts';
import { SottoError, type SottoErrorCode } from '../sotto-error.ts';
import { fullJitter } from '../transport/backoff.ts';
import type { OutboxCommits } from './outbox-commits.ts';
import { Pacer, type SendRates } from './pacer.ts';
import type { Sealer } from './sealer.ts';
import { SendLane } from './send-lane.ts';
import type { SendOutcome } from './send-outcome.ts';

const largestBatch = 128;
const largestWindow = 256;

/** What sealing may end in for good: words about the recipient. A refusal of any other kind says nothing of the message, which loses nothing by waiting. */
const endings: ReadonlySet<string> = new Set<SottoErrorCode>(['user-unknown', 'bundle-invalid', 'device-list-invalid']);

/** What a chat's queue works with. */
export interface ChatQueueParts {
  readonly store: StoreQueries;
  readonly sealer: Sealer;
  readonly commits: OutboxCommits;
  /** Makes sessions with all devices of a person, over the network. */
  readonly makeSessions: (userId: UserId) => Promise<void>;
  /** Takes the device list of a person over, over the network. */
  readonly learnDevices: (userId: UserId) => Promise<void>;
  /** Hands frames to the stream; false when it is not open. `handed` is called once their bytes were given to the socket. */
  readonly transmit: (frames: readonly ClientFrameFields[], handed: () => void) => boolean;
  /** Tells whose result a send id is. */
  readonly expectResult: (sendId: Uint8Array, entry: QueueEntry) => void;
  /** Something failed for good, and left the outbox. */
  readonly onLeft: () => void;
  /** How fast the relay lets this account send. */
  readonly rates: () => SendRates;
  /** Counts what all chats of this device send. */
  readonly devicePacer: Pacer;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly randomness: Randomness;
  readonly tracer: Tracer;
  readonly logger: Logger;
  readonly onFailure: (error: unknown) => void;
}

/** A record of the outbox in the window of its chat. */
export interface QueueEntry {
  readonly queue: ChatQueue;
  record: OutboxRecord;
  /** Its bytes left on this connection, and there is no result yet. */
  inFlight: boolean;
}

/** What became of an entry's send. */
export interface EntryResult {
  readonly entry: QueueEntry;
  readonly outcome: SendOutcome;
}

/** An entry with the bytes that are to leave. */
interface SealedEntry {
  readonly entry: QueueEntry;
  readonly send: SendFields;
  readonly sendId: Uint8Array;
}

/** The outbox of one chat: first in, first out, pipelined in a lane, sealed at the head while connected. */
export class ChatQueue {
  private readonly chatId: ChatId;
  private readonly parts: ChatQueueParts;
  private readonly lane: SendLane;
  /** In the order of the queue. */
  private readonly entries = new Set<QueueEntry>();
  /** On their way when their rows were withdrawn: they wait for their result alone. */
  private readonly discarded = new Set<QueueEntry>();
  private loadedUpTo = 0;
  private connection = 0;
  private online = false;
  /** A send was refused: nothing leaves until all that is in flight has its result. */
  private refused = false;
  /** Of what was refused, something was for a reason of its own: the rest is only superseded. */
  private refusedForReason = false;
  private refusals = 0;
  /** What sealing lacked (sessions, the device list) was just got, so that it should go through now. */
  private prepared = false;
  private failures = 0;
  /** How often the relay said when to come again, since something was accepted. */
  private postponed = 0;
  private cancelRetry: CancelTimer | undefined;
  private readonly pacer = new Pacer();
  /** Whether the last one that left showed the recipient's access key. */
  private toContact = false;
  private cancelPause: CancelTimer | undefined;
  private working: Promise<void> | undefined;
  private woken = false;

  constructor(chatId: ChatId, parts: ChatQueueParts) {
    this.chatId = chatId;
    this.parts = parts;
    this.lane = new SendLane(parts.randomness);
  }

  /** The stream is open: what was in flight on the one before is sent again, as it was. */
  connected(): void {
    this.disconnected();
    this.online = true;
    this.wake();
  }

  /** The stream is gone. */
  disconnected(): void {
    this.online = false;
    this.connection++;
    this.refused = false;
    this.refusedForReason = false;
    this.lane.renew();
    for (const entry of this.discarded) this.entries.delete(entry);
    this.discarded.clear();
    for (const entry of this.entries) entry.inFlight = false;
    this.cancelRetry?.();
    this.cancelRetry = undefined;
    this.cancelPause?.();
    this.cancelPause = undefined;
  }

  /** There may be something to send. */
  wake(): void {
    if (this.working !== undefined) {
      this.woken = true;
      return;
    }
    if (!this.online || this.cancelRetry !== undefined) return;
    this.working = Promise.resolve()
      .then(() => this.work())
      .catch((error: unknown) => this.parts.onFailure(error))
      .finally(() => {
        this.working = undefined;
        if (this.woken) {
          this.woken = false;
          this.wake();
        }
      });
  }

  /** All rows that belong to no group were withdrawn: what has not left stays here, and what is on its way is not sent again. */
  discard(): void {
    for (const entry of this.entries) {
      if (entry.record.groupId !== undefined) continue;
      if (entry.inFlight) this.discarded.add(entry);
      else this.entries.delete(entry);
    }
    this.wake();
  }

  /** What it waited for has come about: it is tried now instead of later. */
  retry(): void {
    this.cancelRetry?.();
    this.cancelRetry = undefined;
    this.wake();
  }

  /** Resolves when nothing is being sealed or committed. */
  async idle(): Promise<void> {
    await this.working;
  }

  /** Takes the results of one turn: one commit for all that were accepted. */
  async settle(results: readonly EntryResult[]): Promise<void> {
    const { connection } = this;
    const known = results.filter(({ entry }) => this.entries.has(entry));
    // They stay in flight while their results are committed: they must not leave again meanwhile.
    const refused = known.flatMap(({ entry, outcome }) => (outcome.type === 'accepted' ? [] : [{ entry, outcome }]));
    if (refused.length > 0) {
      this.refused = true;
      this.refusals++;
      this.refusedForReason ||= refused.some(({ outcome }) => outcome.type !== 'superseded');
    }
    const accepted = known.flatMap(({ entry, outcome }) =>
      outcome.type === 'accepted' ? [{ entry, record: entry.record, ...outcome }] : [],
    );
    if (accepted.length > 0) {
      this.failures = 0;
      this.postponed = 0;
      await this.parts.commits.accepted(this.chatId, accepted);
      for (const { entry } of accepted) this.entries.delete(entry);
    }
    for (const { entry, outcome } of refused) await this.settleRefusal(entry, outcome);
    if (connection === this.connection) this.landed(known);
    this.wake();
  }

  /** After a refusal, the last one that lands opens a new lane. */
  private landed(results: readonly EntryResult[]): void {
    for (const { entry } of results) entry.inFlight = false;
    if (!this.refused || [...this.entries].some((other) => other.inFlight)) return;
    // A relay that calls everything superseded is not asked in a tight loop.
    if (!this.refusedForReason) this.retryLater(undefined);
    this.refused = false;
    this.refusedForReason = false;
    this.lane.renew();
  }

  private async settleRefusal(entry: QueueEntry, outcome: Exclude<SendOutcome, { type: 'accepted' }>): Promise<void> {
    if (outcome.type === 'later') {
      this.retryLater(outcome.afterMs);
    } else if (outcome.type === 'failed') {
      await this.fail(entry, outcome.code);
    } else if (outcome.type === 'devices-changed') {
      await this.takeDeviceList(entry, outcome.deviceList);
    }
  }

  private async takeDeviceList(entry: QueueEntry, signed: Uint8Array): Promise<void> {
    const sealed = [...this.entries].map((other) => other.record.id);
    try {
      await this.parts.commits.devicesChanged(this.chatId, entry.record.recipient, signed, sealed);
    } catch (error) {
      if (error instanceof SottoError && error.code === 'device-list-forked') {
        this.retryLater(error.retryAfterMs);
        return;
      }
      if (!(error instanceof SottoError) || error.code !== 'device-list-invalid') throw error;
      await this.fail(entry, error.code);
      return;
    }
    for (const other of this.entries) other.record = { ...other.record, sealed: undefined };
    // Once is the normal case; a relay that says so again and again is not asked in a tight loop.
    this.failures++;
    if (this.failures > 1) this.retryLater(undefined);
  }

  private async work(): Promise<void> {
    for (;;) {
      await this.load();
      // Looked at after every wait: from here to the sealing nothing comes in between.
      if (!this.online || this.refused || this.cancelRetry !== undefined) return;
      const waiting = [...this.entries].filter((entry) => !entry.inFlight);
      const room = largestWindow - (this.entries.size - waiting.length);
      const wanted = Math.min(room, largestBatch, waiting.length);
      const ready = waiting.slice(0, this.room(wanted, this.parts.clock.now()));
      if (ready.length < wanted) this.pause(waiting.length);
      if (ready.length === 0 || !(await this.sealAndSend(ready))) return;
    }
  }

  /** What the relay allows to this recipient. */
  private get limit(): Rate {
    const { contact, stranger } = this.parts.rates();
    return this.toContact ? contact : stranger;
  }

  /** How many of these sends the relay allows now. */
  private room(wanted: number, now: number): number {
    const { devicePacer, rates } = this.parts;
    return Math.min(this.pacer.room(wanted, this.limit, now), devicePacer.room(wanted, rates().device, now));
  }

  /** Goes on when the relay allows more. */
  private pause(waiting: number): void {
    if (!this.online || this.cancelPause !== undefined) return;
    const { clock, timers, devicePacer, rates } = this.parts;
    const now = clock.now();
    const wait = Math.max(this.pacer.wait(waiting, this.limit, now), devicePacer.wait(waiting, rates().device, now));
    this.cancelPause = timers.after(wait, () => {
      this.cancelPause = undefined;
      this.wake();
    });
  }

  private async load(): Promise<void> {
    if (this.entries.size >= largestWindow) return;
    const records = await this.parts.store.outbox(this.chatId, this.loadedUpTo, largestBatch);
    for (const record of records) {
      this.entries.add({ queue: this, record, inFlight: false });
      this.loadedUpTo = record.id;
    }
  }

  /** Seals these and lets their bytes leave, as far as they go; whether to go on. */
  private async sealAndSend(ready: readonly QueueEntry[]): Promise<boolean> {
    const { connection, refusals } = this;
    const outcomes = await this.parts.sealer.seal(ready.map(({ record }) => record));
    const sends: SealedEntry[] = [];
    for (const [at, entry] of ready.entries()) {
      const outcome = outcomes[at];
      if (outcome?.status === 'sealed') sends.push({ entry, ...outcome });
      else if (outcome?.status === 'gone') this.left(entry);
    }
    // What was refused meanwhile goes first.
    if (connection !== this.connection || refusals !== this.refusals) return true;
    if (sends.length > 0) {
      this.prepared = false;
      return this.transmit(sends);
    }
    const last = outcomes.at(-1);
    const stuck = ready[outcomes.length - 1];
    if (stuck === undefined || last === undefined) return true;
    const waiting = ready.slice(outcomes.length - 1);
    if (last.status === 'failed') return this.sealingFailed(waiting, last.error);
    const { makeSessions, learnDevices } = this.parts;
    if (last.status === 'needs-sessions') return this.prepare(makeSessions, stuck.record.recipient, waiting);
    return last.status === 'needs-devices' ? this.prepare(learnDevices, stuck.record.recipient, waiting) : true;
  }

  private async prepare(
    make: (userId: UserId) => Promise<void>,
    recipient: UserId,
    waiting: readonly QueueEntry[],
  ): Promise<boolean> {
    if (this.prepared) {
      this.prepared = false;
      this.retryLater(undefined);
      return false;
    }
    try {
      await make(recipient);
      this.prepared = true;
      return true;
    } catch (error) {
      return this.sealingFailed(waiting, error);
    }
  }

  private transmit(sealed: readonly SealedEntry[]): boolean {
    const now = this.parts.clock.now();
    this.toContact = (sealed[0]?.send.recipients?.[0]?.accessKey ?? []).length > 0;
    const sends = sealed.slice(0, this.room(sealed.length, now));
    if (sends.length < sealed.length) this.pause(sealed.length);
    if (sends.length === 0) return false;
    const frames = sends.map(({ send }) => ({ send: { ...send, ...this.lane.take() } }));
    if (!this.parts.transmit(frames, () => this.parts.tracer.reached('send.bytes-left'))) return false;
    this.pacer.take(sends.length, this.limit, now);
    this.parts.devicePacer.take(sends.length, this.parts.rates().device, now);
    for (const { entry, sendId } of sends) {
      entry.inFlight = true;
      this.parts.expectResult(sendId, entry);
    }
    return true;
  }

  private async sealingFailed(entries: readonly QueueEntry[], error: unknown): Promise<boolean> {
    if (!(error instanceof SottoError) || error.code.startsWith('store-') || error.code === 'client-stopped') {
      throw error;
    }
    // It waits for the user, who wakes the queue.
    if (error.code === 'identity-changed') return false;
    if (error.retryable || !endings.has(error.code)) {
      this.retryLater(error.retryAfterMs);
      return false;
    }
    this.parts.logger.warn('outbox.failed', {
      code: error.code,
      ...(error.relayCode && { relayCode: error.relayCode }),
    });
    for (const entry of entries) await this.fail(entry, error.code);
    return true;
  }

  private async fail(entry: QueueEntry, code: string): Promise<void> {
    await this.parts.commits.failed(entry.record, code);
    this.left(entry);
  }

  private left(entry: QueueEntry): void {
    this.parts.onLeft();
    this.entries.delete(entry);
  }

  /** The relay's word is taken as it is at first; one that says so again and again is not asked in a tight loop. */
  private patience(): number {
    const times = this.postponed++;
    return times === 0 ? 0 : fullJitter(times - 1, this.parts.randomness);
  }

  private retryLater(afterMs: number | undefined): void {
    if (!this.online) return;
    this.cancelRetry?.();
    const wait =
      afterMs === undefined ? fullJitter(this.failures++, this.parts.randomness) : Math.max(afterMs, this.patience());
    this.cancelRetry = this.parts.timers.after(wait, () => {
      this.cancelRetry = undefined;
      this.wake();
    });
  }
}
