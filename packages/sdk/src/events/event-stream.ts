import type { EventRecord } from '../ports/event-records.ts';
import type { ConnectionChange, SottoEvent } from './event.ts';

const pageSize = 64;

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
  /** Everything up to here was given out. */
  position: number;
  private readonly source: EventSource;
  private readonly signal: AbortSignal | undefined;
  private page: EventRecord[] = [];
  private connection: ConnectionChange | undefined;
  private done = false;
  private failure: { readonly error: unknown } | undefined;
  private wakeUp: (() => void) | undefined;
  private readonly onAbort = () => this.wake();

  constructor(source: EventSource, position: number, signal: AbortSignal | undefined) {
    this.source = source;
    this.position = position;
    this.signal = signal;
    signal?.addEventListener('abort', this.onAbort);
  }

  /** There may be something new. */
  wake(): void {
    this.wakeUp?.();
    this.wakeUp = undefined;
  }

  /** Tells the state of the connection; an earlier one that was not read yet is forgotten. */
  connectionChanged(change: ConnectionChange): void {
    this.connection = change;
    this.wake();
  }

  /** Ends the stream: the consumer's loop ends, or throws what is given. */
  end(failure?: { readonly error: unknown }): void {
    this.done = true;
    this.failure ??= failure;
    this.wake();
  }

  async next(): Promise<IteratorResult<SottoEvent, undefined>> {
    this.source.handled(this.position);
    for (;;) {
      if (this.signal?.aborted) {
        await this.close();
        throw this.signal.reason;
      }
      if (this.done) return this.finish();
      const event = await this.read();
      if (event !== undefined) return { done: false, value: event };
    }
  }

  async return(): Promise<IteratorResult<SottoEvent, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next event, or undefined after a wait or a fact that tells nothing any more. */
  private async read(): Promise<SottoEvent | undefined> {
    if (this.connection !== undefined) {
      const change = this.connection;
      this.connection = undefined;
      return { type: 'connection.changed', ...change };
    }
    // Made before the look, so that a wake during the look is not missed.
    const woken = new Promise<void>((resolve) => {
      this.wakeUp = resolve;
    });
    if (this.page.length === 0) this.page = [...(await this.source.page(this.position, pageSize))];
    const record = this.page.shift();
    if (record === undefined) {
      await woken;
      return undefined;
    }
    this.position = record.changeSeq;
    return this.source.hydrate(record);
  }

  private async finish(): Promise<IteratorResult<SottoEvent, undefined>> {
    await this.close();
    const { failure } = this;
    this.failure = undefined;
    if (failure) throw failure.error;
    return { done: true, value: undefined };
  }

  private async close(): Promise<void> {
    this.done = true;
    this.signal?.removeEventListener('abort', this.onAbort);
    await this.source.ended(this);
  }
}
