import type { Clock } from '../ports/clock.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import type { Departures } from './departures.ts';
import type { QueueEntry } from './queue-entry.ts';

/** The longest that what is sealed waits for keys to leave: somebody may not be reached for long, and is not waited for. */
export const headStartMs = 2_000;

/**
 * Lets the keys of a chain leave before what is sealed under it: whoever has a message before its key can't show it.
 *
 * They go through the queues of the members, each at its own pace; a message that went ahead of them would be held by all who are online. The time of each key runs from the first moment when something waited for it, whatever becomes of the connection.
 */
export class HeadStart {
  private readonly clock: Clock;
  private readonly timers: Timers;
  private readonly departures: Departures;
  private readonly onOver: () => void;
  /** The rows that have not left, with the end of their time once that runs. */
  private readonly keys = new Map<number, number | undefined>();
  /** What the next that is to leave waits for. */
  private awaited: readonly number[] = [];
  private cancelTimer: CancelTimer | undefined;

  /** @param parts.onOver what was held back may leave */
  constructor(
    parts: { readonly clock: Clock; readonly timers: Timers; readonly departures: Departures },
    { onOver }: { readonly onOver: () => void },
  ) {
    this.clock = parts.clock;
    this.timers = parts.timers;
    this.departures = parts.departures;
    this.onOver = onOver;
  }

  /** An entry was sealed, for which these rows were queued: they, and those before that have not left, are to leave first if it is a message. What says only that the group has moved goes at once. */
  give(
    entry: Pick<QueueEntry, 'keys'> & { readonly record: Pick<OutboxRecord, 'visible'> },
    rows: readonly number[] = [],
  ): void {
    for (const row of rows) {
      if (this.keys.has(row)) continue;
      this.keys.set(row, undefined);
      this.departures.await(row, () => this.left(row));
    }
    // An attempt that was sealed before waits for what it waited for.
    if (entry.keys === undefined || rows.length > 0) entry.keys = entry.record.visible ? [...this.keys.keys()] : [];
  }

  /** Whether something waits, as `holds` has found before. */
  isOn(): boolean {
    return this.awaited.length > 0 && this.holds(this.awaited);
  }

  /** Whether what needs these rows to have left is to wait. Asked by whoever could send it now. */
  holds(rows: readonly number[]): boolean {
    const now = this.clock.now();
    const waiting = rows.filter((row) => this.keys.has(row));
    let end = now;
    for (const row of waiting) {
      // A clock that was set back makes nothing longer.
      const until = Math.min(this.keys.get(row) ?? now + headStartMs, now + headStartMs);
      this.keys.set(row, until);
      if (until <= now) this.forget(row);
      end = Math.max(end, until);
    }
    this.awaited = waiting.filter((row) => this.keys.has(row));
    if (this.awaited.length === 0) return false;
    this.cancelTimer ??= this.timers.after(end - now, () => this.expire());
    return true;
  }

  /** There is no connection: nothing can leave. */
  pause(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
  }

  /** Nothing waits any longer: it is now or never. */
  end(): void {
    for (const row of this.keys.keys()) this.forget(row);
    if (this.awaited.length > 0) this.expire();
  }

  private expire(): void {
    this.pause();
    for (const row of this.awaited) this.forget(row);
    this.awaited = [];
    this.onOver();
  }

  private left(row: number): void {
    this.keys.delete(row);
    if (this.awaited.length === 0 || this.awaited.some((other) => this.keys.has(other))) return;
    this.awaited = [];
    this.pause();
    this.onOver();
  }

  private forget(row: number): void {
    this.keys.delete(row);
    this.departures.forget(row);
  }
}
