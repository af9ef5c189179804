import { clientStopped } from '../client-stopped.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { stateOf } from '../groups/stored-group.ts';
import { type Bucket, fullBucket, type Rate, refilled, waitFor } from '../limits/token-bucket.ts';
import type { EventRecord } from '../ports/event-records.ts';
import type { GroupId, UserId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { StoreQueries } from '../ports/store.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import { SottoError } from '../sotto-error.ts';
import { learnProfile, type ProfileLearning } from './peer-profiles.ts';

/** What `MemberProfiles` works with. */
export interface MemberProfilesParts extends ProfileLearning {
  readonly store: Pick<StoreQueries, 'groups'>;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly onFailure: (error: unknown) => void;
}

/** How fast profiles are asked for: far below what a relay grants one address, which others may share. */
export const profileRate: Rate = { burst: 32, perSecond: 1 };
/** Of larger groups only those who write are learned by name, and who asks to be let in: all of a thousand would ask for all. */
const largestGroup = 256;
/** How long nothing is asked for after the relay could not be asked, when it does not say. */
const restAfterFailure = 30_000;
const page = 64;

/**
 * Learns the names of those who are in groups with this user, or ask to be let in, and have not written: the state of a group has their profile keys.
 *
 * One after the other, in the background, while the client is connected: all groups once a run, then those that change. Whose profile does not open with that key is not asked for again before another key is known.
 */
export class MemberProfiles {
  readonly #parts: MemberProfilesParts;
  readonly #ending = new AbortController();
  readonly #groups = new Set<GroupId>();
  readonly #wanted = new Map<UserId, Uint8Array>();
  /** The keys that did not open what the relay has. */
  readonly #refused = new Map<UserId, Uint8Array>();
  #bucket: Bucket;
  #live = false;
  #seenAll = false;
  #cancelRest: CancelTimer | undefined;
  #working: Promise<void> | undefined;

  constructor(parts: MemberProfilesParts) {
    this.#parts = parts;
    this.#bucket = fullBucket(profileRate, parts.clock.now());
  }

  /** Events were committed: groups that changed by them are looked at. */
  committed(events: readonly EventRecord[]): void {
    for (const { fact } of events) {
      if (fact.type === 'group.changed' || fact.type === 'group.requested') this.#groups.add(fact.groupId);
      // That of a group has the group's id; that of a person is of no group.
      if (fact.type === 'chat.created') this.#groups.add(fact.chatId as string as GroupId);
    }
    if (this.#groups.size > 0) this.#wake();
  }

  /** Whether the client is connected, and has caught up. */
  setLive(live: boolean): void {
    this.#live = live;
    if (live) this.#wake();
  }

  /** Gives up what is under way. Idempotent. */
  async stop(): Promise<void> {
    this.#ending.abort(clientStopped());
    this.#cancelRest?.();
    await this.#working;
  }

  get #isOff(): boolean {
    return !this.#live || this.#ending.signal.aborted;
  }

  #wake(): void {
    if (this.#isOff || this.#cancelRest !== undefined) return;
    this.#working ??= this.#work()
      .catch((error: unknown) => {
        if (!this.#ending.signal.aborted) this.#parts.onFailure(error);
      })
      .finally(() => {
        this.#working = undefined;
      });
  }

  async #work(): Promise<void> {
    while (!this.#isOff) {
      await this.#look();
      const next = this.#wanted.entries().next().value;
      if (next === undefined) return;
      const wait = this.#take();
      if (wait > 0) {
        this.#rest(wait);
        return;
      }
      const [userId, profileKey] = next;
      this.#wanted.delete(userId);
      if (!(await this.#learn(userId, profileKey))) return;
    }
  }

  /** How long to wait until one more profile may be asked for; 0 = it may, and counts. */
  #take(): number {
    this.#bucket = refilled(this.#bucket, profileRate, this.#parts.clock.now());
    const wait = waitFor(this.#bucket, profileRate, 1);
    if (wait === 0) this.#bucket = { ...this.#bucket, tokens: this.#bucket.tokens - 1 };
    return wait;
  }

  #rest(ms: number): void {
    this.#cancelRest = this.#parts.timers.after(ms, () => {
      this.#cancelRest = undefined;
      this.#wake();
    });
  }

  /** Finds whose names are not known, in the groups that have changed. */
  async #look(): Promise<void> {
    const { store, executor } = this.#parts;
    if (!this.#seenAll) {
      for (let after: GroupId | undefined; ; ) {
        const groups = await store.groups(after, page);
        for (const { id } of groups) this.#groups.add(id);
        after = groups.at(-1)?.id;
        if (after === undefined) break;
      }
      this.#seenAll = true;
    }
    for (const id of this.#groups) {
      this.#groups.delete(id);
      await executor.run([], async (overlay) => {
        const group = await overlay.get('group', { id });
        const state = group?.standing === 'member' ? stateOf(group) : undefined;
        const self = (await overlay.get('account', {}))?.userId;
        const members = state === undefined || state.members.length > largestGroup ? [] : state.members;
        for (const { userId, profileKey } of [...members, ...(state?.requests ?? [])]) {
          const user = await overlay.get('user', { id: userId });
          const key = user?.profileKey ?? profileKey;
          if (userId === self || key === undefined || (user?.username ?? '') !== '') continue;
          const refused = this.#refused.get(userId);
          if (user?.blockedAt === undefined && !(refused && sameBytes(refused, key))) this.#wanted.set(userId, key);
        }
      });
    }
  }

  /** Whether to go on with the others at once. */
  async #learn(userId: UserId, profileKey: Uint8Array): Promise<boolean> {
    const { logger } = this.#parts;
    try {
      await learnProfile(this.#parts, userId, profileKey, this.#ending.signal);
      return true;
    } catch (error) {
      if (!(error instanceof SottoError) || this.#ending.signal.aborted) throw error;
      if (error.code.startsWith('store-') || error.code === 'session-ended') throw error;
      logger.info('profile.not-learned', { code: error.relayCode ?? error.code });
      // The account is gone, its profile does not open with this key, or the relay does not know what is asked: a name is nothing to fail for.
      if (!error.retryable) {
        this.#refused.set(userId, profileKey);
        return true;
      }
      this.#wanted.set(userId, profileKey);
      this.#rest(Math.max(error.retryAfterMs ?? 0, restAfterFailure));
      return false;
    }
  }
}
