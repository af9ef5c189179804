import type { MessageFate } from './network-fault.ts';

/** What a `MessagePipe` asks about the line, and tells it. */
export interface PipeLine {
  /** What becomes of the next message. */
  fate(): MessageFate;
  /** How long a message takes, in milliseconds. */
  delayMs(): number;
  after(ms: number, run: () => void): () => void;
  /** A message was lost: the connection breaks. */
  lost(): void;
}

/** How long a message that is to be swapped waits for the one after it. */
const swapMs = 2_000;

/** One direction of one stream: whole messages, in their order unless their fate says otherwise. */
export class MessagePipe {
  readonly #line: PipeLine;
  readonly #deliver: (message: Uint8Array) => void;
  readonly #late: Uint8Array[] = [];
  #held: Uint8Array | undefined;
  #cancelHeld: (() => void) | undefined;
  #ended = false;

  constructor(line: PipeLine, deliver: (message: Uint8Array) => void) {
    this.#line = line;
    this.#deliver = deliver;
  }

  /** Bytes that are on their way. */
  get bytes(): number {
    return this.#late.reduce((sum, { length }) => sum + length, this.#held?.length ?? 0);
  }

  push(message: Uint8Array): void {
    if (this.#ended) return;
    const delay = this.#line.delayMs();
    // Nothing overtakes what is late.
    if (delay === 0 && this.#late.length === 0) {
      this.#arrive(message);
      return;
    }
    this.#late.push(message);
    this.#line.after(delay, () => this.#next());
  }

  /** Delivers everything that is on its way now. */
  flush(): void {
    while (this.#late.length > 0 && !this.#ended) this.#next();
    this.#releaseHeld();
  }

  /** Nothing arrives any more. */
  end(): void {
    this.#ended = true;
    this.#cancelHeld?.();
  }

  #next(): void {
    const message = this.#late.shift();
    if (message !== undefined && !this.#ended) this.#arrive(message);
  }

  #arrive(message: Uint8Array): void {
    const fate = this.#line.fate();
    if (fate === 'lost') {
      this.end();
      this.#line.lost();
      return;
    }
    if (fate === 'swapped' && this.#held === undefined) {
      this.#held = message;
      this.#cancelHeld = this.#line.after(swapMs, () => this.#releaseHeld());
      return;
    }
    this.#deliver(message);
    if (fate === 'twice' && !this.#ended) this.#deliver(message);
    this.#releaseHeld();
  }

  #releaseHeld(): void {
    const held = this.#held;
    this.#held = undefined;
    this.#cancelHeld?.();
    if (held !== undefined && !this.#ended) this.#deliver(held);
  }
}
