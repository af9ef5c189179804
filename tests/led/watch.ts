/** Conditions that are looked at again whenever something was heard: a test waits for what happens, never for time. */
export class Watch {
  readonly #checks = new Set<() => void>();

  /** Something happened: every condition that is waited for is looked at again. */
  changed(): void {
    for (const check of [...this.#checks]) check();
  }

  /** Resolves as soon as the condition holds; rejects when it throws. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = () => {
        try {
          if (!condition()) return;
          resolve();
        } catch (error) {
          reject(error);
        }
        this.#checks.delete(check);
      };
      this.#checks.add(check);
      check();
    });
  }
}
