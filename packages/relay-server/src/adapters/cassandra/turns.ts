/**
 * Lets calls about the same thing run one after another, in the order in which they were made.
 *
 * Only this process's: between nodes the conditions of the writes decide. It spares the cluster conditional writes that would only get in each other's way.
 */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Runs `work` when all earlier calls with one of these keys are done. */
  take<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const before = keys.flatMap((key) => this.#last.get(key) ?? []);
    const outcome = before.length === 0 ? work() : Promise.all(before).then(work);
    const done: Promise<void> = outcome.then(nothing, nothing);
    for (const key of keys) this.#last.set(key, done);
    void done.then(() => {
      for (const key of keys) if (this.#last.get(key) === done) this.#last.delete(key);
    });
    return outcome;
  }
}

function nothing(): undefined {
  return undefined;
}
