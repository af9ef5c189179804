import type { ClusterMail } from '../dispatch/cluster-mail.ts';
import type { Clock } from '../ports/clock.ts';
import type { MailLedger } from '../ports/mail-ledger.ts';
import type { MailLog } from '../ports/mail-log.ts';
import type { Gauge, Metrics } from '../ports/metrics.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';

/** How often a node looks how far it is, and how often what waits longest is looked for in the cluster. */
const lookMs = 10_000;
const looksPerPending = 6;

/** What `MailGauges` works with. */
export interface MailGaugesParts {
  readonly metrics: Metrics;
  readonly mail: Pick<ClusterMail, 'partitions' | 'inboxes'>;
  readonly log: Pick<MailLog, 'describe'>;
  readonly ledger: Pick<MailLedger, 'nextEnd'>;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Those that are handed out. */
  readonly topics: readonly string[];
  /** How long mail is kept at most, in milliseconds. */
  readonly retentionMs: number;
}

interface TopicGauges {
  readonly owned: Gauge;
  readonly lag: Gauge;
  readonly age: Gauge;
}

/**
 * How far a node is with what it hands out, looked at every ten seconds.
 *
 * Each node tells of the partitions that are its own: over all nodes of a cluster counts and lags are added, of ages the greatest counts. What can't be looked up keeps its last value.
 */
export class MailGauges {
  readonly #parts: MailGaugesParts;
  readonly #topics: ReadonlyMap<string, TopicGauges>;
  readonly #unacked: Gauge;
  readonly #pending: Gauge;
  #looks = 0;
  #cancel: CancelTimer | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(parts: MailGaugesParts) {
    this.#parts = parts;
    const { metrics, topics } = parts;
    this.#topics = new Map(
      topics.map((topic) => {
        const labels = { topic };
        return [
          topic,
          {
            owned: metrics.gauge('relay_partitions_owned', 'Partitions that this node hands out of', labels),
            lag: metrics.gauge(
              'relay_watermark_lag_records',
              'Records behind the watermarks of its partitions',
              labels,
            ),
            age: metrics.gauge('relay_watermark_age_seconds', 'Age of the oldest record that is not done with', labels),
          },
        ];
      }),
    );
    this.#unacked = metrics.gauge('relay_unacked_age_seconds', 'Since when an open stream owes an ack, at longest');
    this.#pending = metrics.gauge(
      'relay_pending_age_seconds',
      'How long mail of the cluster has waited for its device, at longest',
    );
  }

  start(): void {
    this.#cancel ??= this.#parts.timers.every(lookMs, () => {
      this.#looking = this.#looking.then(() => this.look());
    });
  }

  /** Idempotent; nothing is looked up afterwards. */
  async stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    await this.#looking;
  }

  /** Once, now. Never rejects: a call that fails is told by the counts of its engine. */
  async look(): Promise<void> {
    const { mail, clock } = this.#parts;
    const now = clock.now();
    this.#unacked.set(seconds(now - (mail.inboxes.waitingSince ?? now)));
    const lookups = [...this.#topics].map(([topic, gauges]) => this.#lookAt(topic, gauges));
    if (this.#looks++ % looksPerPending === 0) lookups.push(this.#lookAtPending());
    await Promise.allSettled(lookups);
  }

  async #lookAt(topic: string, { owned, lag, age }: TopicGauges): Promise<void> {
    const { mail, log, clock } = this.#parts;
    const now = clock.now();
    const partitions = mail.partitions.filter((partition) => partition.topic === topic);
    owned.set(partitions.length);
    age.set(seconds(now - Math.min(now, ...partitions.map(({ oldest = now }) => oldest))));
    if (partitions.length === 0) return lag.set(0);
    const ends = new Map((await log.describe(topic))?.partitions.map(({ partition, end }) => [partition, end]));
    const behind = partitions.map(({ partition, watermark }) => Math.max(0, (ends.get(partition) ?? 0) - watermark));
    lag.set(behind.reduce((sum, records) => sum + records, 0));
  }

  async #lookAtPending(): Promise<void> {
    const { ledger, clock, retentionMs } = this.#parts;
    const end = await ledger.nextEnd();
    this.#pending.set(end === undefined ? 0 : seconds(clock.now() - (end - retentionMs)));
  }
}

function seconds(ms: number): number {
  return Math.max(0, ms) / 1_000;
}
