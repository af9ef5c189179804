/** Tells when rows of the outbox have left, to whoever waits for them: the relay has them, they failed, or nobody wants them any more. */
export class Departures {
  private readonly awaited = new Map<number, () => void>();

  /** Calls `onLeft` once this row has left. */
  await(row: number, onLeft: () => void): void {
    this.awaited.set(row, onLeft);
  }

  /** Nobody waits for it any more. */
  forget(row: number): void {
    this.awaited.delete(row);
  }

  /** A row is gone. */
  left(row: number): void {
    const tell = this.awaited.get(row);
    this.awaited.delete(row);
    tell?.();
  }
}
