import type { RawData, WebSocket } from 'ws';
import type { Clock } from '../../ports/clock.ts';
import type { NodeReply, NodeRequestOptions } from '../../ports/node-link.ts';
import type { Randomness } from '../../ports/randomness.ts';
import type { CancelTimer, Timers } from '../../ports/timers.ts';
import { RequestRoom } from '../request-room.ts';
import { type UnansweredRequest, UnansweredRequests } from '../unanswered-requests.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { Fifo } from './fifo.ts';
import { FrameWriter, type LeavingFrame } from './frame-writer.ts';
import type { LinkSettings } from './link-settings.ts';
import type { DialedNode } from './node-dialer.ts';
import {
  cancelFrame,
  decodeNodeFrames,
  type NodeFrame,
  nodeFrameKind,
  refusalReasonOf,
  requestFrame,
  tellFrame,
} from './node-frames.ts';
import { WatchedSocket } from './watched-socket.ts';

/** What an `AskedNode` works with. */
export interface AskedNodeParts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly randomness: Randomness;
  readonly settings: LinkSettings;
  /** Begins a connection to the node. */
  readonly dial: () => DialedNode;
  /** Something has come to its end: a request, or the last tell that waited. */
  readonly onSettled: () => void;
  /** Nothing is known of the node that is worth keeping. */
  readonly onForgotten: () => void;
}

interface Tell {
  readonly message: Uint8Array;
}

/** The way to the other node: `resting` until it is needed, `waiting` before the next attempt, `refusing` while the breaker is open. */
type Way =
  | { readonly state: 'resting' | 'waiting' | 'refusing'; readonly cancelTimer: CancelTimer }
  | { readonly state: 'connecting'; readonly socket: WebSocket }
  | {
      readonly state: 'open';
      readonly socket: WebSocket;
      readonly writer: FrameWriter;
      readonly watched: WatchedSocket;
      readonly endsAt: number;
    }
  | { readonly state: 'ended' };

/**
 * One other node, as this one asks it: a queue, and the one connection that it leaves by.
 *
 * What waits in the queue has not left: it can be taken back, and is then not done. What was given to the connection may have arrived, and is never sent again.
 */
export class AskedNode {
  readonly #parts: AskedNodeParts;
  readonly #breaker: CircuitBreaker;
  readonly #room: RequestRoom;
  readonly #unanswered: UnansweredRequests;
  readonly #queue = new Fifo<UnansweredRequest | Tell>();
  readonly #cancels = new Fifo<number>();
  #way: Way;

