import type { GroupId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { Store } from '../ports/store.ts';
import type { Timers } from '../ports/timers.ts';
import { SottoError } from '../sotto-error.ts';
import type { GroupChanges } from './group-changes.ts';

/** How many groups are left side by side. */
const atOnce = 4;
/** How long it may take in all. */
const longest = 20_000;
const page = 100;

/** What leaving works with. */
export interface FarewellParts {
  readonly store: Pick<Store, 'groups'>;
  readonly changes: Pick<GroupChanges, 'change'>;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Whether there is a connection: without one nothing is tried. */
  readonly isLive: () => boolean;
  /** Resolves when what waits for others has left. */
  readonly flush: (signal: AbortSignal) => Promise<void>;
}

/**
 * Leaves all groups, before an account ends: who leaves is succeeded as the owner, whereas nobody may remove an owner whose account is gone.
 *
 * As far as it can be done while connected, and in 20 s. What fails is for the log: the end does not depend on it.
 * @throws {SottoError} what the store throws
 */
export async function leaveAllGroups({ store, changes, timers, logger, isLive, flush }: FarewellParts): Promise<void> {
  if (!isLive()) return;
  const ending = new AbortController();
  const { signal } = ending;
  const cancel = timers.after(longest, () => ending.abort(tooSlow()));
  const passOver = (error: unknown) => {
    if (!(error instanceof SottoError) || error.code.startsWith('store-')) throw error;
    logger.info('group.not-left', { code: error.code });
  };
  try {
    const left = await ownGroups(store);
    if (left.length === 0) return;
    const queue = [...left];
    const workers = Array.from({ length: atOnce }, async () => {
      for (let id = queue.shift(); id !== undefined && !signal.aborted; id = queue.shift()) {
        const wish = { operations: [{ type: 'leave' } as const], inviteKey: undefined };
        await changes.change(id, wish, { signal }).catch(passOver);
      }
    });
    await Promise.all(workers);
    await flush(signal).catch(passOver);
  } finally {
    cancel();
  }
}

async function ownGroups(store: Pick<Store, 'groups'>): Promise<readonly GroupId[]> {
  const own: GroupId[] = [];
  for (let after: GroupId | undefined; ; ) {
    const groups = await store.groups(after, page);
    own.push(...groups.flatMap(({ id, standing }) => (standing === 'member' ? [id] : [])));
    after = groups.at(-1)?.id;
    if (groups.length < page) return own;
  }
}

function tooSlow(): SottoError {
  return new SottoError('relay-unreachable', 'the groups could not be left in time: nothing has to be done', {
    retryable: true,
  });
}
