import { clientStopped } from '../client-stopped.ts';
import type { Change } from '../ports/changes.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventRecord } from '../ports/event-records.ts';
import type { Store, StoreOpening } from '../ports/store.ts';
import type { ClientStep, Tracer } from '../ports/tracer.ts';
import { type NumberSource, type Overlay, RecordOverlay } from './overlay.ts';
import { RecordCache } from './record-cache.ts';

/** Steps to tell the tracer around the commit that holds an operation. */
export interface CommitSteps {
  readonly before?: ClientStep;
  readonly after?: ClientStep;
}

/** How an operation is run. */
export interface RunOptions extends CommitSteps {
  /** In a commit of its own: what it asks the store for, past its overlay, holds all that came before it, and what comes after sees what it did. */
  readonly alone?: boolean;
}

/** The one way to write: operations under ordered locks, a commit a batch. */
export interface Executor {
  /**
   * Runs an operation alone among all that share one of its locks, in the order of the calls; resolves after the commit that holds its changes.
   *
   * An operation that throws drops its changes, and only its own. If the commit fails all operations of the batch fail and nothing is kept. Operations must not wait for the network, nor for other operations.
   * @throws {SottoError} `client-stopped`, or what the store throws
   */
  run<T>(locks: readonly string[], operation: (overlay: Overlay) => Promise<T> | T, options?: RunOptions): Promise<T>;
}

interface Waiting {
  readonly locks: readonly string[];
  readonly steps: CommitSteps;
  readonly alone: boolean;
  /** Runs on an overlay of its own; gives how to tell the caller, or undefined when the caller was told of a failure. */
  perform(batch: RecordOverlay): Promise<(() => void) | undefined>;
  fail(error: unknown): void;
}

const largestBatch = 256;

/** The executor of one open store. */
export class StoreExecutor implements Executor {
  private readonly store: Store;
  private readonly cache: RecordCache;
  private readonly ownerEpoch: number;
  private readonly clock: Clock;
  private readonly tracer: Tracer;
  private readonly numbers: NumberSource;
  private readonly onEvents: (events: readonly EventRecord[]) => void;
  private waiting: Waiting[] = [];
  private working: Promise<void> | undefined;
  private closed = false;
  private changeSeq: number;

  constructor(parts: {
    readonly store: Store;
    readonly opening: StoreOpening;
    readonly clock: Clock;
    readonly tracer: Tracer;
    /** Called after the commit with the events that it made, in order. */
    readonly onEvents: (events: readonly EventRecord[]) => void;
  }) {
    this.store = parts.store;
    this.cache = new RecordCache(parts.store);
    this.ownerEpoch = parts.opening.ownerEpoch;
    this.clock = parts.clock;
    this.tracer = parts.tracer;
    this.onEvents = parts.onEvents;
    this.changeSeq = parts.opening.counters.changeSeq;
    let { position, outbox } = parts.opening.counters;
    this.numbers = { nextPosition: () => ++position, nextOutboxId: () => ++outbox };
  }

  run<T>(
    locks: readonly string[],
    operation: (overlay: Overlay) => Promise<T> | T,
    { alone = false, ...steps }: RunOptions = {},
  ): Promise<T> {
    if (this.closed) {
      return Promise.reject(clientStopped());
    }
    return new Promise<T>((resolve, reject) => {
      this.waiting.push({
        locks,
        steps,
        alone,
        async perform(batch) {
          try {
            const overlay = new RecordOverlay(batch, batch);
            const result = await operation(overlay);
            batch.merge(overlay);
            return () => resolve(result);
          } catch (error) {
            reject(error);
            return undefined;
          }
        },
        fail: reject,
      });
      this.working ??= Promise.resolve().then(() => this.work());
    });
  }

  /** Whether operations are under way or wait for their turn. */
  get busy(): boolean {
    return this.working !== undefined;
  }

  /** Finishes what was asked for, then refuses everything. Idempotent. */
  async stop(): Promise<void> {
    this.closed = true;
    await this.working;
  }

  private async work(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.nextBatch();
      this.waiting = this.waiting.slice(batch.length);
      await this.commitBatch(batch);
    }
    this.working = undefined;
  }

  private nextBatch(): readonly Waiting[] {
    const batch = this.waiting.slice(0, largestBatch);
    const lone = batch.findIndex(({ alone }) => alone);
    return lone < 0 ? batch : batch.slice(0, Math.max(lone, 1));
  }

  private async commitBatch(operations: readonly Waiting[]): Promise<void> {
    const overlay = new RecordOverlay(this.cache, this.numbers);
    const settled = await this.performAll(operations, overlay);
    const done = operations.filter((_, at) => settled[at] !== undefined);
    try {
      const { changes, facts } = overlay.collected();
      const at = this.clock.now();
      const events = facts.map((fact): EventRecord => ({ changeSeq: ++this.changeSeq, at, fact }));
      if (changes.length + events.length > 0) {
        for (const { steps } of done) if (steps.before) this.tracer.reached(steps.before);
        await this.commit([...changes, ...events.map(eventChange)]);
        for (const { steps } of done) if (steps.after) this.tracer.reached(steps.after);
      }
      for (const tell of settled) tell?.();
      if (events.length > 0) this.onEvents(events);
    } catch (error) {
      for (const operation of done) operation.fail(error);
    }
  }

  private async commit(changes: readonly Change[]): Promise<void> {
    try {
      await this.store.commit(changes, this.ownerEpoch);
    } catch (error) {
      // It may have been written all the same.
      this.cache.clear();
      throw error;
    }
    this.cache.committed(changes);
  }

  /** Each operation starts when all earlier ones with a lock of its own have ended. */
  private performAll(operations: readonly Waiting[], overlay: RecordOverlay): Promise<((() => void) | undefined)[]> {
    const lastWith = new Map<string, Promise<unknown>>();
    return Promise.all(
      operations.map((operation) => {
        const earlier = operation.locks.flatMap((lock) => lastWith.get(lock) ?? []);
        const performed =
          earlier.length === 0
            ? operation.perform(overlay)
            : Promise.all(earlier).then(() => operation.perform(overlay));
        for (const lock of operation.locks) lastWith.set(lock, performed);
        return performed;
      }),
    );
  }
}

function eventChange(record: EventRecord): Change {
  return { type: 'put', kind: 'event', record };
}
