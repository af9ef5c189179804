import type { Clock } from '../ports/clock.ts';
import type { MailLog } from '../ports/mail-log.ts';

const askAgainMs = 2_000;

/** The ids that the topics of mail have, and had as far as this node has heard: what delivery ids may speak of. */
export class KnownTopics {
  readonly #log: MailLog;
  readonly #topics: readonly string[];
  readonly #clock: Clock;
  readonly #ids = new Set<string>();
  #learntAt = Number.NEGATIVE_INFINITY;

  constructor(log: MailLog, topics: readonly string[], clock: Clock) {
    this.#log = log;
    this.#clock = clock;
    this.#topics = topics;
  }

  get ids(): ReadonlySet<string> {
    return this.#ids;
  }

  add(topicId: string): void {
    this.#ids.add(topicId);
  }

  /** Asks the log, unless it was asked just now: whoever sends ids that mean nothing has it asked no more often. @throws {RelayError} as `MailLog.describe` */
  async learn(): Promise<void> {
    const now = this.#clock.now();
    // Both ways, since a clock may be set back.
    if (Math.abs(now - this.#learntAt) < askAgainMs) return;
    this.#learntAt = now;
    for (const described of await Promise.all(this.#topics.map((topic) => this.#log.describe(topic)))) {
      if (described !== undefined) this.#ids.add(described.topicId);
    }
  }
}
