import type { UserProcess } from './user-process.ts';
import type { UserReport } from './user-protocol.ts';

/** A message of the demo, from the outbox to the screens. */
interface Line {
  readonly from: UserProcess;
  readonly to: readonly UserProcess[];
  state: string;
}

/** What was sent and what arrived, counted as it happens: each message once for each person that it is for. */
export class Ledger {
  private readonly sent = new Map<string, Line>();
  private readonly arrivals = new Map<string, number>();
  private waiting: { readonly done: () => boolean; readonly resolve: () => void }[] = [];

  /** These are in the outbox. */
  add(from: UserProcess, to: readonly UserProcess[], ids: readonly string[]): void {
    for (const id of ids) if (!this.sent.has(id)) this.sent.set(id, { from, to, state: 'queued' });
  }

  /** Hears what a user's process says. */
  hear(user: UserProcess, report: UserReport): void {
    if (report.type === 'received') {
      const copy = copyOf(report.id, user);
      this.arrivals.set(copy, (this.arrivals.get(copy) ?? 0) + 1);
    }
    if (report.type === 'state') {
      const line = this.sent.get(report.id);
      // A process that was started again tells the last step once more.
      if (line !== undefined && line.state !== 'read') line.state = report.state;
    }
    this.settle();
  }

  /** Resolves once all of the messages are in a state. */
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

  /** Ids that one sent to another, in groups too, in the order of their sending. */
  sentBetween(from: UserProcess, to: UserProcess): readonly string[] {
    return [...this.sent].filter(([, line]) => line.from === from && line.to.includes(to)).map(([id]) => id);
  }

  /**
   * Lost: sent, and not in the history of somebody whom it was for. Duplicated: told to a user more than once.
   * @param histories what each user has, each message once for each place where it stands
   */
  counts(histories: readonly { readonly user: UserProcess; readonly id: string }[]): {
    readonly sent: number;
    readonly received: number;
    readonly lost: number;
    readonly duplicated: number;
  } {
    const wanted = [...this.sent].flatMap(([id, { to }]) => to.map((user) => copyOf(id, user)));
    const there = new Set(histories.map(({ id, user }) => copyOf(id, user)));
    const twice = [...this.arrivals.values()].reduce((sum, times) => sum + times - 1, 0);
    return {
      sent: wanted.length,
      received: there.size,
      lost: wanted.filter((copy) => !there.has(copy)).length,
      duplicated: twice + histories.length - there.size,
    };
  }

  private settle(): void {
    const done = this.waiting.filter((wait) => wait.done());
    this.waiting = this.waiting.filter((wait) => !done.includes(wait));
    for (const { resolve } of done) resolve();
  }
}

function copyOf(id: string, user: UserProcess): string {
  return `${id} ${user.name}`;
}
