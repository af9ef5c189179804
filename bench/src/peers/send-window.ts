import { CountedArrivals } from './counted-arrivals.ts';

/** Writes the sends of one call with these numbers, `from` included, `to` not: the first of a call is 0. */
export type WriteSends = (from: number, to: number) => void;

/** Has sends written as fast as they are confirmed, so that never more than so many are unconfirmed. */
export class SendWindow {
  readonly #confirmed = new CountedArrivals();
  #sent = 0;
  #fill: () => void = () => undefined;

  /** How many were confirmed, in all. */
  get confirmed(): number {
    return this.#confirmed.count;
  }

  /** So many more were confirmed. */
  confirm(more: number): void {
    this.#confirmed.add(more);
    this.#fill();
  }

  /** No more will be confirmed. */
  fail(error: Error): void {
    this.#confirmed.fail(error);
  }

  /** Has `count` sends written, of which at most `window` are unconfirmed at a time; resolves when all are confirmed. One call at a time. */
  async send(count: number, window: number, write: WriteSends): Promise<void> {
    const before = this.#sent;
    this.#fill = () => {
      const from = this.#sent;
      this.#sent = Math.max(from, Math.min(before + count, this.confirmed + window));
      if (this.#sent > from) write(from - before, this.#sent - before);
    };
    this.#fill();
    await this.#confirmed.until(before + count);
    this.#fill = () => undefined;
  }
}
