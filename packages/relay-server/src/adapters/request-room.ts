/** What may be under way between two nodes, in one direction. */
export class RequestRoom {
  readonly #most: number;
  readonly #mostBytes: number;
  #count = 0;
  #bytes = 0;

  constructor(most: number, mostBytes: number) {
    this.#most = most;
    this.#mostBytes = mostBytes;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Takes room for one message, or takes nothing and says so. */
  take(bytes: number): boolean {
    if (this.#count >= this.#most || this.#bytes + bytes > this.#mostBytes) return false;
    this.#count++;
    this.#bytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#count--;
    this.#bytes -= bytes;
  }
}
