import type { Clock } from '../ports/clock.ts';
import type { NodeRefusal, NodeReply, NodeRequestOptions } from '../ports/node-link.ts';
import type { Timers } from '../ports/timers.ts';
import { longestTimerMs } from './longest-timer.ts';
import type { RequestRoom } from './request-room.ts';

/** What the requests to one node work with. */
export interface UnansweredParts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly room: RequestRoom;
  /** The asker gave up or its time is over: an unsent one must never leave, a sent one is cancelled. */
  readonly onGivenUp: (request: UnansweredRequest) => void;
  /** One has come to its end, whichever it was. */
  readonly onSettled: () => void;
}

/** One request that waits for its answer. */
export class UnansweredRequest {
  readonly id: number;
  readonly message: Uint8Array;
  readonly #clock: Clock;
  readonly #askedAt: number;
  readonly #timeoutMs: number;
  /** Set when its bytes leave: from then on nobody knows whether it arrived, until an answer says so. */
  isSent = false;

  constructor(id: number, message: Uint8Array, timeoutMs: number, clock: Clock) {
    this.id = id;
    this.message = message;
    this.#clock = clock;
    this.#askedAt = clock.now();
    this.#timeoutMs = timeoutMs;
  }

  /** What is left of its time, at least 1: that it is over is the asker's own timer to say, whatever the clock does. */
  remainingMs(): number {
    const passed = Math.max(0, this.#clock.now() - this.#askedAt);
    return Math.max(1, Math.ceil(this.#timeoutMs - passed));
  }
}

interface Waiting {
  readonly request: UnansweredRequest;
  readonly settle: (reply: NodeReply) => void;
}

/** The requests of this node to another that have no answer yet, with their time and their askers' patience. */
export class UnansweredRequests {
  readonly #parts: UnansweredParts;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(parts: UnansweredParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#waiting.size;
  }

  /** Has `send` take one on; resolves with what becomes of it. */
  ask(
    message: Uint8Array,
    { timeoutMs, signal }: NodeRequestOptions,
    send: (request: UnansweredRequest) => void,
  ): Promise<NodeReply> {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (!(timeoutMs > 0)) return Promise.resolve({ status: 'timed-out', mayHaveArrived: false });
    const { clock, timers, room } = this.#parts;
    if (!room.take(message.length)) return Promise.resolve({ status: 'overloaded', mayHaveArrived: false });
    const ms = Math.min(timeoutMs, longestTimerMs);
    const request = new UnansweredRequest(this.#freshId(), message, ms, clock);
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        cancelTimer();
        signal?.removeEventListener('abort', onAbort);
        this.#waiting.delete(request.id);
        room.give(message.length);
        end();
        this.#parts.onSettled();
      };
      const giveUp = (end: () => void) =>
        settle(() => {
          this.#parts.onGivenUp(request);
          end();
        });
      const onAbort = () => giveUp(() => reject(signal?.reason));
      const cancelTimer = timers.after(ms, () =>
        giveUp(() => resolve({ status: 'timed-out', mayHaveArrived: request.isSent })),
      );
      signal?.addEventListener('abort', onAbort);
      this.#waiting.set(request.id, { request, settle: (reply) => settle(() => resolve(reply)) });
      send(request);
    });
  }

  /** The other node answered; what nobody waits for any more is passed over. */
  answered(id: number, answer: Uint8Array): void {
    this.#waiting.get(id)?.settle({ status: 'answered', answer });
  }

  /** The other node refused. */
  refused(id: number, status: NodeRefusal): void {
    this.#waiting.get(id)?.settle({ status, mayHaveArrived: status === 'failed' });
  }

  /** Ends those that have left: the way to the other node broke. */
  endSent(status: NodeRefusal): void {
    for (const { request, settle } of [...this.#waiting.values()]) {
      if (request.isSent) settle({ status, mayHaveArrived: true });
    }
  }

  /** Ends all. What had not left never will: the owner has forgotten it before. */
  endAll(status: NodeRefusal): void {
    for (const { request, settle } of [...this.#waiting.values()]) settle({ status, mayHaveArrived: request.isSent });
  }

  #freshId(): number {
    do this.#lastId = (this.#lastId + 1) >>> 0;
    while (this.#waiting.has(this.#lastId));
    return this.#lastId;
  }
}
