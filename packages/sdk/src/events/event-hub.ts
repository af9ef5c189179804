import { EventEmitter } from 'eventemitter3';
import { clientStopped } from '../client-stopped.ts';
import type { Executor } from '../crypto/executor.ts';
import { checkOptions, demand, given, type OptionRules } from '../option-rules.ts';
import type { Clock } from '../ports/clock.ts';
import type { CursorRecord, EventRecord } from '../ports/event-records.ts';
import type { Store } from '../ports/store.ts';
import { SottoError } from '../sotto-error.ts';
import type { EventOf, EventType, SottoEvent, TransientEvent } from './event.ts';
import { EventConsumer } from './event-consumer.ts';
import { EventStream } from './event-stream.ts';
import { checkEventType } from './event-types.ts';
import { hydrate } from './hydrate.ts';

/** How to read events. */
export interface EventOptions {
  /** A consumer's own name, 1..100 characters: it goes on where it was, over restarts, and sees each event at least once. Without it: from now on. */
  readonly cursor?: string;
  readonly signal?: AbortSignal;
}

// A cursor has an error of its own.
const eventRules: OptionRules<EventOptions> = { cursor: given.anything, signal: given.signal };

/** How many events are kept behind the slowest consumer before old ones are removed. */
const keptBehind = 2_000;

/** How long a named consumer may be away before events that it has not seen are removed. */
const cursorsFor = 90 * 24 * 3_600_000;
/** How many of them are let go at a time; the others the next time. */
const mostExpired = 100;

/** The public events: streams over the durable change log, and listeners fed from one of them. */
export class EventHub {
  private readonly store: Store;
  private readonly executor: Executor;
  private readonly clock: Clock;
  private readonly onFailure: (error: unknown) => void;
  private readonly streams = new Set<EventStream>();
  private readonly emitter = new EventEmitter<Record<EventType, [SottoEvent]>>();
  private emitting: { readonly stream: EventStream; readonly done: Promise<void> } | undefined;
  private latest: number;
  private prunedUpTo: number;
  private closed = false;

  constructor(parts: {
    readonly store: Store;
    readonly executor: Executor;
    readonly clock: Clock;
    /** The highest changeSeq at the opening of the store. */
    readonly latest: number;
    /** The listeners of `on` can't be told of events any more: the store failed. */
    readonly onFailure: (error: unknown) => void;
  }) {
    this.store = parts.store;
    this.executor = parts.executor;
    this.clock = parts.clock;
    this.onFailure = parts.onFailure;
    this.latest = parts.latest;
    this.prunedUpTo = parts.latest;
  }

  /** Events were committed. */
  published(events: readonly EventRecord[]): void {
    this.latest = events.at(-1)?.changeSeq ?? this.latest;
    for (const stream of this.streams) stream.wake();
    if (this.latest - this.prunedUpTo > keptBehind) this.prune();
  }

  /** Tells listeners of now what nothing is kept of. */
  passing(event: TransientEvent): void {
    for (const stream of this.streams) stream.passing(event);
  }

  /**
   * Opens a stream of events.
   * @throws {SottoError} `argument-invalid`; from the first read: `cursor-invalid`, `cursor-expired`, `client-stopped`
   */
  events(options: EventOptions = {}): AsyncGenerator<SottoEvent, void, undefined> {
    checkOptions('events', options, eventRules);
    // Now, not at the first read: nothing that happens in between is missed.
    const opening = this.open(options);
    // The first read throws it, if there is one.
    opening.catch(() => undefined);
    const walking = this.walk(opening);
    // A generator that never began runs no finally: a stream that is given up unread is closed here.
    const end = walking.return.bind(walking);
    walking.return = async (value) => {
      await (await opening.catch(() => undefined))?.return();
      return end(value);
    };
    return walking;
  }

  private async *walk(opening: Promise<EventStream>): AsyncGenerator<SottoEvent, void, undefined> {
    const stream = await opening;
    try {
      yield* stream;
    } finally {
      await stream.return();
    }
  }

  /** Opens a stream at once, so that nothing after this call is missed. */
  async open(options: EventOptions): Promise<EventStream> {
    const { cursor, signal } = options;
    signal?.throwIfAborted();
    if (this.closed) throw clientStopped();
    if (cursor === undefined) return this.add(undefined, this.latest, signal);
    if (typeof cursor !== 'string' || cursor.length < 1 || cursor.length > 100) {
      throw cursorInvalid();
    }
    const position = await this.executor.run([`cursor:${cursor}`], async (overlay) => {
      const known = await overlay.get('cursor', { name: cursor });
      if (known?.expired) {
        overlay.delete('cursor', { name: cursor });
        return undefined;
      }
      const changeSeq = known?.changeSeq ?? this.latest;
      overlay.put('cursor', this.cursorAt(cursor, changeSeq));
      return changeSeq;
    });
    if (position === undefined) {
      throw new SottoError(
        'cursor-expired',
        'this consumer was away for more than 90 days, and events that it has not seen are gone: read the histories, then open it again; it begins now',
      );
    }
    const stream = this.add(cursor, position, signal);
    if (this.closed) stream.end();
    return stream;
  }

