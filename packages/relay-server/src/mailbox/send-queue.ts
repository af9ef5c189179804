import { RecipientStatus, type Send, type SendResultFields } from '@sotto/proto';
import type { MailReceipt } from '../ports/mailbox.ts';
import { RelayError } from '../relay-error.ts';
import type { ArrivedSend, Ingress, PreparedAppend, Sender } from './ingress.ts';
import { Lanes } from './lanes.ts';
import type { RecipientReads } from './recipient-reads.ts';
import { type CheckedRecipient, isAccepted, type Refusal, refusedResult, sendResult } from './send-result.ts';
import { flawOfSend } from './send-shape.ts';

/** Sends without a result, and their bytes, at which a stream is to be read no further until half of them are settled. */
const mostUnsettled = 2_048;
const mostUnsettledBytes = 16 * 1024 * 1024;

/**
 * The Sends of one stream, decided in the order in which they came.
 *
 * What can't be refused any more is appended without waiting for what went before; where it can (a list to read, a mailbox near its quota), the
 * next decision waits, so that a lane never has a later send accepted after an earlier one was refused.
 */
export class SendQueue {
  readonly #ingress: Ingress;
  readonly #sender: Sender;
  readonly #onResult: (result: SendResultFields) => void;
  readonly #lanes = new Lanes();
  readonly #reads: RecipientReads;
  readonly #waiting: ArrivedSend[] = [];
  /** Appends on their way, by send id: of one id, the last, which resolves after those before it. */
  readonly #appending = new Map<string, Promise<void>>();
  /** All that is on its way, what only looks for a recorded result included. */
  readonly #running = new Set<Promise<void>>();
  #deciding: Promise<void> | undefined;
  /** Those without a result. */
  readonly #sizes = new Map<Send, number>();
  #bytes = 0;

  constructor(ingress: Ingress, sender: Sender, onResult: (result: SendResultFields) => void) {
    this.#ingress = ingress;
    this.#reads = ingress.newReads();
    this.#sender = sender;
    this.#onResult = onResult;
  }

  /** How many have no result yet. */
  get size(): number {
    return this.#waiting.length + this.#running.size + (this.#deciding === undefined ? 0 : 1);
  }

  /** How much there is without a result, of what there may be: above 1 nothing more is to be read until it is half. */
  get load(): number {
    return Math.max(this.size / mostUnsettled, this.#bytes / mostUnsettledBytes);
  }

  /** Takes one more, which has come in now; its result comes through `onResult`. */
  push(arrived: ArrivedSend): void {
    const bytes = bytesOf(arrived.send);
    this.#sizes.set(arrived.send, bytes);
    this.#bytes += bytes;
    this.#reads.came();
    if (this.#deciding === undefined) this.#start(arrived);
    else this.#waiting.push(arrived);
  }

  /** Resolves when all have their results. */
  async settled(): Promise<void> {
    while (this.size > 0) await Promise.all([this.#deciding, ...this.#running]);
  }

  #start(arrived: ArrivedSend): void {
    this.#reads.begin();
    const waits = this.#decided(arrived);
    if (waits === undefined) return;
    this.#deciding = waits.then(() => {
      this.#deciding = undefined;
      while (this.#deciding === undefined) {
        const next = this.#waiting.shift();
        if (next === undefined) {
          this.#reads.clear();
          return;
        }
        this.#start(next);
      }
    });
  }

  /** A defect in a decision is the end of that send, not of those behind it. */
  #decided(arrived: ArrivedSend): Promise<void> | undefined {
    try {
      return this.#decide(arrived);
    } catch (error) {
      const { send } = arrived;
      this.#fail(send, laneKey(send), error);
      return undefined;
    }
  }

