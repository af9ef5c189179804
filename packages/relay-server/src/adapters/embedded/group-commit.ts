import type { Database } from 'better-sqlite3';
import type { Schedule } from '../../platform/end-of-turn.ts';
import type { RelayStep, Tracer } from '../../ports/tracer.ts';
import { RelayError } from '../../relay-error.ts';
import { storeFailure } from './store-failure.ts';

/** What a write is about: decides which steps are traced. */
export type WriteKind =
  | 'append'
  | 'ack'
  | 'registration'
  | 'device-list'
  | 'group-record'
  | 'deletion'
  | 'token'
  | 'prekeys'
  | 'other';

interface PendingWrite {
  readonly kind: WriteKind;
  /** Does the work and gives what to call once it is durable. */
  readonly carryOut: () => () => void;
  readonly reject: (error: RelayError) => void;
  readonly onFailed: (() => void) | undefined;
}

/** What a group commit works with. */
export interface GroupCommitOptions {
  readonly tracer: Tracer;
  readonly schedule: Schedule;
  /** Called right after a transaction was committed, before anything else can read or write: may not throw. */
  readonly onCommitted: () => void;
  /** Called after a transaction was undone: whatever memory holds of it must go. */
  readonly onUndone: () => void;
}

const stepsBefore = new Map<WriteKind, RelayStep>([
  ['append', 'mailbox.append.before-fsync'],
  ['registration', 'registration.before-fsync'],
  ['device-list', 'device-list.before-fsync'],
  ['group-record', 'group-record.before-fsync'],
  ['deletion', 'deletion.before-fsync'],
]);

const stepsAfter = new Map<WriteKind, RelayStep>([
  ['append', 'mailbox.append.durable'],
  ['ack', 'ack.durable'],
  ['registration', 'registration.durable'],
  ['device-list', 'device-list.durable'],
  ['group-record', 'group-record.durable'],
  ['deletion', 'deletion.durable'],
  ['token', 'token.durable'],
  ['prekeys', 'prekeys.durable'],
]);

/** Bounds how long one transaction keeps the event loop. */
const largestGroup = 1000;

/**
 * The one writer of the database: what is asked for in one turn becomes one transaction with one fsync, and every promise waits for it.
 *
 * A write is one synchronous function. It may refuse by throwing a `RelayError` before its first statement that writes; that leaves the group alone.
 * Any other error undoes the group, and its writes are tried again one by one, so that only the culprit fails. When the engine itself fails, all are rejected and nothing is kept.
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #inTransaction: () => boolean;
  readonly #begin: () => void;
  readonly #commit: () => void;
  readonly #rollback: () => void;
  #pending: PendingWrite[] = [];
  #isScheduled = false;
  #isClosed = false;

  constructor(database: Database, options: GroupCommitOptions) {
    this.#options = options;
    const [begin, commit, rollback] = ['BEGIN IMMEDIATE', 'COMMIT', 'ROLLBACK'].map((sql) => database.prepare(sql));
    this.#inTransaction = () => database.inTransaction;
    this.#begin = () => begin?.run();
    this.#commit = () => commit?.run();
    this.#rollback = () => rollback?.run();
  }

  /**
   * Resolves when what `work` wrote is durable.
   * @param onFailed told that it will reject, before any later write is carried out, more than once when its group is tried again: may not throw
   * @throws {RelayError} what `work` refused with; `store-unavailable`, `store-corrupt` or `internal` when it could not be done, and then nothing of it is kept
   */
  write<T>(kind: WriteKind, work: () => T, onFailed?: () => void): Promise<T> {
    if (this.#isClosed)
      return Promise.reject(new RelayError('store-unavailable', 'the store is closed: open it again'));
    return new Promise((resolve, reject) => {
      const carryOut = () => {
        const value = work();
        return () => resolve(value);
      };
      this.#pending.push({ kind, carryOut, reject, onFailed });
      this.#scheduleFlush();
    });
  }

  /** Carries out what was asked for, and takes nothing more. */
  close(): void {
    this.#isClosed = true;
    while (this.#pending.length > 0) this.#flush();
  }

  #scheduleFlush(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.schedule(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#pending.length === 0) return;
    const group = this.#pending.slice(0, largestGroup);
    this.#pending = this.#pending.slice(largestGroup);
    if (this.#pending.length > 0) this.#scheduleFlush();
    this.#run(group);
  }

  #run(group: readonly PendingWrite[]): void {
    const settle: (() => void)[] = [];
    try {
      this.#begin();
      for (const { carryOut, reject, onFailed } of group) {
        try {
          settle.push(carryOut());
        } catch (error) {
          if (!(error instanceof RelayError)) throw error;
          onFailed?.();
          settle.push(() => reject(error));
        }
      }
      this.#reach(stepsBefore, group);
      this.#commit();
    } catch (error) {
      this.#undo(group, storeFailure(error));
      return;
    }
    this.#options.onCommitted();
    this.#reach(stepsAfter, group);
    for (const done of settle) done();
  }

  #undo(group: readonly PendingWrite[], failure: RelayError): void {
    try {
      if (this.#inTransaction()) this.#rollback();
    } catch (error) {
      failure = storeFailure(error);
    }
    this.#options.onUndone();
    if (failure.code === 'internal' && group.length > 1) {
      for (const write of group) this.#run([write]);
      return;
    }
    for (const { reject, onFailed } of group) {
      onFailed?.();
      reject(failure);
    }
  }

  #reach(steps: ReadonlyMap<WriteKind, RelayStep>, group: readonly PendingWrite[]): void {
    for (const [kind, step] of steps) {
      if (group.some((write) => write.kind === kind)) this.#options.tracer.reached(step);
    }
  }
}
