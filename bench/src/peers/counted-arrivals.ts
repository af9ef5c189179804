/** Lets somebody wait until so many have arrived. */
export class CountedArrivals {
  #count = 0;
  #waits: { readonly count: number; readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  #failure: Error | undefined;

  get count(): number {
    return this.#count;
  }

  add(more: number): void {
    this.#count += more;
    for (const wait of this.#waits) if (wait.count <= this.#count) wait.resolve();
    this.#waits = this.#waits.filter(({ count }) => count > this.#count);
  }

  /** Nothing more will come: whoever waits is told, and whoever waits later is told the same. */
  fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waits.splice(0)) reject(error);
  }

  /** Resolves when so many in all have arrived. */
  until(count: number): Promise<void> {
    if (this.#count >= count) return Promise.resolve();
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => this.#waits.push({ count, resolve, reject }));
  }
}
