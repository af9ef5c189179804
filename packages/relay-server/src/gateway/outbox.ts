import { type ServerFrameFields, ServerFrames } from '@sotto/proto';
import { endOfTurn, type Schedule } from '../platform/end-of-turn.ts';
import type { RelayStep, Tracer } from '../ports/tracer.ts';

/** What an outbox writes to. */
export interface OutboxSocket {
  send(bytes: Uint8Array, sent: (error?: Error) => void): void;
}

/** From here on a WebSocket message is closed and the next begun. */
const messageBytes = 64 * 1024;

/**
 * Frames that leave one stream: all that are queued in one turn of the event loop leave together, in messages of about 64 KiB.
 *
 * Encoding and system calls are dear by the message, not by the byte.
 */
export class Outbox {
  readonly #socket: OutboxSocket;
  readonly #tracer: Tracer;
  readonly #onSent: () => void;
  readonly #schedule: Schedule;
  #frames: ServerFrameFields[] = [];
  #steps: RelayStep[] = [];
  #bytes = 0;
  #scheduled = false;

  constructor(socket: OutboxSocket, tracer: Tracer, onSent: () => void, schedule: Schedule = endOfTurn) {
    this.#schedule = schedule;
    this.#socket = socket;
    this.#tracer = tracer;
    this.#onSent = onSent;
  }

  /** Bytes that wait for the end of the turn, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** `bytes` is about how large the frame is; `step` is reached when it has left. */
  queue(frame: ServerFrameFields, bytes: number, step?: RelayStep): void {
    if (this.#bytes > 0 && this.#bytes + bytes > messageBytes) this.flush();
    this.#frames.push(frame);
    if (step !== undefined) this.#steps.push(step);
    this.#bytes += bytes;
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Sends what waits now. */
  flush(): void {
    if (this.#frames.length === 0) return;
    const steps = this.#steps;
    const message = ServerFrames.encode({ frames: this.#frames });
    this.#frames = [];
    this.#steps = [];
    this.#bytes = 0;
    this.#socket.send(message, this.#onSent);
    for (const step of steps) this.#tracer.reached(step);
  }
}
