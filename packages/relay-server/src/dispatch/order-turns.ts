import type { MailOrder } from '../ports/mailbox.ts';

/** One append's place in its order. */
export interface OrderTurn {
  /** Resolves when the one before is in the log's hands, if it goes to the same place there, or else when it is durable. */
  readonly ready: Promise<void>;
  /** It is in the log's hands. */
  issued(): void;
  /** It is durable, or will not be. */
  leave(): void;
}

interface Last {
  readonly place: string | undefined;
  readonly issued: Promise<void>;
  readonly left: Promise<void>;
}

/**
 * The appends of each order, one behind the other.
 *
 * The log keeps what goes to one of its places in order, and nothing behind what it did not keep, so that these need not wait until what is before them is durable.
 */
export class OrderTurns {
  readonly #last = new Map<MailOrder, Last>();

  /** @param place where it goes in the log; `undefined`: to several */
  enter(order: MailOrder, place: string | undefined): OrderTurn {
    const before = this.#last.get(order);
    const isBehind = place !== undefined && before?.place === place;
    const issued = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const mine: Last = { place, issued: issued.promise, left: left.promise };
    this.#last.set(order, mine);
    return {
      ready: (isBehind ? before?.issued : before?.left) ?? Promise.resolve(),
      issued: () => issued.resolve(),
      leave: () => {
        issued.resolve();
        left.resolve();
        if (this.#last.get(order) === mine) this.#last.delete(order);
      },
    };
  }
}
