import type { CancelTimer, Timers } from '../ports/timers.ts';
import type { Departures } from './departures.ts';

/** The longest that what is sealed waits for keys to leave: somebody may not be reached for long, and is not waited for. */
export const headStartMs = 2_000;

/**
 * Lets the keys of a chain leave before what is sealed under it: whoever has a message before its key can't show it.
 *
 * They go through the queues of the members, each at its own pace; a message that went ahead of them would be held by all who are online.
 */
export class HeadStart {
  private readonly timers: Timers;
  private readonly departures: Departures;
  private readonly onOver: () => void;
  private readonly keys = new Set<number>();
  private cancelTimer: CancelTimer | undefined;

  /** @param parts.onOver what was held back may leave */
  constructor(
    parts: { readonly timers: Timers; readonly departures: Departures },
    { onOver }: { readonly onOver: () => void },
  ) {
    this.timers = parts.timers;
    this.departures = parts.departures;
    this.onOver = onOver;
  }

  /** These rows are to leave first. */
  give(rows: readonly number[]): void {
    for (const row of rows) {
      this.keys.add(row);
      this.departures.await(row, () => this.left(row));
    }
  }

  /** Whether to wait. Asked by whoever could send: the time runs from the first such moment. */
  isOn(): boolean {
    if (this.keys.size === 0) return false;
    this.cancelTimer ??= this.timers.after(headStartMs, () => this.end());
    return true;
  }

  /** Nothing can leave: the time does not run. */
  pause(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
  }

  private left(row: number): void {
    this.keys.delete(row);
    if (this.keys.size === 0) this.end();
  }

  private end(): void {
    this.pause();
    this.departures.forget(this.keys);
    this.keys.clear();
    this.onOver();
  }
}
