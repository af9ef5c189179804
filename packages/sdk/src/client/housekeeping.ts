import type { Executor } from '../crypto/executor.ts';
import { keptIdentities } from '../crypto/own-identities.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import { SottoError } from '../sotto-error.ts';

const hour = 3_600_000;
const day = 24 * hour;

/** How long a ciphertext's digest and a message's id are remembered: the relay keeps mail for 30 days, and its sender may try for as long. */
export const seenFor = 62 * day;
/** How long the uses of a last-resort prekey are remembered: longer than the key is kept. */
export const kyberUsesFor = 100 * day;

/** Work that comes again every hour, while the client runs. */
export class Housekeeping {
  private readonly executor: Executor;
  private readonly clock: Clock;
  private readonly timers: Timers;
  private readonly logger: Logger;
  private readonly alsoDo: () => Promise<void>;
  private cancel: CancelTimer | undefined;
  private working: Promise<void> | undefined;
  private state: 'new' | 'running' | 'stopped' = 'new';

  constructor(parts: {
    readonly executor: Executor;
    readonly clock: Clock;
    readonly timers: Timers;
    readonly logger: Logger;
    /** What else is due each time. */
    readonly alsoDo: () => Promise<void>;
  }) {
    this.executor = parts.executor;
    this.clock = parts.clock;
    this.timers = parts.timers;
    this.logger = parts.logger;
    this.alsoDo = parts.alsoDo;
  }

  /** Does it now, and every hour from then on. Harmless when it runs. */
  start(): void {
    if (this.state !== 'new') return;
    this.state = 'running';
    this.cycle();
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.state = 'stopped';
    this.cancel?.();
    await this.working;
  }

  private cycle(): void {
    this.working = this.work()
      .catch((error: unknown) => {
        this.logger.warn('housekeeping.failed', { code: error instanceof SottoError ? error.code : 'internal' });
      })
      .then(() => {
        if (this.state === 'running') this.cancel = this.timers.after(hour, () => this.cycle());
      });
  }

  private async work(): Promise<void> {
    const now = this.clock.now();
    await this.executor.run(['account'], async (overlay) => {
      overlay.prune({ kind: 'seen', before: now - seenFor });
      overlay.prune({ kind: 'resend', before: now - seenFor });
      overlay.prune({ kind: 'kyberUse', before: now - kyberUsesFor });
      const account = await overlay.get('account', {});
      if (account === undefined) return;
      const formerIdentities = keptIdentities(account.formerIdentities, now);
      if (formerIdentities.length < account.formerIdentities.length)
        overlay.put('account', { ...account, formerIdentities });
    });
    await this.alsoDo();
  }
}
