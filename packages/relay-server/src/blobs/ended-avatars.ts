import type { AccountControl } from '../ports/account-control.ts';
import type { Avatars } from './avatars.ts';

/** How long an upload that was let in before the end of its account may still be writing. */
const uploadMs = 10 * 60_000;

/**
 * Deletes the avatars of accounts that have ended: a crash, a blob store that was away or an upload under way may have left one. An account is remembered until no upload of it can be under way.
 * @throws {RelayError} why an avatar could not be deleted; its account stays remembered
 */
export async function sweepEndedAvatars(
  control: Pick<AccountControl, 'remains' | 'swept'>,
  avatars: Pick<Avatars, 'delete'>,
  now: number,
): Promise<void> {
  for (;;) {
    const remains = await control.remains();
    const endings = await Promise.allSettled(remains.map(({ userId }) => avatars.delete(userId)));
    const swept = remains.filter(({ endedAt }, at) => endings[at]?.status === 'fulfilled' && endedAt + uploadMs <= now);
    if (swept.length > 0) await control.swept(swept.map(({ userId }) => userId));
    const failed = endings.find((ending) => ending.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    // Those behind them have their turn now; else all there are were seen, or the oldest have to wait.
    if (swept.length === 0 || swept.length < remains.length) return;
  }
}
