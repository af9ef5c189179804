import type { ClientFrameFields, SendFields } from '@sotto/proto';
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
import type { Sealer, SealOutcome } from './sealer.ts';
import { SendLane } from './send-lane.ts';
import type { SendOutcome } from './send-outcome.ts';

const largestBatch = 64;
const largestWindow = 256;

/** What sealing may end in for good; after anything else it is tried again. */
const endings: ReadonlySet<string> = new Set<SottoErrorCode>([
  'identity-changed',
  'user-unknown',
  'bundle-invalid',
  'device-list-invalid',
  'relay-refused',
]);

/** What a chat's queue works with. */
export interface ChatQueueParts {
  readonly store: StoreQueries;
  readonly sealer: Sealer;
  readonly commits: OutboxCommits;
  /** Makes sessions with all devices of a person, over the network. */
  readonly makeSessions: (userId: UserId) => Promise<void>;
  /** Hands frames to the stream; false when it is not open. */
  readonly transmit: (frames: readonly ClientFrameFields[]) => boolean;
  /** Tells whose result a send id is. */
  readonly expectResult: (sendId: Uint8Array, entry: QueueEntry) => void;
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
  private entries: QueueEntry[] = [];
  private loadedUpTo = 0;
  private connection = 0;
  private online = false;
  /** A send was refused: nothing leaves until all that is in flight has its result. */
  private refused = false;
  /** Of what was refused, something was for a reason of its own: the rest is only superseded. */
  private refusedForReason = false;
  private refusals = 0;
  /** Sessions were just made, so that sealing should go through now. */
  private sessionsMade = false;
  private failures = 0;
  private cancelRetry: CancelTimer | undefined;
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
    for (const entry of this.entries) entry.inFlight = false;
    this.cancelRetry?.();
    this.cancelRetry = undefined;
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

  /** Resolves when nothing is being sealed or committed. */
  async idle(): Promise<void> {
    await this.working;
  }

  /** Takes the result of a send. */
  async settle(entry: QueueEntry, outcome: SendOutcome): Promise<void> {
    if (!this.entries.includes(entry)) return;
    const { connection } = this;
    // It stays in flight while its result is committed: it must not leave again meanwhile.
    if (outcome.type === 'accepted') {
      this.failures = 0;
      await this.parts.commits.accepted(entry.record, outcome.acceptedAt, outcome.expiresAt);
      this.remove(entry);
    } else {
      this.refused = true;
      this.refusals++;
      if (outcome.type !== 'superseded') this.refusedForReason = true;
      await this.settleRefusal(entry, outcome);
    }
    if (connection === this.connection) this.landed(entry);
    this.wake();
  }

  /** After a refusal, the last one that lands opens a new lane. */
  private landed(entry: QueueEntry): void {
    entry.inFlight = false;
    if (!this.refused || this.entries.some((other) => other.inFlight)) return;
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
    const sealed = this.entries.map((other) => other.record.id);
    try {
      await this.parts.commits.devicesChanged(this.chatId, entry.record.recipient, signed, sealed);
    } catch (error) {
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
      const room = largestWindow - this.entries.filter((entry) => entry.inFlight).length;
      const ready = this.entries.filter((entry) => !entry.inFlight).slice(0, Math.min(room, largestBatch));
      if (ready.length === 0 || !(await this.sealAndSend(ready))) return;
    }
  }

  private async load(): Promise<void> {
    if (this.entries.length >= largestWindow) return;
    const records = await this.parts.store.outbox(this.chatId, this.loadedUpTo, largestBatch);
    for (const record of records) {
      this.entries.push({ queue: this, record, inFlight: false });
      this.loadedUpTo = record.id;
    }
  }

  /** Seals these and lets their bytes leave, as far as they go; whether to go on. */
  private async sealAndSend(ready: readonly QueueEntry[]): Promise<boolean> {
    const { connection, refusals } = this;
    const attempts = await Promise.allSettled(ready.map((entry) => this.parts.sealer.seal(entry.record)));
    const sends: SealedEntry[] = [];
    let stuck: QueueEntry | undefined;
    for (const [at, entry] of ready.entries()) {
      const attempt = attempts[at];
      if (attempt?.status !== 'fulfilled' || attempt.value.status === 'needs-sessions') {
        stuck = entry;
        break;
      }
      if (attempt.value.status === 'sealed') sends.push({ entry, ...attempt.value });
      else this.remove(entry);
    }
    // What was refused meanwhile goes first.
    if (connection !== this.connection || refusals !== this.refusals) return true;
    if (sends.length > 0) {
      this.sessionsMade = false;
      return this.transmit(sends);
    }
    if (stuck === undefined) return true;
    const failure = attempts[ready.indexOf(stuck)];
    if (failure?.status === 'rejected') {
      return this.sealingFailed(
        ready.filter((_, at) => attempts[at]?.status === 'rejected'),
        failure.reason,
      );
    }
    const waiting = ready.filter((_, at) => isWithoutSession(attempts[at]));
    return this.makeSessions(stuck.record.recipient, waiting);
  }

  private async makeSessions(recipient: UserId, waiting: readonly QueueEntry[]): Promise<boolean> {
    if (this.sessionsMade) {
      this.sessionsMade = false;
      this.retryLater(undefined);
      return false;
    }
    try {
      await this.parts.makeSessions(recipient);
      this.sessionsMade = true;
      return true;
    } catch (error) {
      return this.sealingFailed(waiting, error);
    }
  }

  private transmit(sends: readonly SealedEntry[]): boolean {
    if (!this.parts.transmit(sends.map(({ send }) => ({ send: { ...send, ...this.lane.take() } })))) return false;
    for (const { entry, sendId } of sends) {
      entry.inFlight = true;
      this.parts.expectResult(sendId, entry);
    }
    this.parts.tracer.reached('send.bytes-left');
    return true;
  }

  private async sealingFailed(entries: readonly QueueEntry[], error: unknown): Promise<boolean> {
    if (!(error instanceof SottoError) || error.code.startsWith('store-') || error.code === 'client-stopped') {
      throw error;
    }
    if (error.retryable || !endings.has(error.code)) {
      this.retryLater(error.retryAfterMs);
      return false;
    }
    this.parts.logger.warn('outbox.failed', { code: error.code });
    for (const entry of entries) await this.fail(entry, error.code);
    return true;
  }

  private async fail(entry: QueueEntry, code: string): Promise<void> {
    await this.parts.commits.failed(entry.record, code);
    this.remove(entry);
  }

  private retryLater(afterMs: number | undefined): void {
    if (!this.online) return;
    this.cancelRetry?.();
    const wait = afterMs ?? fullJitter(this.failures++, this.parts.randomness);
    this.cancelRetry = this.parts.timers.after(wait, () => {
      this.cancelRetry = undefined;
      this.wake();
    });
  }

  private remove(entry: QueueEntry): void {
    this.entries = this.entries.filter((other) => other !== entry);
  }
}

function isWithoutSession(attempt: PromiseSettledResult<SealOutcome> | undefined): boolean {
  return attempt?.status === 'fulfilled' && attempt.value.status === 'needs-sessions';
}
