/**
 * One run of a process, from its start to its end, however it ends.
 *
 * After the end nothing that was begun in it goes on: calls that were made through `guard` never come back, as they would not in a process that was killed.
 */
export class Life {
  #alive = true;

  get alive(): boolean {
    return this.#alive;
  }

  /** The process is gone. */
  end(): void {
    this.#alive = false;
  }

  /**
   * A stand-in for an object whose methods work for as long as this life lasts.
   * @param step told before and after each call; may end the life
   */
  guard<Target extends object>(target: Target, step: (name: string) => void): Target {
    return new Proxy(target, {
      get: (_, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function' || typeof name !== 'string') return member;
        return (...args: unknown[]) => this.#call(name, () => Reflect.apply(member, target, args), step);
      },
    });
  }

  #call(name: string, call: () => unknown, step: (name: string) => void): unknown {
    if (!this.#alive) return never();
    step(`${name}.before`);
    if (!this.#alive) return never();
    const result = call();
    if (!(result instanceof Promise)) {
      return typeof result === 'object' && result !== null ? this.guard(result, step) : result;
    }
    return result.then(
      (value) => {
        if (!this.#alive) return never();
        step(`${name}.after`);
        return this.#alive ? value : never();
      },
      (error: unknown) => {
        if (!this.#alive) return never();
        throw error;
      },
    );
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
