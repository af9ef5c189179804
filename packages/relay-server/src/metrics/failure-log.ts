import { type NodeFailure, nodeFailures } from '../dispatch/node-failure.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Counter, Metrics } from '../ports/metrics.ts';
import { RelayError } from '../relay-error.ts';

/** How long nothing more is said of an event that was told. */
const quietMs = 60_000;

/** What a `FailureLog` works with. */
export interface FailureLogParts {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

interface Event {
  readonly counter: Counter;
  toldAt: number | undefined;
  /** How often it came since. */
  untold: number;
}

/**
 * Tells operators what goes wrong behind the mail of a node: all of it is counted, and each event is logged when it comes, but no more than once a minute, with how often it came since: an engine that is down fails every message.
 */
export class FailureLog {
  readonly #parts: FailureLogParts;
  readonly #events: ReadonlyMap<NodeFailure, Event>;

  constructor(parts: FailureLogParts) {
    this.#parts = parts;
    const names = Object.keys(nodeFailures) as NodeFailure[];
    this.#events = new Map(
      names.map((name) => {
        const counter = parts.metrics.counter(
          `relay_cluster_${name.replaceAll(/[.-]/g, '_')}_total`,
          `How often a node of the cluster had ${name}`,
        );
        return [name, { counter, toldAt: undefined, untold: 0 }];
      }),
    );
  }

  failed(name: NodeFailure, error: unknown): void {
    const { logger, clock } = this.#parts;
    const event = this.#events.get(name);
    if (event === undefined) return;
    event.counter.add(1);
    event.untold++;
    const now = clock.now();
    // A clock that was set back keeps nothing quiet for longer.
    if (event.toldAt !== undefined && now >= event.toldAt && now - event.toldAt < quietMs) return;
    const fields = { code: error instanceof RelayError ? error.code : 'internal', count: event.untold };
    event.toldAt = now;
    event.untold = 0;
    logger[nodeFailures[name]](name, fields);
  }
}
