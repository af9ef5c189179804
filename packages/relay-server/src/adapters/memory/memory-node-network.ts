import type { Clock } from '../../ports/clock.ts';
import type { NodeLinkLimits } from '../../ports/node-link.ts';
import type { Timers } from '../../ports/timers.ts';
import { defaultNodeLinkLimits } from '../node-link-limits.ts';
import { MemoryNodeLine } from './memory-node-line.ts';
import { MemoryNodeLink } from './memory-node-link.ts';

/** What a `MemoryNodeNetwork` works with. */
export interface MemoryNodeNetworkOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly limits?: Partial<NodeLinkLimits>;
  /** How long nobody notices that a way swallows everything. */
  readonly silenceMs?: number;
}

/**
 * The network between nodes of one process, with everything that can befall it: the same calls give the same order of events, whatever the machine does.
 *
 * Without a delay a message arrives in a later microtask, in the order of the calls.
 */
export class MemoryNodeNetwork {
  readonly #options: MemoryNodeNetworkOptions;
  readonly #links = new Map<string, MemoryNodeLink>();
  readonly #lines = new Map<string, MemoryNodeLine>();
  readonly #broken = new Map<string, 'cut' | 'stalled'>();
  readonly #silenceMs: number;

  constructor(options: MemoryNodeNetworkOptions) {
    this.#options = options;
    this.#silenceMs = options.silenceMs ?? 6_000;
  }

  /** A node joins under a name that no other ever had. */
  open(node: string, limits: Partial<NodeLinkLimits> = {}): MemoryNodeLink {
    const { clock, timers } = this.#options;
    const link = new MemoryNodeLink({
      node,
      clock,
      timers,
      network: this,
      limits: { ...defaultNodeLinkLimits, ...this.#options.limits, ...limits },
    });
    this.#links.set(node, link);
    return link;
  }

  /** Breaks the way between two nodes: both know at once, what was on it never arrives, and there is none until it is healed. */
  cut(one: string, other: string): void {
    this.#broken.set(pair(one, other), 'cut');
    this.#break(one, other);
  }

  /** The way between two nodes swallows everything, and nobody knows for a while; then it is cut. */
  stall(one: string, other: string): void {
    const way = pair(one, other);
    this.#broken.set(way, 'stalled');
    this.#clear(one, other);
    this.#options.timers.after(this.#silenceMs, () => {
      if (this.#broken.get(way) === 'stalled') this.cut(one, other);
    });
  }

  /** There is a way again; what was swallowed is gone, so the nodes are told that the old one broke. */
  heal(one: string, other: string): void {
    const before = this.#broken.get(pair(one, other));
    this.#broken.delete(pair(one, other));
    if (before === 'stalled') this.#break(one, other);
  }

  /** How long messages take in one direction. */
  delay(from: string, to: string, ms: number): void {
    this.#line(from, to).delay(ms);
  }

  /** The next messages (requests, answers, words that something was given up) in one direction never arrive. */
  lose(from: string, to: string, count: number): void {
    this.#line(from, to).lose(count);
  }

  /** A node is gone without a word: whoever is connected to it notices at once. */
  crash(node: string): void {
    const link = this.#links.get(node);
    if (!this.#links.delete(node)) return;
    link?.die();
    for (const other of [...this.#links.keys()]) {
      this.#clear(node, other);
      this.#links.get(other)?.lost(node);
    }
  }

  /** @internal Whether a message from one would get under way to the other. */
  reaches(from: string, to: string): boolean {
    return this.#links.has(to) && this.#broken.get(pair(from, to)) !== 'cut';
  }

  /** @internal */
  send(from: string, to: string, arrive: (link: MemoryNodeLink) => void): void {
    if (this.#broken.has(pair(from, to))) return;
    this.#line(from, to).send(() => {
      const link = this.#links.get(to);
      if (link !== undefined) arrive(link);
    });
  }

  /** @internal A node takes its leave: whoever is connected to it notices behind what it said last. */
  leave(node: string): void {
    if (!this.#links.delete(node)) return;
    for (const other of [...this.#links.keys()]) {
      if (this.#broken.has(pair(node, other))) continue;
      this.#line(node, other).end(() => this.#links.get(other)?.lost(node));
    }
  }

  #break(one: string, other: string): void {
    this.#clear(one, other);
    this.#links.get(one)?.lost(other);
    this.#links.get(other)?.lost(one);
  }

  #clear(one: string, other: string): void {
    this.#line(one, other).clear();
    this.#line(other, one).clear();
  }

  #line(from: string, to: string): MemoryNodeLine {
    const key = `${from} ${to}`;
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = new MemoryNodeLine(this.#options.timers);
      this.#lines.set(key, line);
    }
    return line;
  }
}

/** Both directions of a way are one. */
function pair(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}