  constructor(parts: AskedNodeParts) {
    this.#parts = parts;
    const { clock, timers, settings, onSettled } = parts;
    this.#breaker = new CircuitBreaker(settings, parts.randomness);
    this.#room = new RequestRoom(settings.mostRequests, settings.mostRequestBytes);
    this.#unanswered = new UnansweredRequests({
      clock,
      timers,
      room: this.#room,
      onGivenUp: (request) => this.#giveUp(request),
      onSettled,
    });
    this.#way = this.#rest();
  }

  /** Whether nothing waits, neither to leave nor for an answer. */
  get isIdle(): boolean {
    return this.#room.isEmpty;
  }

  request(message: Uint8Array, options: NodeRequestOptions): Promise<NodeReply> {
    if (this.#way.state === 'refusing') return Promise.resolve({ status: 'unreachable', mayHaveArrived: false });
    return this.#unanswered.ask(message, options, (request) => this.#enqueue(request));
  }

  tell(message: Uint8Array): void {
    if (this.#way.state === 'refusing' || !this.#room.take(message.length)) return;
    this.#enqueue({ message });
  }

  /** Once every `pingMs`. */
  tick(): void {
    if (this.#way.state !== 'open') return;
    // Whoever has no certificate any more is no node: a new connection shows whether it has another.
    if (this.#parts.clock.now() >= this.#way.endsAt) this.#way.socket.terminate();
    else this.#way.watched.tick();
  }

  /** Ends everything; gives the connection that is left to close, if there is one. */
  end(): WebSocket | undefined {
    const way = this.#way;
    this.#way = { state: 'ended' };
    if ('cancelTimer' in way) way.cancelTimer();
    this.#queue.clear();
    this.#unanswered.endAll('closed');
    return 'socket' in way ? way.socket : undefined;
  }

  #enqueue(entry: UnansweredRequest | Tell): void {
    this.#queue.add(entry);
    if (this.#way.state === 'open') this.#way.writer.wake();
    if (this.#way.state !== 'resting') return;
    this.#way.cancelTimer();
    this.#connect();
  }

  #giveUp(request: UnansweredRequest): void {
    if (this.#queue.delete(request) || this.#way.state !== 'open') return;
    this.#cancels.add(request.id);
    this.#way.writer.wake();
  }

  #connect(): void {
    const { timers, settings, dial } = this.#parts;
    const { socket, isGone, endsAt } = dial();
    const cancelTimer = timers.after(settings.connectMs, () => socket.terminate());
    this.#way = { state: 'connecting', socket };
    socket.on('open', () => {
      cancelTimer();
      if (this.#way.state !== 'connecting' || this.#way.socket !== socket) return;
      const writer = new FrameWriter(socket, () => this.#next());
      const watched = new WatchedSocket(socket, settings, () => this.#breaker.succeeded());
      this.#way = { state: 'open', socket, writer, watched, endsAt: endsAt() };
      writer.wake();
    });
    socket.on('message', (data: RawData, isBinary: boolean) => this.#receive(socket, data, isBinary));
    // A close follows every error.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      cancelTimer();
      if ('socket' in this.#way && this.#way.socket === socket) this.#lost(isGone());
    });
  }

  /** What leaves next: what was given up comes before what is asked. */
  #next(): LeavingFrame | undefined {
    const cancelled = this.#cancels.take();
    if (cancelled !== undefined) return { frame: cancelFrame(cancelled) };
    const entry = this.#queue.take();
    if (entry === undefined) return undefined;
    if ('isSent' in entry) {
      entry.isSent = true;
      return { frame: requestFrame(entry.id, entry.remainingMs(), entry.message) };
    }
    this.#give(entry);
    return { frame: tellFrame(entry.message) };
  }

  #give({ message }: Tell): void {
    this.#room.give(message.length);
    this.#parts.onSettled();
  }

  #receive(socket: WebSocket, data: RawData, isBinary: boolean): void {
    if (!('socket' in this.#way) || this.#way.socket !== socket) return;
    try {
      if (!isBinary || !Buffer.isBuffer(data)) throw new TypeError('only binary messages are taken');
      for (const frame of decodeNodeFrames(data)) this.#learn(frame);
    } catch {
      socket.terminate();
    }
  }

  #learn(frame: NodeFrame): void {
    if (frame.kind === nodeFrameKind.answer) this.#unanswered.answered(frame.id, frame.payload);
    else if (frame.kind === nodeFrameKind.refusal) this.#unanswered.refused(frame.id, refusalReasonOf(frame));
    else throw new TypeError('who is asked asks nothing');
  }

  /** The connection is no more, or never was. */
  #lost(isGone: boolean): void {
    const { timers } = this.#parts;
    const { isOpen, waitMs } = this.#breaker.failed(isGone);
    this.#cancels.clear();
    for (const entry of this.#queue) {
      if ('isSent' in entry) continue;
      this.#queue.delete(entry);
      this.#give(entry);
    }
    this.#way = {
      state: isOpen ? 'refusing' : 'waiting',
      cancelTimer: timers.after(waitMs, () => {
        if (this.#queue.size > 0) this.#connect();
        else this.#way = this.#rest();
      }),
    };
    if (isOpen) {
      this.#queue.clear();
      this.#unanswered.endAll('unreachable');
    } else this.#unanswered.endSent('unreachable');
  }

  #rest(): Way {
    const { timers, settings, onForgotten } = this.#parts;
    return { state: 'resting', cancelTimer: timers.after(settings.forgetMs, onForgotten) };
  }
}
