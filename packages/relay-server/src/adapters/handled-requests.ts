import type { NodeHandler } from '../ports/node-link.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import { longestTimerMs } from './longest-timer.ts';
import type { RequestRoom } from './request-room.ts';

/** What another node is told about a request of its. */
export type HandledOutcome =
  | { readonly status: 'answered'; readonly answer: Uint8Array }
  | { readonly status: 'unreachable' | 'overloaded' | 'failed' };

/** What the requests of one node work with. */
export interface HandledParts {
  readonly from: string;
  readonly timers: Timers;
  readonly room: RequestRoom;
  readonly mostAnswerBytes: number;
  /** Who answers now; nobody before the link serves and after it began to close. */
  readonly handler: () => NodeHandler | undefined;
  /** Sends an outcome; `left` is called when it is off our hands. */
  readonly answer: (id: number, outcome: HandledOutcome, left: () => void) => void;
  /** One has come to its end, whichever it was. */
  readonly onSettled: () => void;
}

interface Call {
  readonly controller: AbortController;
  readonly cancelTimer: CancelTimer;
}

/** The requests and tells of one other node that are being handled here. */
export class HandledRequests {
  readonly #parts: HandledParts;
  readonly #calls = new Map<number, Call>();
  readonly #tells = new Set<AbortController>();
  #isEnded = false;

  constructor(parts: HandledParts) {
    this.#parts = parts;
  }

  /** Whether this id is being answered: no other request may have it. */
  has(id: number): boolean {
    return this.#calls.has(id);
  }

  /** Hands a request to the handler before it returns, so that their order is kept. */
  take(id: number, message: Uint8Array, remainingMs: number): void {
    const { room, timers, answer } = this.#parts;
    const handler = this.#parts.handler();
    if (handler === undefined || !room.take(message.length)) {
      answer(id, { status: handler === undefined ? 'unreachable' : 'overloaded' }, ignore);
      return;
    }
    const controller = new AbortController();
    const call: Call = {
      controller,
      cancelTimer: timers.after(Math.min(remainingMs, longestTimerMs), () => controller.abort(givenUp())),
    };
    this.#calls.set(id, call);
    const left = () => {
      room.give(message.length);
      this.#parts.onSettled();
    };
    void this.#outcome(handler, message, controller.signal).then((outcome) => {
      call.cancelTimer();
      if (this.#calls.get(id) === call) this.#calls.delete(id);
      if (this.#isEnded || controller.signal.aborted) left();
      else answer(id, outcome, left);
    });
  }

  /** Hands a tell to the handler before it returns; drops it where a request would be refused. */
  tell(message: Uint8Array): void {
    const { room } = this.#parts;
    const handler = this.#parts.handler();
    if (handler === undefined || !room.take(message.length)) return;
    const controller = new AbortController();
    this.#tells.add(controller);
    void this.#outcome(handler, message, controller.signal).then(() => {
      this.#tells.delete(controller);
      room.give(message.length);
      this.#parts.onSettled();
    });
  }

  /** The asker gave up. Its id is free again, its room only when the handler has come to an end. */
  cancel(id: number): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (call !== undefined) giveUp(call);
  }

  /** The asker is gone, or this link is: all signals end, nothing is answered any more. */
  end(): void {
    this.#isEnded = true;
    const [calls, tells] = [[...this.#calls.values()], [...this.#tells]];
    this.#calls.clear();
    this.#tells.clear();
    for (const call of calls) giveUp(call);
    for (const controller of tells) controller.abort(givenUp());
  }

  async #outcome(handler: NodeHandler, message: Uint8Array, signal: AbortSignal): Promise<HandledOutcome> {
    try {
      const answer = await handler(this.#parts.from, message, { signal });
      return answer.length > this.#parts.mostAnswerBytes ? { status: 'failed' } : { status: 'answered', answer };
    } catch {
      // The asker is told that it failed and no more: what was thrown is the handler's own to log.
      return { status: 'failed' };
    }
  }
}

function ignore(): undefined {
  return undefined;
}

function giveUp({ controller, cancelTimer }: Call): void {
  cancelTimer();
  controller.abort(givenUp());
}

function givenUp(): DOMException {
  return new DOMException('The node that asked waits no longer.', 'AbortError');
}
