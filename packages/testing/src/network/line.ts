import type { Platform, SocketFactory } from '@sotto/sdk/ports';
import { lineFetch } from './line-fetch.ts';
import { LineSocket } from './line-socket.ts';
import type { LineParts, LineView } from './line-view.ts';
import type { Direction, LineState, MessageFate, RequestFate } from './network-fault.ts';

/** One user's way to the relay, with everything that can befall it. */
export class Line implements LineView {
  readonly sockets: SocketFactory;
  readonly fetch: Platform['fetch'];
  readonly parts: LineParts;
  readonly #open = new Set<LineSocket>();
  readonly #fates: Record<Direction, MessageFate[]> = { up: [], down: [] };
  readonly #requestFates: RequestFate[] = [];
  readonly #delays: Record<Direction, number> = { up: 0, down: 0 };
  #state: LineState = 'up';

  constructor(parts: LineParts) {
    this.parts = parts;
    this.fetch = lineFetch(this);
    this.sockets = {
      credential: 'header',
      open: (target, handlers) => {
        const socket: LineSocket = new LineSocket(this, target, handlers, () => this.#open.delete(socket));
        this.#open.add(socket);
        return socket;
      },
    };
  }

  get state(): LineState {
    return this.#state;
  }

  /** Breaks the connections that are open: both sides are told. New ones can be made. */
  cut(): void {
    for (const socket of [...this.#open]) socket.break();
  }

  /** Takes the line down: connections break, and none can be made. */
  goDown(): void {
    this.#state = 'down';
    this.cut();
  }

  /** From now on what is sent on connections that are open vanishes, both ways, and neither side is told; new ones can be made. */
  halfOpen(): void {
    for (const socket of this.#open) socket.detach();
    this.parts.witness('half-open');
  }

  /** Swallows everything from now on: open connections and new ones, streams and requests; nobody is told. */
  swallow(): void {
    this.#state = 'half-open';
    this.halfOpen();
  }

  /** Mends everything: up, no delay, no fate in store. Connections that were detached break. */
  heal(): void {
    this.#state = 'up';
    this.setDelay(0);
    this.#fates.up.length = 0;
    this.#fates.down.length = 0;
    this.#requestFates.length = 0;
    for (const socket of [...this.#open]) socket.heal();
  }

  /** The client is gone without a word: its connections break for the relay, and nobody listens at this end. */
  forget(): void {
    for (const socket of [...this.#open]) socket.forget();
    this.#open.clear();
  }

  /** How long each message takes, in milliseconds. */
  setDelay(ms: number, directions: readonly Direction[] = ['up', 'down']): void {
    for (const direction of directions) this.#delays[direction] = ms;
  }

  /** Decides what becomes of the next message in a direction; several calls decide for several messages. */
  next(direction: Direction, fate: MessageFate): void {
    this.#fates[direction].push(fate);
  }

  /** Decides what becomes of the next HTTP request. */
  nextRequest(fate: RequestFate): void {
    this.#requestFates.push(fate);
  }

  /** @internal */
  delayOf(direction: Direction): number {
    return this.#delays[direction];
  }

  /** @internal */
  fateOf(direction: Direction): MessageFate {
    const fate = this.#fates[direction].shift() ?? 'passed';
    this.parts.activity.note();
    this.parts.witness(fate === 'passed' ? direction : `${direction} ${fate}`);
    return fate;
  }

  /** @internal */
  fateOfRequest(): RequestFate {
    const fate = this.#requestFates.shift() ?? 'passed';
    this.parts.activity.note();
    this.parts.witness(fate === 'passed' ? 'request' : fate);
    return fate;
  }
}
