import type { Executor } from '../crypto/executor.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { GroupId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { Store } from '../ports/store.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import { SottoError } from '../sotto-error.ts';
import { listOwnGroups } from '../transport/group-calls.ts';
import type { AuthorizedClient } from '../transport/http-client.ts';
import type { Followed, GroupFollower } from './group-follower.ts';
import { isForkedByRelay } from './group-fork.ts';
import { groupIdOf } from './group-id.ts';
import type { GroupKeyExchange } from './group-key-exchange.ts';
import type { GroupLanes } from './group-lanes.ts';
import { groupLock } from './group-lock.ts';

/** How many logs are fetched side by side when the client connects. */
const logsAtOnce = 4;
/** How often a log is asked for that is said to be longer than the relay shows. */
const mostTries = 6;
const firstWait = 1_000;
const longestWait = 60_000;

/** What `GroupSync` works with. */
export interface GroupSyncParts {
  readonly executor: Executor;
  readonly store: Store;
  readonly http: AuthorizedClient;
  readonly follower: GroupFollower;
  readonly keys: GroupKeyExchange;
  readonly lanes: GroupLanes;
  readonly timers: Timers;
  readonly sha256: Sha256;
  readonly logger: Logger;
  /** Ends what is under way. */
  readonly ended: AbortSignal;
  /** More of a group is known than before: what waited for that is tried again. */
  readonly onMoved: (groupId: GroupId) => void;
  /** A log was followed to its end: what else is to be done there may be due. */
  readonly onReached: (groupId: GroupId) => Promise<void>;
  /** The relay does not count this account among the members of a group of which it is one. */
  readonly onShutOut: (groupId: GroupId) => Promise<void>;
  /** The relay counts this account among the members of a group of which it knows nothing here; or it may, after a removal of which somebody knows more. */
  readonly onUnknown: (wireId: Uint8Array) => Promise<void>;
  /** The store failed. */
  readonly onFailure: (error: unknown) => void;
}

/** Keeps what is known of all groups where their logs are: one at a time of each group, and never more often than needed. */
export class GroupSync {
  private readonly parts: GroupSyncParts;
  /** What waits for its turn: whoever asks for the same meanwhile shares it. */
  private readonly waiting = new Map<GroupId, Promise<Followed>>();
  private readonly tries = new Map<GroupId, number>();
  private readonly timers = new Map<GroupId, CancelTimer>();
  private readonly background = new Set<Promise<void>>();
  private cancelLook: CancelTimer | undefined;
  private isConnected = false;
  private isLive = false;

  constructor(parts: GroupSyncParts) {
    this.parts = parts;
  }

  /**
   * Follows a group's log to its end, with all that was in it when this was called.
   * @throws {SottoError} as `GroupFollower.follow`
   */
  sync(groupId: GroupId): Promise<Followed> {
    const known = this.waiting.get(groupId);
    if (known !== undefined) return known;
    const synced = this.parts.lanes.run(groupId, () => {
      this.waiting.delete(groupId);
      return this.syncNow(groupId);
    });
    this.waiting.set(groupId, synced);
    return synced;
  }

  /** The same for one who has the group's lane. */
  async syncNow(groupId: GroupId): Promise<Followed> {
    const { follower, keys, onMoved, ended } = this.parts;
    const followed = await follower.follow(groupId, ended);
    keys.note(groupId, followed.missing);
    if (followed.moved) onMoved(groupId);
    return followed;
  }

  /** There may be news: the log is looked at in the background, as soon as there is a connection. */
  wake(groupId: GroupId): void {
    const { ended } = this.parts;
    if (!this.isConnected || ended.aborted) return;
    const work = this.look(groupId).finally(() => this.background.delete(work));
    this.background.add(work);
  }

  /** The client is connected: a log that mail speaks of is read however much mail waits, since what waits may be held for it. */
  connected(): void {
    this.isConnected = true;
  }

  /** The client is connected, and its mailbox empty: looks where groups are behind. */
  start(): void {
    this.isConnected = true;
    this.isLive = true;
    this.parts.keys.start();
    this.lookAround(1);
  }

  /** The connection is gone. */
  pause(): void {
    this.isConnected = false;
    this.isLive = false;
    for (const cancel of this.timers.values()) cancel();
    this.timers.clear();
    this.cancelLook?.();
  }

  /** Resolves when nothing is under way. Idempotent. */
  async stop(): Promise<void> {
    this.pause();
    while (this.background.size > 0) await Promise.all(this.background);
  }

  /** Catches up, and does it again after a while when the relay did not say all that it is asked for. */
  private lookAround(tried: number): void {
    const work = this.catchUp()
      .catch((error: unknown) => {
        this.report(error);
        return error;
      })
      .then((missed) => {
        if (!(missed instanceof SottoError) || !missed.retryable || !this.isLive || tried > mostTries) return;
        const wait = Math.max(missed.retryAfterMs ?? 0, waitAfter(tried));
        this.cancelLook?.();
        this.cancelLook = this.parts.timers.after(wait, () => this.lookAround(tried + 1));
      })
      .finally(() => this.background.delete(work));
    this.background.add(work);
  }

