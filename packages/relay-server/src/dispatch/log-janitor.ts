import type { LogPosition, MailLog } from '../ports/mail-log.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import type { NodeFailure } from './node-failure.ts';

/** What a `LogJanitor` works with. */
export interface LogJanitorParts {
  readonly log: Pick<MailLog, 'committed' | 'deleteBefore'>;
  readonly topics: readonly string[];
  /** Everybody who reads these topics: what one of them has not committed stays. At least one. */
  readonly groups: readonly string[];
  readonly timers: Timers;
  readonly everyMs: number;
  readonly failed: (event: NodeFailure, error: unknown) => void;
}

/**
 * Deletes the log's records that all groups are done with: below the smallest of their commits, which are durable before they are told.
 *
 * A partition of which a group has committed nothing keeps all that it has, and so does one whose topic was made anew meanwhile. What failed is tried again the next time. Several janitors on one log are harmless: a record that is gone is deleted once more.
 */
export class LogJanitor {
  readonly #parts: LogJanitorParts;
  /** By topic id and partition: below which offset everything is deleted, as far as this janitor knows. */
  readonly #deleted = new Map<string, number>();
  #cancel: CancelTimer = () => undefined;
  #running: Promise<void> | undefined;

  constructor(parts: LogJanitorParts) {
    this.#parts = parts;
  }

  start(): void {
    const { timers, everyMs } = this.#parts;
    this.#cancel();
    this.#cancel = timers.every(everyMs, () => void this.run());
  }

  /** Begins nothing further, and resolves when what is under way has ended. Idempotent. */
  async stop(): Promise<void> {
    this.#cancel();
    await this.#running;
  }

  /** Deletes now; while it does, another call waits for the same. Never rejects. */
  run(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    const { topics, failed } = this.#parts;
    for (const topic of topics) {
      try {
        await this.#clean(topic);
      } catch (error) {
        failed('mail-log.delete-failed', error);
      }
    }
  }

  async #clean(topic: string): Promise<void> {
    const { log, groups } = this.#parts;
    const commits = await Promise.all(groups.map((group) => log.committed(group, topic)));
    for (const position of smallest(commits)) {
      const name = `${position.topicId} ${position.partition}`;
      if (position.offset <= (this.#deleted.get(name) ?? 0)) continue;
      const outcome = await log.deleteBefore(topic, position);
      if (outcome === 'deleted') this.#deleted.set(name, position.offset);
    }
  }
}

/** Of each partition that all groups have committed something of, under one topic id, the smallest commit. */
function smallest([first = [], ...others]: readonly (readonly LogPosition[])[]): LogPosition[] {
  return first.flatMap((position) => {
    const isSame = ({ topicId, partition }: LogPosition) =>
      topicId === position.topicId && partition === position.partition;
    const same = others.map((positions) => positions.find(isSame));
    if (same.includes(undefined)) return [];
    const offsets = same.flatMap((other) => other?.offset ?? []);
    return [{ ...position, offset: Math.min(position.offset, ...offsets) }];
  });
}
