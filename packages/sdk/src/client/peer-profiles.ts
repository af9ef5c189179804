import type { Profiles } from '../accounts/profile.ts';
import { clientStopped } from '../client-stopped.ts';
import type { Executor } from '../crypto/executor.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { newUser } from '../people/blocked.ts';
import type { Clock } from '../ports/clock.ts';
import type { UserId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import { SottoError } from '../sotto-error.ts';

/** What somebody's profile is learned with. */
export interface ProfileLearning {
  readonly executor: Executor;
  readonly profiles: Pick<Profiles, 'fetchProfile'>;
  readonly clock: Clock;
}

/**
 * Asks the relay for somebody's profile, and keeps it as long as that key is the one that is known of them.
 * @throws {SottoError} as `Profiles.fetchProfile`
 */
export async function learnProfile(
  { executor, profiles, clock }: ProfileLearning,
  userId: UserId,
  profileKey: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const profile = await profiles.fetchProfile(userId, profileKey, { signal });
  await executor.run([`chat:${userId}`], async (overlay) => {
    const user = await overlay.get('user', { id: userId });
    const known = user?.profileKey;
    if (known !== undefined && !sameBytes(known, profileKey)) return;
    const now = clock.now();
    overlay.put('user', { ...(user ?? newUser(userId, now)), ...profile, profileKey, updatedAt: now });
    overlay.record({ type: 'profile.changed', userId });
  });
}

/** Learns the names of people who wrote: their profile key comes with a message, the profile from the relay. */
export class PeerProfiles {
  private readonly parts: ProfileLearning & { readonly logger: Logger };
  private readonly asked = new Map<UserId, Promise<void>>();
  private readonly ending = new AbortController();

  constructor(parts: ProfileLearning & { readonly logger: Logger }) {
    this.parts = parts;
  }

  /** Somebody wrote: if their name is not known, it is asked for in the background, once a run of the client unless it fails. */
  heardFrom(userId: UserId): void {
    if (this.asked.has(userId) || this.ending.signal.aborted) return;
    const learning = this.learn(userId).catch((error: unknown) => {
      this.asked.delete(userId);
      this.parts.logger.info('profile.not-learned', { code: error instanceof SottoError ? error.code : 'internal' });
    });
    this.asked.set(userId, learning);
  }

  /** Gives up what is under way. Idempotent. */
  async stop(): Promise<void> {
    this.ending.abort(clientStopped());
    await Promise.all(this.asked.values());
  }

  private async learn(userId: UserId): Promise<void> {
    const known = await this.parts.executor.run([], (overlay) => overlay.get('user', { id: userId }));
    const profileKey = known?.profileKey;
    if (profileKey === undefined || known?.username !== '') return;
    await learnProfile(this.parts, userId, profileKey, this.ending.signal);
  }
}
