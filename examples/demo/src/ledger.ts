import type { UserProcess } from './user-process.ts';
import type { UserReport } from './user-protocol.ts';

/** A message of the demo, from the outbox to the screen. */
interface Line {
  readonly to: UserProcess;
  state: string;
}

/** What was sent and what arrived, counted as it happens. */
export class Ledger {
  private readonly sent = new Map<string, Line>();
  private readonly arrivals = new Map<string, number>();
  private waiting: { readonly done: () => boolean; readonly resolve: () => void }[] = [];

  /** These are in the outbox. */
  add(to: UserProcess, ids: readonly string[]): void {
    for (const id of ids) if (!this.sent.has(id)) this.sent.set(id, { to, state: 'queued' });
  }

  /** Hears what users' processes say. */
  hear(report: UserReport): void {
    if (report.type === 'received') this.arrivals.set(report.id, (this.arrivals.get(report.id) ?? 0) + 1);
    if (report.type === 'state') {
      const line = this.sent.get(report.id);
      // A process that was started again tells the last step once more.
      if (line !== undefined && line.state !== 'read') line.state = report.state;
    }
    this.settle();
  }

  /** Resolves once this many of the messages are in a state. */
  reached(state: 'sent' | 'read', ids: readonly string[]): Promise<void> {
    const fits = (now: string | undefined) =>
      state === 'read' ? now === 'read' : now !== undefined && now !== 'queued';
    return this.until(() => ids.every((id) => fits(this.sent.get(id)?.state)));
  }

  /** Resolves once something is so. */
  until(done: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push({ done, resolve });
      this.settle();
    });
  }

  /** How many arrived so far. */
  get arrived(): number {
    return this.arrivals.size;
  }

  /** Ids sent to somebody, in the order of their sending. */
  sentTo(user: UserProcess): readonly string[] {
    return [...this.sent].filter(([, line]) => line.to === user).map(([id]) => id);
  }

  /** Lost: sent and in nobody's history. Duplicated: told to a user more than once. */
  counts(inHistories: readonly string[]): {
    readonly sent: number;
    readonly received: number;
    readonly lost: number;
    readonly duplicated: number;
  } {
    const there = new Set(inHistories);
    const twice = [...this.arrivals.values()].reduce((sum, times) => sum + times - 1, 0);
    return {
      sent: this.sent.size,
      received: there.size,
      lost: [...this.sent.keys()].filter((id) => !there.has(id)).length,
      duplicated: twice + inHistories.length - there.size,
    };
  }

  private settle(): void {
    const done = this.waiting.filter((wait) => wait.done());
    this.waiting = this.waiting.filter((wait) => !done.includes(wait));
    for (const { resolve } of done) resolve();
  }
}
