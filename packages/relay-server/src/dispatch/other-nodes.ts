import type { Clock } from '../ports/clock.ts';
import type { Nodes } from '../ports/nodes.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import type { NodeFailure } from './node-failure.ts';

/** How often a node says that it is up, and looks who else is. */
const announceMs = 10_000;
/** How long that is believed: two words may be lost. */
const believedMs = 35_000;

/** What `OtherNodes` works with. */
export interface OtherNodesParts {
  readonly nodes: Nodes;
  /** The own name. */
  readonly node: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly failed: (event: NodeFailure, error: unknown) => void;
}

/** The other nodes of the cluster, as far as is known, and what they know of this one. */
export class OtherNodes {
  readonly #parts: OtherNodesParts;
  /** What was read last: better than nothing when it can't be read. */
  #known: readonly string[] = [];
  #cancelTicks: CancelTimer | undefined;
  #announcing: Promise<void> = Promise.resolve();

  constructor(parts: OtherNodesParts) {
    this.#parts = parts;
  }

  /** Says that this node is up, from now on; when that fails, nobody goes on believing it. @throws {RelayError} when nobody can be told, or asked */
  async start(): Promise<void> {
    const { timers, failed } = this.#parts;
    try {
      await this.#announce();
    } catch (error) {
      // The word may have been taken all the same.
      await this.#leave();
      throw error;
    }
    this.#cancelTicks = timers.every(announceMs, () => {
      this.#announcing = this.#announcing
        .then(() => this.#announce())
        .catch((error: unknown) => failed('nodes.announce-failed', error));
    });
  }

  /** Those that are up now, or were when that could be read last. */
  async names(): Promise<readonly string[]> {
    try {
      await this.#read();
    } catch (error) {
      this.#parts.failed('nodes.read-failed', error);
    }
    return this.#known;
  }

  /** Takes leave. Idempotent. */
  async stop(): Promise<void> {
    if (this.#cancelTicks === undefined) return;
    this.#cancelTicks();
    this.#cancelTicks = undefined;
    await this.#announcing;
    await this.#leave();
  }

  async #leave(): Promise<void> {
    const { nodes, node, failed } = this.#parts;
    await nodes.leave(node).catch((error: unknown) => failed('nodes.announce-failed', error));
  }

  async #announce(): Promise<void> {
    const { nodes, node, clock } = this.#parts;
    await nodes.announce(node, clock.now() + believedMs);
    await this.#read();
  }

  async #read(): Promise<void> {
    const { nodes, node, clock } = this.#parts;
    this.#known = await nodes.others(node, clock.now());
  }
}
