/** One append's place in several queues. */
export interface AppendTurn {
  /** Resolves when all that came before in any of the queues have left them. */
  readonly ready: Promise<void>;
  leave(): void;
}

/**
 * Queues of appends, by key: whoever has the same key goes in the order of the calls, whatever each has to wait for in between.
 *
 * A place is taken in all queues at once, so that nobody waits for somebody who came later.
 */
export class AppendTurns<Key> {
  readonly #last = new Map<Key, Promise<void>>();

  enter(keys: readonly Key[]): AppendTurn {
    const before = keys.flatMap((key) => this.#last.get(key) ?? []);
    let leave = (): void => undefined;
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    for (const key of keys) this.#last.set(key, left);
    return {
      ready: Promise.all(before).then(() => undefined),
      leave: () => {
        leave();
        for (const key of keys) if (this.#last.get(key) === left) this.#last.delete(key);
      },
    };
  }
}
