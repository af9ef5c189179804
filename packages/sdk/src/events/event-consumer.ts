import type { SottoEvent } from './event.ts';
import type { EventStream } from './event-stream.ts';

/** A named consumer that may have several events in hand: each is its own to be said `done`. */
export class EventConsumer implements AsyncIterableIterator<SottoEvent> {
  private readonly stream: EventStream;
  private readonly places = new WeakMap<SottoEvent, number>();
  /** Places of what was given out and is not done, ascending. */
  private readonly open = new Set<number>();
  private given: number;
  private told: number;

  constructor(stream: EventStream) {
    this.stream = stream;
    this.stream.handledByHand = true;
    this.given = stream.position;
    this.told = stream.position;
  }

  /** The next event. @throws {SottoError} `client-stopped`, or why the store failed; the signal's reason */
  async next(): Promise<IteratorResult<SottoEvent, undefined>> {
    const result = await this.stream.next();
    const { position } = this.stream;
    // What nothing is kept of has no place in the log.
    if (result.done !== true && position > this.given) {
      this.given = position;
      this.places.set(result.value, position);
      this.open.add(position);
    }
    return result;
  }

  /** This event was handled: it will not come again once all before it are handled, too. In any order; idempotent. */
  done(event: SottoEvent): void {
    const place = this.places.get(event);
    if (place === undefined || !this.open.delete(place)) return;
    const [oldest] = this.open;
    const upTo = oldest === undefined ? this.given : oldest - 1;
    if (upTo <= this.told) return;
    this.told = upTo;
    this.stream.handledUpTo(upTo);
  }

  /** Ends it; resolves when what was done is durable. */
  return(): Promise<IteratorResult<SottoEvent, undefined>> {
    return this.stream.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
