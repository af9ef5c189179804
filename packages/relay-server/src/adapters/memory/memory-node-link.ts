import type { Clock } from '../../ports/clock.ts';
import type { NodeHandler, NodeLink, NodeLinkLimits, NodeReply, NodeRequestOptions } from '../../ports/node-link.ts';
import type { Timers } from '../../ports/timers.ts';
import { Drain } from '../drain.ts';
import { type HandledOutcome, HandledRequests } from '../handled-requests.ts';
import { checkMessageSize } from '../node-link-limits.ts';
import { RequestRoom } from '../request-room.ts';
import { UnansweredRequests } from '../unanswered-requests.ts';

/** What a `MemoryNodeLink` asks of the network. */
interface Network {
  reaches(from: string, to: string): boolean;
  send(from: string, to: string, arrive: (link: MemoryNodeLink) => void): void;
  leave(node: string): void;
}

interface MemoryNodeLinkParts {
  readonly node: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly limits: NodeLinkLimits;
  readonly network: Network;
}

/** One node of a `MemoryNodeNetwork`. */
export class MemoryNodeLink implements NodeLink {
  readonly node: string;
  readonly #parts: MemoryNodeLinkParts;
  readonly #unanswered = new Map<string, UnansweredRequests>();
  readonly #handled = new Map<string, { readonly requests: HandledRequests; readonly room: RequestRoom }>();
  #handler: NodeHandler | undefined;
  #drain: Drain | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: MemoryNodeLinkParts) {
    this.node = parts.node;
    this.#parts = parts;
  }

  async request(node: string, message: Uint8Array, options: NodeRequestOptions): Promise<NodeReply> {
    const { limits, network } = this.#parts;
    checkMessageSize(message, limits);
    options.signal?.throwIfAborted();
    if (this.#closing !== undefined) return { status: 'closed', mayHaveArrived: false };
    if (!network.reaches(this.node, node)) return { status: 'unreachable', mayHaveArrived: false };
    return this.#requestsTo(node).ask(message, options, (request) => {
      request.isSent = true;
      const remainingMs = request.remainingMs();
      network.send(this.node, node, (link) => link.#requestsOf(this.node).take(request.id, message, remainingMs));
    });
  }

  tell(node: string, message: Uint8Array): void {
    const { limits, network } = this.#parts;
    checkMessageSize(message, limits);
    if (this.#closing !== undefined || !network.reaches(this.node, node)) return;
    network.send(this.node, node, (link) => link.#requestsOf(this.node).tell(message));
  }

  serve(handler: NodeHandler): void {
    this.#handler = handler;
  }

  close(): Promise<void> {
    this.#closing ??= this.#drained();
    return this.#closing;
  }

  /** @internal The way to another node broke. */
  lost(node: string): void {
    this.#handled.get(node)?.requests.end();
    this.#handled.delete(node);
    this.#unanswered.get(node)?.endSent('unreachable');
  }

  /** @internal This node is gone without a word. */
  die(): void {
    this.#closing ??= Promise.resolve();
    for (const { requests } of this.#handled.values()) requests.end();
    for (const requests of this.#unanswered.values()) requests.endAll('closed');
  }

  async #drained(): Promise<void> {
    const { timers, limits, network } = this.#parts;
    this.#drain = new Drain(timers, limits.drainMs, () => this.#isIdle());
    await this.#drain.over;
    network.leave(this.node);
    this.die();
  }

  #isIdle(): boolean {
    const isHandling = [...this.#handled.values()].some(({ room }) => !room.isEmpty);
    return !isHandling && [...this.#unanswered.values()].every(({ count }) => count === 0);
  }

  #requestsTo(node: string): UnansweredRequests {
    let requests = this.#unanswered.get(node);
    if (requests === undefined) {
      const { clock, timers, limits, network } = this.#parts;
      requests = new UnansweredRequests({
        clock,
        timers,
        room: new RequestRoom(limits.mostRequests, limits.mostRequestBytes),
        onGivenUp: ({ id }) => network.send(this.node, node, (link) => link.#requestsOf(this.node).cancel(id)),
        onSettled: () => this.#drain?.check(),
      });
      this.#unanswered.set(node, requests);
    }
    return requests;
  }

  #requestsOf(from: string): HandledRequests {
    let handled = this.#handled.get(from);
    if (handled === undefined) {
      const { timers, limits, network } = this.#parts;
      const room = new RequestRoom(limits.mostRequests, limits.mostRequestBytes);
      const requests = new HandledRequests({
        from,
        timers,
        room,
        mostAnswerBytes: limits.mostMessageBytes,
        handler: () => (this.#closing === undefined ? this.#handler : undefined),
        answer: (id, outcome, left) => {
          network.send(this.node, from, (link) => link.#learn(this.node, id, outcome));
          left();
        },
        onSettled: () => this.#drain?.check(),
      });
      handled = { requests, room };
      this.#handled.set(from, handled);
    }
    return handled.requests;
  }

  #learn(node: string, id: number, outcome: HandledOutcome): void {
    const requests = this.#unanswered.get(node);
    if (outcome.status === 'answered') requests?.answered(id, outcome.answer);
    else requests?.refused(id, outcome.status);
  }
}