  /** Gives a promise when the next decision has to wait for it; it never rejects. */
  #decide(arrived: ArrivedSend): Promise<void> | undefined {
    const { send } = arrived;
    const flaw = flawOfSend(send);
    const lane = laneKey(send);
    if (flaw !== undefined) {
      this.#lanes.break(lane);
      const refusal = { code: 'send-malformed', message: flaw, retryable: false } as const;
      this.#settle(send, refusedResult(send.sendId.subarray(0, 64), refusal));
      return undefined;
    }
    const retryAfterMs = this.#ingress.takeSend(this.#sender, arrived.at);
    if (retryAfterMs > 0) {
      // Before anything is looked up, so that a flood costs next to nothing.
      this.#lanes.enter(lane, send.laneNo);
      this.#lanes.break(lane);
      const message = 'This device sends too fast: send the same again after the time given.';
      this.#settle(send, refusedResult(send.sendId, { code: 'rate-limited', message, retryable: true, retryAfterMs }));
      return undefined;
    }
    if (!this.#lanes.enter(lane, send.laneNo)) {
      const message = 'An earlier send of this lane was not accepted: settle it, then open a new lane.';
      this.#run(this.#refuseUnlessRecorded(arrived, { code: 'superseded', message, retryable: true }));
      return undefined;
    }
    const checked = this.#ingress.checkNow(arrived, this.#sender);
    if (checked === undefined || !checked.every(passed)) return this.#decideSlowly(arrived, lane, checked);
    const append = this.#ingress.prepare(send, this.#sender, checked);
    if (!append.sure) return this.#appendAlone(arrived, lane, checked, append);
    this.#track(send, this.#append(arrived, lane, checked, append));
    return undefined;
  }

  /** What was checked already is not checked again: a check takes from the limits. */
  async #decideSlowly(
    arrived: ArrivedSend,
    lane: string,
    known: readonly CheckedRecipient[] | undefined,
  ): Promise<void> {
    const { send } = arrived;
    try {
      const audience = known === undefined ? await this.#ingress.audienceOf(send) : 'all';
      if (audience !== 'all' && !audience.has(this.#sender.userId)) {
        this.#lanes.break(lane);
        const message = 'You are no member of this group (any more): read its log.';
        await this.#refuseUnlessRecorded(arrived, { code: 'group-unknown', message, retryable: false });
        return;
      }
      const checked = known ?? (await this.#ingress.check(arrived, this.#sender, audience, this.#reads));
      const append = this.#ingress.prepare(send, this.#sender, checked);
      if (checked.every(passed)) {
        await this.#appendAlone(arrived, lane, checked, append);
        return;
      }
      // Recorded first: what was accepted once stays accepted, whatever the list says now. The first one may still be on its way.
      await this.#appending.get(keyOf(send.sendId));
      const recorded = await this.#ingress.recorded(send.sendId, this.#sender);
      const fresh = append.recipients.length === 0 ? undefined : await this.#appendNow(send, lane, append);
      const results = [...(fresh?.results ?? []), ...(recorded?.results ?? [])];
      const times = recorded ?? fresh;
      this.#finish(send, lane, sendResult(send.sendId, checked, times && { ...times, results }));
    } catch (error) {
      await this.#refused(arrived, lane, error);
    }
  }

  /** Appends with nothing of this stream before or beside it, unless there turns out to be room for sure. */
  async #appendAlone(
    arrived: ArrivedSend,
    lane: string,
    checked: readonly CheckedRecipient[],
    append: PreparedAppend,
  ): Promise<void> {
    const { send } = arrived;
    try {
      await this.#ingress.refreshRooms(append);
    } catch (error) {
      this.#fail(send, lane, error);
      return;
    }
    if (this.#ingress.isSure(append)) {
      this.#track(send, this.#append(arrived, lane, checked, append));
      return;
    }
    await Promise.all(this.#appending.values());
    await this.#append(arrived, lane, checked, append);
  }

  async #append(
    arrived: ArrivedSend,
    lane: string,
    checked: readonly CheckedRecipient[],
    append: PreparedAppend,
  ): Promise<void> {
    const { send } = arrived;
    try {
      const receipt = await this.#appendNow(send, lane, append);
      this.#finish(send, lane, sendResult(send.sendId, checked, receipt));
    } catch (error) {
      await this.#refused(arrived, lane, error);
    }
  }

  #appendNow(send: Send, lane: string, append: PreparedAppend): Promise<MailReceipt> {
    const strict = send.groupId.length === 0;
    return this.#ingress.append(send.sendId, this.#sender, append, this.#lanes.orderOf(lane), strict);
  }

  /** What was accepted once stays accepted. */
  async #refuseUnlessRecorded(
    arrived: ArrivedSend,
    refusal: Refusal,
    // The send of which this may be a repetition may still be on its way. Nothing else is waited for: thousands may be superseded at once.
    first = this.#appending.get(keyOf(arrived.send.sendId)),
  ): Promise<void> {
    const { send } = arrived;
    try {
      await first;
      const recorded = await this.#ingress.recorded(send.sendId, this.#sender);
      if (recorded === undefined) {
        this.#settle(send, refusedResult(send.sendId, refusal));
        return;
      }
      const checked = await this.#ingress.check(arrived, this.#sender, await this.#ingress.audienceOf(send));
      this.#settle(send, sendResult(send.sendId, checked, recorded));
    } catch (error) {
      this.#fail(send, '', error);
    }
  }

  /** Whoever misses a group's message is given it by its sender apart: it holds up nobody else. */
  #finish(send: Send, lane: string, result: SendResultFields): void {
    if (send.groupId.length === 0 && !isAccepted(result)) this.#lanes.break(lane);
    this.#settle(send, result);
  }

  /** Behind one of its lane that was not accepted it is superseded, unless it was accepted before. */
  async #refused(arrived: ArrivedSend, lane: string, error: unknown): Promise<void> {
    if (!(error instanceof RelayError && error.code === 'superseded')) {
      this.#fail(arrived.send, lane, error);
      return;
    }
    this.#lanes.break(lane);
    await this.#refuseUnlessRecorded(arrived, error, Promise.resolve());
  }

  #fail(send: Send, lane: string, error: unknown): void {
    this.#lanes.break(lane);
    const known =
      error instanceof RelayError
        ? error
        : new RelayError('internal', 'Something went wrong in the relay: send the same again later.', {
            retryable: true,
            cause: error,
          });
    this.#settle(send, refusedResult(send.sendId, known));
  }

  /** What comes under the same send id meanwhile can wait for it. */
  #track(send: Send, append: Promise<void>): void {
    const key = keyOf(send.sendId);
    const before = this.#appending.get(key);
    const tracked: Promise<void> = (before === undefined ? append : Promise.all([before, append])).then(() => {
      if (this.#appending.get(key) === tracked) this.#appending.delete(key);
      this.#running.delete(tracked);
    });
    this.#appending.set(key, tracked);
    this.#running.add(tracked);
  }

  #settle(send: Send, result: SendResultFields): void {
    this.#bytes -= this.#sizes.get(send) ?? 0;
    this.#sizes.delete(send);
    this.#onResult(result);
  }

  #run(work: Promise<void>): void {
    const running: Promise<void> = work.then(() => {
      this.#running.delete(running);
    });
    this.#running.add(running);
  }
}

/** About what it takes up, whatever else is wrong with it. */
function bytesOf({ sharedCiphertext, recipients }: Send): number {
  let bytes = sharedCiphertext?.length ?? 0;
  for (const { devices } of recipients ?? []) {
    for (const { ciphertext } of devices ?? []) bytes += ciphertext?.length ?? 0;
  }
  return bytes;
}

function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function laneKey(send: Send): string {
  return send.lane.length === 0 ? '' : keyOf(send.lane);
}

function passed({ status }: CheckedRecipient): boolean {
  return status === RecipientStatus.RECIPIENT_STATUS_ACCEPTED;
}
