import type { Profiles } from '../accounts/profile.ts';
import { clientStopped } from '../client-stopped.ts';
import type { Executor } from '../crypto/executor.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { Clock } from '../ports/clock.ts';
import type { UserId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import { SottoError } from '../sotto-error.ts';

/** Learns the names of people who wrote: their profile key comes with a message, the profile from the relay. */
export class PeerProfiles {
  private readonly executor: Executor;
  private readonly profiles: Profiles;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly asked = new Map<UserId, Promise<void>>();
  private readonly ending = new AbortController();

  constructor(parts: {
    readonly executor: Executor;
    readonly profiles: Profiles;
    readonly clock: Clock;
    readonly logger: Logger;
  }) {
    this.executor = parts.executor;
    this.profiles = parts.profiles;
    this.clock = parts.clock;
    this.logger = parts.logger;
  }

  /** Somebody wrote: if their name is not known, it is asked for in the background, once a run of the client unless it fails. */
  heardFrom(userId: UserId): void {
    if (this.asked.has(userId) || this.ending.signal.aborted) return;
    const learning = this.learn(userId).catch((error: unknown) => {
      this.asked.delete(userId);
      this.logger.info('profile.not-learned', { code: error instanceof SottoError ? error.code : 'internal' });
    });
    this.asked.set(userId, learning);
  }

  /** Gives up what is under way. Idempotent. */
  async stop(): Promise<void> {
    this.ending.abort(clientStopped());
    await Promise.all(this.asked.values());
  }

  private async learn(userId: UserId): Promise<void> {
    const known = await this.executor.run([], (overlay) => overlay.get('user', { id: userId }));
    const profileKey = known?.profileKey;
    if (profileKey === undefined || known?.username !== '') return;
    const profile = await this.profiles.fetchProfile(userId, profileKey, { signal: this.ending.signal });
    await this.executor.run([`chat:${userId}`], async (overlay) => {
      const user = await overlay.get('user', { id: userId });
      if (user?.profileKey === undefined || !sameBytes(user.profileKey, profileKey)) return;
      overlay.put('user', { ...user, ...profile, updatedAt: this.clock.now() });
      overlay.record({ type: 'profile.changed', userId });
    });
  }
}
