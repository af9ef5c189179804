import type { RawData, WebSocket } from 'ws';
import type { Clock } from '../../ports/clock.ts';
import type { NodeHandler } from '../../ports/node-link.ts';
import type { Timers } from '../../ports/timers.ts';
import { type HandledOutcome, HandledRequests } from '../handled-requests.ts';
import { RequestRoom } from '../request-room.ts';
import { Fifo } from './fifo.ts';
import { FrameWriter, type LeavingFrame } from './frame-writer.ts';
import type { LinkSettings } from './link-settings.ts';
import { answerFrame, decodeNodeFrames, type NodeFrame, nodeFrameKind, refusalFrame } from './node-frames.ts';
import { WatchedSocket } from './watched-socket.ts';

/** What a `ServedNode` works with. */
export interface ServedNodeParts {
  readonly from: string;
  readonly socket: WebSocket;
  /** When the certificate ends that it has shown. */
  readonly endsAt: number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly settings: LinkSettings;
  readonly handler: () => NodeHandler | undefined;
  readonly onSettled: () => void;
  readonly onBroken: () => void;
  readonly onEnded: () => void;
}

/** One connection of another node, which asks over it. */
export class ServedNode {
  readonly #parts: ServedNodeParts;
  readonly #room: RequestRoom;
  readonly #requests: HandledRequests;
  readonly #writer: FrameWriter;
  readonly #watched: WatchedSocket;
  readonly #leaving = new Fifo<LeavingFrame>();
  #isEnded = false;

  constructor(parts: ServedNodeParts) {
    this.#parts = parts;
    const { from, socket, timers, settings, handler, onSettled } = parts;
    this.#room = new RequestRoom(settings.mostRequests, settings.mostRequestBytes);
    this.#requests = new HandledRequests({
      from,
      timers,
      room: this.#room,
      mostAnswerBytes: settings.mostMessageBytes,
      handler,
      answer: (id, outcome, left) => this.#answer(id, outcome, left),
      onSettled,
    });
    this.#writer = new FrameWriter(socket, () => this.#leaving.take());
    this.#watched = new WatchedSocket(socket, settings);
    socket.on('message', (data: RawData, isBinary: boolean) => this.#receive(data, isBinary));
    // A close follows every error.
    socket.on('error', () => undefined);
    socket.on('close', () => this.end());
  }

  get socket(): WebSocket {
    return this.#parts.socket;
  }

  /** Whether nothing is being handled and every answer has left. */
  get isIdle(): boolean {
    return this.#room.isEmpty;
  }

  /** Once every `pingMs`. */
  tick(): void {
    if (this.#parts.clock.now() >= this.#parts.endsAt) this.socket.terminate();
    else this.#watched.tick();
  }

  /** Ends what it asked for: nothing of this connection is heard any more. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#requests.end();
    this.#parts.onEnded();
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#isEnded) return;
    try {
      if (!isBinary || !Buffer.isBuffer(data)) throw new TypeError('only binary messages are taken');
      for (const frame of decodeNodeFrames(data)) this.#handle(frame);
    } catch {
      this.#parts.onBroken();
      this.end();
      this.socket.terminate();
    }
  }

  #handle({ kind, id, value, payload }: NodeFrame): void {
    if (kind === nodeFrameKind.request) {
      if (this.#requests.has(id)) throw new TypeError('this id is being answered');
      this.#requests.take(id, payload, value);
    } else if (kind === nodeFrameKind.tell) this.#requests.tell(payload);
    else if (kind === nodeFrameKind.cancel) this.#requests.cancel(id);
    else throw new TypeError('who asks answers nothing');
  }

  #answer(id: number, outcome: HandledOutcome, left: () => void): void {
    const frame = outcome.status === 'answered' ? answerFrame(id, outcome.answer) : refusalFrame(id, outcome.status);
    this.#leaving.add({ frame, left });
    // Answers are bounded by the room that they hold until they have left, refusals by this.
    const isTooSlow = this.#writer.isHeld && this.#leaving.size > 2 * this.#parts.settings.mostRequests;
    if (isTooSlow) this.socket.terminate();
    else this.#writer.wake();
  }
}
