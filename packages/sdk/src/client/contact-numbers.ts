import { chatLock, chatWith } from '../chats/chat-state.ts';
import { clientStopped } from '../client-stopped.ts';
import type { Executor } from '../crypto/executor.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventRecord } from '../ports/event-records.ts';
import type { UserId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import { SottoError } from '../sotto-error.ts';
import type { AuthorizedClient } from '../transport/http-client.ts';
import { lookUpNumbers } from '../transport/user-calls.ts';

/** What contacts said of their new numbers, compared with what the relay says. */
export class ContactNumbers {
  private readonly executor: Executor;
  private readonly http: AuthorizedClient;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly ending = new AbortController();
  private readonly asking = new Set<Promise<void>>();

  constructor(parts: {
    readonly executor: Executor;
    readonly http: AuthorizedClient;
    readonly clock: Clock;
    readonly logger: Logger;
  }) {
    this.executor = parts.executor;
    this.http = parts.http;
    this.clock = parts.clock;
    this.logger = parts.logger;
  }

  /** Events were committed: numbers that contacts claimed in them are asked for, in the background. */
  committed(events: readonly EventRecord[]): void {
    for (const { fact } of events) {
      if (fact.type !== 'contact.number-changed' || this.ending.signal.aborted) continue;
      const asked = this.check(fact.userId, fact.number)
        .catch((error: unknown) => {
          this.logger.info('number.not-confirmed', { code: error instanceof SottoError ? error.code : 'internal' });
        })
        .finally(() => this.asking.delete(asked));
      this.asking.add(asked);
    }
  }

  /** Gives up what is under way. Idempotent. */
  async stop(): Promise<void> {
    this.ending.abort(clientStopped());
    await Promise.all(this.asking);
  }

  private async check(userId: UserId, number: string): Promise<void> {
    const [found] = await lookUpNumbers(this.http, [number], { signal: this.ending.signal });
    if (found?.userId !== userId) return;
    await this.executor.run([chatLock(chatWith(userId))], async (overlay) => {
      const user = await overlay.get('user', { id: userId });
      if (user === undefined || user.number !== '') return;
      overlay.put('user', { ...user, number, updatedAt: this.clock.now() });
      overlay.record({ type: 'profile.changed', userId });
    });
  }
}