  /**
   * Opens a named consumer that says itself when an event is handled, so that it can have several in hand.
   * @throws {SottoError} `argument-invalid`, `cursor-invalid`, `cursor-expired`, `client-stopped`
   */
  async consume(options: EventOptions & { readonly cursor: string }): Promise<EventConsumer> {
    checkOptions('consume', options, eventRules);
    if (options.cursor === undefined) throw cursorInvalid();
    return new EventConsumer(await this.open(options));
  }

  /** Calls a listener for every event of a type from now on; gives how to end it. An error that it throws goes to the platform's handler of uncaught errors. */
  on<Type extends EventType>(type: Type, listener: (event: EventOf<Type>) => void): () => void {
    checkEventType(type);
    demand(typeof listener === 'function', 'give the function that is called with each event');
    // The emitter is fed by type, so the listener of a type gets events of that type.
    const call = listener as (event: SottoEvent) => void;
    this.emitter.on(type, call);
    if (!this.closed) this.emitting ??= this.emit();
    return () => {
      this.emitter.off(type, call);
    };
  }

  /** Lets go of consumers that were not seen for 90 days: they hold back what can be removed of the log. One that is read now is not among them. */
  async expireCursors(): Promise<void> {
    const now = this.clock.now();
    const before = now - cursorsFor;
    const reading = new Set([...this.streams].flatMap(({ cursor }) => cursor ?? []));
    for (const { name } of await this.store.idleCursors(before, mostExpired)) {
      await this.executor.run([`cursor:${name}`], async (overlay) => {
        const cursor = await overlay.get('cursor', { name });
        if (cursor === undefined || cursor.expired || cursor.usedAt >= before) return;
        // Of those that an earlier version left it is not known when they moved: their time begins now.
        const isUsed = cursor.usedAt === 0 || reading.has(name);
        overlay.put('cursor', isUsed ? { ...cursor, usedAt: now } : { ...cursor, expired: true });
      });
    }
  }

  /** Ends all streams with an error. */
  fail(error: unknown): void {
    for (const stream of this.streams) stream.end({ error });
  }

  /** Ends all streams; resolves when what their consumers handled is durable. */
  async stop(): Promise<void> {
    this.closed = true;
    for (const stream of this.streams) stream.end();
    await this.emitting?.done;
  }

  private emit(): { readonly stream: EventStream; readonly done: Promise<void> } {
    const stream = this.add(undefined, this.latest, undefined);
    const done = (async () => {
      for await (const event of stream) {
        for (const listener of this.emitter.listeners(event.type)) {
          try {
            listener(event);
          } catch (error) {
            queueMicrotask(() => {
              throw error;
            });
          }
        }
      }
    })();
    return { stream, done: done.catch((error: unknown) => this.onFailure(error)) };
  }

  private add(cursor: string | undefined, position: number, signal: AbortSignal | undefined): EventStream {
    let committed = position;
    let advancing: Promise<void> = Promise.resolve();
    const stream = new EventStream(
      {
        page: (after, limit) => this.store.events(after, limit),
        hydrate: (record) => hydrate(record.fact, this.store),
        handled: (changeSeq) => {
          // After stop() there is nothing to write to: the last event is seen once more next time.
          if (cursor === undefined || changeSeq === committed || this.closed) return;
          committed = changeSeq;
          advancing = this.executor
            .run([`cursor:${cursor}`], (overlay) => overlay.put('cursor', this.cursorAt(cursor, changeSeq)))
            .catch((error: unknown) => stream.end({ error }));
        },
        ended: async (ending) => {
          this.streams.delete(ending);
          await advancing;
        },
      },
      position,
      signal,
      cursor,
    );
    this.streams.add(stream);
    return stream;
  }

  private cursorAt(name: string, changeSeq: number): CursorRecord {
    return { name, changeSeq, usedAt: this.clock.now(), expired: false };
  }

  /** Removes what every consumer has seen. */
  private prune(): void {
    this.prunedUpTo = this.latest;
    const slowest = Math.min(this.latest, ...[...this.streams].map((stream) => stream.position));
    this.executor
      .run([], async (overlay) =>
        overlay.prune({ kind: 'event', before: Math.min(slowest, (await this.store.slowestCursor()) ?? slowest) }),
      )
      .catch((error: unknown) => {
        for (const stream of this.streams) stream.end({ error });
      });
  }
}

function cursorInvalid(): SottoError {
  return new SottoError('cursor-invalid', 'a cursor is a name of 1 to 100 characters');
}
