/** How a row has left: the relay has it, or never will, since it failed or nobody wants it any more. */
export type Departure = 'taken' | 'gone';

/** Tells when rows of the outbox have left, and how, to whoever waits for them. */
export class Departures {
  private readonly awaited = new Map<number, (how: Departure) => void>();

  /** Calls `onLeft` once this row has left. */
  await(row: number, onLeft: (how: Departure) => void): void {
    this.awaited.set(row, onLeft);
  }

  /** Nobody waits for it any more. */
  forget(row: number): void {
    this.awaited.delete(row);
  }

  /** A row has left. */
  left(row: number, how: Departure): void {
    const tell = this.awaited.get(row);
    this.awaited.delete(row);
    tell?.(how);
  }
}
