import type { ClientFrameFields, SendFields } from '@sotto/proto';
import type { ChatId, UserId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { StoreQueries } from '../ports/store.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import type { Tracer } from '../ports/tracer.ts';
import { SottoError } from '../sotto-error.ts';
import { fullJitter } from '../transport/backoff.ts';
import type { OutboxCommits } from './outbox-commits.ts';
import type { Sealer } from './sealer.ts';
import { SendLane } from './send-lane.ts';
import type { SendOutcome } from './send-outcome.ts';

const largestBatch = 64;
const largestWindow = 256;

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
  /** `in-flight`: its bytes left on this connection, and there is no result yet. `settling`: its result is being committed. */
  progress: 'ready' | 'in-flight' | 'settling';
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
  private failures = 0;
  private sessionsMade = false;
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
    this.lane.renew();
    for (const entry of this.entries) if (entry.progress === 'in-flight') entry.progress = 'ready';
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
    entry.progress = 'settling';
    try {
      if (outcome.type === 'accepted') {
        this.failures = 0;
        await this.parts.commits.accepted(entry.record, outcome.acceptedAt, outcome.expiresAt);
        this.remove(entry);
      } else {
        this.refused = true;
        await this.settleRefusal(entry, outcome);
      }
    } finally {
      // If the commit failed it is sent again, and gets the recorded result.
      entry.progress = 'ready';
    }
    if (this.refused && !this.entries.some((other) => other.progress !== 'ready')) {
      this.refused = false;
      this.lane.renew();
    }
    this.wake();
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
    while (this.online && !this.refused && this.cancelRetry === undefined) {
      await this.load();
      const waiting = this.entries.filter((entry) => entry.progress === 'ready');
      const room = largestWindow - (this.entries.length - waiting.length);
      const ready = waiting.slice(0, Math.min(room, largestBatch));
      if (ready.length === 0 || !(await this.sealAndSend(ready))) return;
    }
  }

  private async load(): Promise<void> {
    if (this.entries.length >= largestWindow) return;
    const records = await this.parts.store.outbox(this.chatId, this.loadedUpTo, largestBatch);
    for (const record of records) {
      this.entries.push({ queue: this, record, progress: 'ready' });
      this.loadedUpTo = record.id;
    }
  }

  /** Seals these and lets their bytes leave; whether to go on. */
  private async sealAndSend(ready: readonly QueueEntry[]): Promise<boolean> {
    const connection = this.connection;
    const first = ready[0];
    try {
      const outcomes = await Promise.all(ready.map((entry) => this.parts.sealer.seal(entry.record)));
      if (outcomes.some((outcome) => outcome.status === 'needs-sessions') && first !== undefined) {
        return await this.makeSessions(first.record.recipient);
      }
      this.sessionsMade = false;
      const sends: { entry: QueueEntry; send: SendFields; sendId: Uint8Array }[] = [];
      for (const [at, entry] of ready.entries()) {
        const outcome = outcomes[at];
        if (outcome?.status === 'sealed') sends.push({ entry, ...outcome });
        else this.remove(entry);
      }
      // Sealed for a connection or a lane that is no more: the loop looks again.
      return connection !== this.connection || this.refused || this.transmit(sends);
    } catch (error) {
      return this.sealingFailed(ready, error);
    }
  }

  /** Makes sessions; whether to go on. Made sessions that do not help are tried again later, not in a tight loop. */
  private async makeSessions(recipient: UserId): Promise<boolean> {
    if (this.sessionsMade) {
      this.sessionsMade = false;
      this.retryLater(undefined);
      return false;
    }
    await this.parts.makeSessions(recipient);
    this.sessionsMade = true;
    return true;
  }

  private transmit(sends: readonly { entry: QueueEntry; send: SendFields; sendId: Uint8Array }[]): boolean {
    if (!this.parts.transmit(sends.map(({ send }) => ({ send: { ...send, ...this.lane.take() } })))) return false;
    for (const { entry, sendId } of sends) {
      entry.progress = 'in-flight';
      this.parts.expectResult(sendId, entry);
    }
    this.parts.tracer.reached('send.bytes-left');
    return true;
  }

  private async sealingFailed(ready: readonly QueueEntry[], error: unknown): Promise<boolean> {
    if (!(error instanceof SottoError) || error.code.startsWith('store-') || error.code === 'client-stopped')
      throw error;
    if (error.retryable) {
      this.retryLater(error.retryAfterMs);
      return false;
    }
    this.parts.logger.warn('outbox.failed', { code: error.code });
    for (const entry of ready) await this.fail(entry, error.code);
    return true;
  }

  private async fail(entry: QueueEntry, code: string): Promise<void> {
    await this.parts.commits.failed(entry.record, code);
    this.remove(entry);
  }

  private retryLater(afterMs: number | undefined): void {
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
