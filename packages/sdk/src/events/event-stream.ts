import type { EventRecord } from '../ports/event-records.ts';
import type { SottoEvent, TransientEvent } from './event.ts';

const pageSize = 64;
/** How many things a consumer that does not read may be told of later. */
const mostTransient = 512;

/** What one consumer reads from. */
export interface EventSource {
  page(after: number, limit: number): Promise<readonly EventRecord[]>;
  hydrate(record: EventRecord): Promise<SottoEvent | undefined>;
  /** The consumer asked for the next event, so everything up to here was handled. */
  handled(changeSeq: number): void;
  /** The consumer is done; resolves when what it handled is durable. */
  ended(stream: EventStream): Promise<void>;
}

/** One consumer's walk through the change log: it reads when it is asked, so it can be slow without holding anything back. */
export class EventStream implements AsyncIterableIterator<SottoEvent> {
  /** The consumer's name, if it has one. */
  readonly cursor: string | undefined;
  /** Everything up to here was given out. */
  position: number;
  /** The consumer says itself what it has handled, by `handledUpTo`. */
  handledByHand = false;
  readonly #source: EventSource;
  readonly #signal: AbortSignal | undefined;
  #page: EventRecord[] = [];
  /** What was not read yet, by what it is about. */
  readonly #transient = new Map<string, TransientEvent>();
  #done = false;
  #failure: { readonly error: unknown } | undefined;
  #wakeUp: (() => void) | undefined;
  readonly #onAbort = () => this.wake();

  constructor(source: EventSource, position: number, signal: AbortSignal | undefined, cursor: string | undefined) {
    this.cursor = cursor;
    this.#source = source;
    this.position = position;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort);
  }

  /** There may be something new. */
  wake(): void {
    this.#wakeUp?.();
    this.#wakeUp = undefined;
  }

  /** Tells what is true for the moment; an earlier one about the same that was not read yet is forgotten, and of too many the oldest. */
  passing(event: TransientEvent): void {
    const about = 'userId' in event ? `${event.type}:${event.userId}` : event.type;
    this.#transient.delete(about);
    this.#transient.set(about, event);
    const [oldest] = this.#transient.keys();
    if (oldest !== undefined && this.#transient.size > mostTransient) this.#transient.delete(oldest);
    this.wake();
  }

  /** Ends the stream: the consumer's loop ends, or throws what is given. */
  end(failure?: { readonly error: unknown }): void {
    this.#done = true;
    this.#failure ??= failure;
    this.wake();
  }

  /** Everything up to here was handled. */
  handledUpTo(changeSeq: number): void {
    this.#source.handled(changeSeq);
  }

  async next(): Promise<IteratorResult<SottoEvent, undefined>> {
    if (!this.handledByHand) this.#source.handled(this.position);
    for (;;) {
      if (this.#signal?.aborted) {
        await this.#close();
        throw this.#signal.reason;
      }
      if (this.#done) return this.#finish();
      const event = await this.#read();
      if (event !== undefined) return { done: false, value: event };
    }
  }

  async return(): Promise<IteratorResult<SottoEvent, undefined>> {
    await this.#close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next event, or undefined after a wait or a fact that tells nothing any more. */
  async #read(): Promise<SottoEvent | undefined> {
    for (const [about, event] of this.#transient) {
      this.#transient.delete(about);
      return event;
    }
    // Made before the look, so that a wake during the look is not missed.
    const woken = new Promise<void>((resolve) => {
      this.#wakeUp = resolve;
    });
    if (this.#page.length === 0) this.#page = [...(await this.#source.page(this.position, pageSize))];
    const record = this.#page.shift();
    if (record === undefined) {
      await woken;
      return undefined;
    }
    this.position = record.changeSeq;
    return this.#source.hydrate(record);
  }

  async #finish(): Promise<IteratorResult<SottoEvent, undefined>> {
    await this.#close();
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure.error;
    return { done: true, value: undefined };
  }

  async #close(): Promise<void> {
    this.#done = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    await this.#source.ended(this);
  }
}
