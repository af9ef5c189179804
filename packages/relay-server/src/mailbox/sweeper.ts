import type { Avatars } from '../blobs/avatars.ts';
import { sweepEndedAvatars } from '../blobs/ended-avatars.ts';
import type { GroupAvatars } from '../blobs/group-avatars.ts';
import type { LastSeen } from '../devices/last-seen.ts';
import type { RelayCounts } from '../metrics/relay-counts.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { RelayStores } from '../ports/relay-stores.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import { RelayError } from '../relay-error.ts';

/** What `Sweeper` works with. */
export interface SweeperParts {
  readonly stores: Pick<RelayStores, 'mailbox' | 'tokens' | 'verifications' | 'control'>;
  readonly avatars: Pick<Avatars, 'delete'>;
  readonly groupAvatars: Pick<GroupAvatars, 'sweep'>;
  readonly lastSeen: Pick<LastSeen, 'sweep'>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly counts: RelayCounts;
  readonly sweepEveryMs: number;
  readonly scrubEveryMs: number;
}

/** Deletes what has had its time, and has deleted mail overwritten on disk. One run at a time; a failed run is logged, counted and made up for by the next. */
export class Sweeper {
  readonly #parts: SweeperParts;
  #cancel: CancelTimer[] = [];
  #running: Promise<void> = Promise.resolve();
  #isSweeping = false;
  #isScrubbing = false;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
  }

  start(): void {
    const { timers, sweepEveryMs, scrubEveryMs } = this.#parts;
    // At once: the last process may have been cut off between the end of an account and that of its avatar.
    this.#enqueue(() => this.#sweepAvatars());
    this.#cancel = [
      timers.every(sweepEveryMs, () => {
        if (this.#isSweeping) return;
        this.#isSweeping = true;
        this.#enqueue(async () => {
          this.#isSweeping = false;
          await this.#sweep();
        });
      }),
      timers.every(scrubEveryMs, () => {
        if (this.#isScrubbing) return;
        this.#isScrubbing = true;
        this.#enqueue(async () => {
          this.#isScrubbing = false;
          await this.#parts.stores.mailbox.scrub();
        });
      }),
    ];
  }

  /** Begins no further run and resolves when the one that is going has ended. */
  async stop(): Promise<void> {
    for (const cancel of this.#cancel) cancel();
    this.#cancel = [];
    await this.#running;
  }

  async #sweep(): Promise<void> {
    const { stores, clock, counts, logger } = this.#parts;
    const now = clock.now();
    const expired = await stores.mailbox.expire(now);
    await stores.verifications.sweep(now);
    await stores.tokens.sweep(now);
    counts.expired.add(expired);
    if (expired > 0) logger.info('mailbox.expired', { count: expired });
    await this.#sweepAvatars();
    await this.#parts.groupAvatars.sweep();
    await this.#parts.lastSeen.sweep();
  }

  #sweepAvatars(): Promise<void> {
    const { stores, avatars, clock } = this.#parts;
    return sweepEndedAvatars(stores.control, avatars, clock.now());
  }

  #enqueue(run: () => Promise<void>): void {
    const { logger, counts } = this.#parts;
    this.#running = this.#running.then(run).catch((error: unknown) => {
      counts.sweepsFailed.add(1);
      logger.error('sweep.failed', { code: error instanceof RelayError ? error.code : 'internal' });
    });
  }
}
