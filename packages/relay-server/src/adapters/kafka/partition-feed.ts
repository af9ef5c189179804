import type { LogAssignment, LogHandlers, LogRecord } from '../../ports/mail-log.ts';

/** One partition as it is read: what was fetched is given on, batch after batch, and the next fetch waits until all is given. */
export class PartitionFeed {
  readonly assignment: LogAssignment;
  readonly #handlers: LogHandlers;
  readonly #maxRecords: number;
  readonly #onHungry: () => void;
  /** The broker to fetch from; -1 while it is looked for. */
  leader = -1;
  /** Where the next fetch begins. */
  position: number;
  /** When it had its last records, by a count: who waits longest is asked for first. */
  servedAt = 0;
  isFetching = false;
  /** Whether an answer with this partition in it could not be read: then it is asked for alone, so that one bad batch holds no other partition up. */
  isSuspect = false;
  isPaused = false;
  /** Set when no more records are given; resolves when the owner has ended its work. */
  ending: Promise<void> | undefined;
  #ready: LogRecord[] = [];
  #isGiving = false;

  constructor(assignment: LogAssignment, handlers: LogHandlers, maxRecords: number, onHungry: () => void) {
    this.assignment = assignment;
    this.position = assignment.start;
    this.#handlers = handlers;
    this.#maxRecords = maxRecords;
    this.#onHungry = onHungry;
  }

  /** Whether it can be fetched for now. */
  get isHungry(): boolean {
    const isIdle = !this.isFetching && !this.#isGiving && this.#ready.length === 0;
    return isIdle && !this.isPaused && this.ending === undefined && this.leader >= 0;
  }

  /** Records came, and reading goes on at `next`. */
  fetched(records: readonly LogRecord[], next: number): void {
    if (this.ending !== undefined) return;
    this.position = next;
    this.#ready.push(...records);
    void this.#give();
  }

  /** The records at `position` are gone. */
  skipTo(position: number): void {
    if (this.ending !== undefined) return;
    this.#handlers.skipped(this.assignment, { from: this.position, to: position });
    this.position = position;
  }

  resume(): void {
    this.isPaused = false;
    void this.#give();
    this.#onHungry();
  }

  async #give(): Promise<void> {
    if (this.#isGiving) return;
    this.#isGiving = true;
    while (this.#ready.length > 0 && !this.isPaused && this.ending === undefined) {
      await this.#handlers.records(this.assignment, this.#ready.splice(0, this.#maxRecords));
    }
    this.#isGiving = false;
    this.#onHungry();
  }
}
