import type { MailLog } from '../ports/mail-log.ts';

/** The ids that the topics of mail have, and had as far as this node has heard: what delivery ids may speak of. */
export class KnownTopics {
  readonly #log: MailLog;
  readonly #topics: readonly string[];
  readonly #ids = new Set<string>();

  constructor(log: MailLog, topics: readonly string[]) {
    this.#log = log;
    this.#topics = topics;
  }

  get ids(): ReadonlySet<string> {
    return this.#ids;
  }

  add(topicId: string): void {
    this.#ids.add(topicId);
  }

  /** Asks the log. @throws {RelayError} as `MailLog.describe` */
  async learn(): Promise<void> {
    for (const described of await Promise.all(this.#topics.map((topic) => this.#log.describe(topic)))) {
      if (described !== undefined) this.#ids.add(described.topicId);
    }
  }
}
