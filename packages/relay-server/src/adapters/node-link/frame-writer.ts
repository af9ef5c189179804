import type { WebSocket } from 'ws';
import { endOfTurn, type Schedule } from '../../platform/end-of-turn.ts';
import { encodeNodeFrames, frameHeadBytes, type NodeFrame } from './node-frames.ts';

/** A frame that wants to leave. */
export interface LeavingFrame {
  readonly frame: NodeFrame;
  /** Called when the platform has taken its bytes; not when the connection broke before. */
  readonly left?: (() => void) | undefined;
}

/** From here on a message is closed and the next begun. */
export const batchBytes = 64 * 1024;
/** So much may wait in the socket; the rest waits with its owner, who can still take it back. */
const highWaterBytes = 1024 * 1024;

/** Writes the frames of one connection: what its owner has at the end of a turn leaves together, as fast as the other reads. */
export class FrameWriter {
  readonly #socket: WebSocket;
  readonly #next: () => LeavingFrame | undefined;
  readonly #schedule: Schedule;
  #isScheduled = false;

  /** `next` gives what is to leave next, once: what it gave has left as far as anybody knows. */
  constructor(socket: WebSocket, next: () => LeavingFrame | undefined, schedule: Schedule = endOfTurn) {
    this.#socket = socket;
    this.#next = next;
    this.#schedule = schedule;
  }

  /** Whether the other reads too slowly for what was written. */
  get isHeld(): boolean {
    return this.#socket.bufferedAmount >= highWaterBytes;
  }

  /** There is something to write. */
  wake(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#schedule(() => {
      this.#isScheduled = false;
      this.#write();
    });
  }

  #write(): void {
    while (this.#socket.readyState === this.#socket.OPEN && !this.isHeld) {
      const batch = this.#batch();
      if (batch.length === 0) return;
      const message = encodeNodeFrames(batch.map(({ frame }) => frame));
      this.#socket.send(message, { binary: true }, (error) => {
        if (error !== undefined && error !== null) return;
        for (const { left } of batch) left?.();
        this.wake();
      });
    }
  }

  #batch(): LeavingFrame[] {
    const batch: LeavingFrame[] = [];
    let bytes = 0;
    while (bytes < batchBytes) {
      const leaving = this.#next();
      if (leaving === undefined) break;
      batch.push(leaving);
      bytes += frameHeadBytes + leaving.frame.payload.length;
    }
    return batch;
  }
}