  /** Asks the relay where all own groups are, and follows those that are behind. Gives why it could not be asked about one of which nothing is known here. */
  private async catchUp(): Promise<unknown> {
    const { http, store, sha256, ended, onUnknown } = this.parts;
    let missed: unknown;
    const behind = new Set((await store.groupsBehind()).map(({ id }) => id));
    const listed = new Map<GroupId, number>();
    for (let after: Uint8Array | undefined; ; ) {
      const page = await listOwnGroups(http, after, { signal: ended });
      for (const { wireId, revision } of page) {
        const groupId = groupIdOf(wireId, sha256);
        listed.set(groupId, revision);
        const group = await store.get('group', { id: groupId });
        if (group?.standing === 'member') continue;
        await onUnknown(wireId).catch((error: unknown) => {
          this.report(error);
          missed = error;
        });
      }
      after = page.at(-1)?.wireId;
      if (page.length < 500) break;
    }
    for (let after: GroupId | undefined; ; ) {
      const page = await store.groups(after, 100);
      for (const group of page) {
        const { id, standing, revision } = group;
        // Also one that the relay leaves out, shows at an earlier revision, or showed otherwise before: then something is wrong.
        if (standing === 'member' && (listed.get(id) !== revision || isForkedByRelay(group))) behind.add(id);
      }
      after = page.at(-1)?.id;
      if (page.length < 100) break;
    }
    const queue = [...behind];
    const workers = Array.from({ length: logsAtOnce }, async () => {
      for (let id = queue.shift(); id !== undefined && this.isLive; id = queue.shift()) {
        await this.look(id);
      }
    });
    await Promise.all(workers);
    return missed;
  }

  /** Follows a log, and does what is due then. Failures are reported. */
  private async look(groupId: GroupId): Promise<void> {
    this.timers.get(groupId)?.();
    this.timers.delete(groupId);
    try {
      await this.after(groupId, await this.sync(groupId));
    } catch (error) {
      await this.failed(groupId, error);
    }
  }

  private async after(groupId: GroupId, { outcome }: Followed): Promise<void> {
    const { store, onReached, onUnknown } = this.parts;
    const group = await store.get('group', { id: groupId });
    if (outcome !== 'reached' || group === undefined) {
      this.tries.delete(groupId);
      // Let in anew, by a welcome that came before the removal was read: it is asked for again.
      if (group?.standing === 'removed' && group.knownRevision > group.revision) await onUnknown(group.wireId);
      return;
    }
    if (group.knownRevision > group.revision) {
      // Somebody knows of more than the relay shows.
      if (!this.again(groupId)) await this.settleFor(groupId);
      return;
    }
    this.tries.delete(groupId);
    await onReached(groupId);
  }

  /** The log is no longer than the relay shows, whatever somebody said. Whoever speaks of a later revision again makes it be asked for again. */
  private async settleFor(groupId: GroupId): Promise<void> {
    this.tries.delete(groupId);
    this.parts.logger.warn('group.log-withheld');
    await this.parts.executor.run([groupLock(groupId)], async (overlay) => {
      const group = await overlay.get('group', { id: groupId });
      if (group !== undefined) overlay.put('group', { ...group, knownRevision: group.revision });
    });
  }

  private async failed(groupId: GroupId, error: unknown): Promise<void> {
    if (this.parts.ended.aborted) return;
    if (error instanceof SottoError && error.code === 'group-unknown') {
      await this.parts.onShutOut(groupId).catch((cause: unknown) => this.report(cause));
      return;
    }
    this.report(error);
    if (error instanceof SottoError && error.retryable) this.again(groupId, error.retryAfterMs);
  }

  /** Does it again after a while; false when it was tried often enough. */
  private again(groupId: GroupId, least = 0): boolean {
    const tried = (this.tries.get(groupId) ?? 0) + 1;
    if (tried > mostTries || !this.isConnected) return !this.isConnected;
    this.tries.set(groupId, tried);
    const wait = Math.max(least, waitAfter(tried));
    this.timers.get(groupId)?.();
    this.timers.set(
      groupId,
      this.parts.timers.after(wait, () => this.wake(groupId)),
    );
    return true;
  }

  /** A store that fails is for its owner; the rest is tried again when there is a connection. */
  private report(error: unknown): void {
    if (this.parts.ended.aborted) return;
    if (!(error instanceof SottoError) || error.code.startsWith('store-')) {
      this.parts.onFailure(error);
      return;
    }
    this.parts.logger.info('group.not-synced', { code: error.code });
  }
}

function waitAfter(tried: number): number {
  return Math.min(longestWait, firstWait * 2 ** tried);
}
