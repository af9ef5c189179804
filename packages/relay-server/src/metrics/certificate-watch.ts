import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';

const dayMs = 86_400_000;
/** How long before its end a certificate is told of. */
const aheadMs = 14 * dayMs;
const lookMs = 3_600_000;

/** What a `CertificateWatch` works with. */
export interface CertificateWatchParts {
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly timers: Timers;
  /** When other nodes begin to refuse this one, milliseconds since the Unix epoch. */
  readonly endsAt: number;
}

/**
 * Tells operators when a node's certificate ends: as a metric always, in the log from fourteen days before, once a day.
 *
 * A node reads its certificate when it starts: another one is known to it after a restart, not before.
 */
export class CertificateWatch {
  readonly #parts: CertificateWatchParts;
  #toldAt: number | undefined;
  #cancel: CancelTimer | undefined;

  constructor(parts: CertificateWatchParts) {
    this.#parts = parts;
    const gauge = parts.metrics.gauge(
      'relay_certificate_end_timestamp_seconds',
      'When the certificate of this node ends, or one that vouches for it, in seconds since the Unix epoch',
    );
    gauge.set(parts.endsAt / 1_000);
  }

  /** Looks at once, then every hour. */
  start(): void {
    if (this.#cancel !== undefined) return;
    this.#cancel = this.#parts.timers.every(lookMs, () => this.#look());
    this.#look();
  }

  /** Idempotent. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #look(): void {
    const { clock, endsAt, logger } = this.#parts;
    const now = clock.now();
    const left = endsAt - now;
    if (left > aheadMs) return;
    const isNew = left < 0 && this.#toldAt !== undefined && this.#toldAt <= endsAt;
    // A clock that was set back keeps nothing quiet for longer.
    if (!isNew && this.#toldAt !== undefined && now >= this.#toldAt && now - this.#toldAt < dayMs) return;
    this.#toldAt = now;
    if (left < 0) logger.error('node-link.certificate-ended');
    else {
      const days = Math.floor(left / dayMs);
      logger.warn('node-link.certificate-ends', { days });
    }
  }
}
