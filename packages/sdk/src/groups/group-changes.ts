import type { Executor } from '../crypto/executor.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { GroupIntentRecord } from '../ports/group-records.ts';
import type { ChatId, GroupId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { Store } from '../ports/store.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import type { Tracer } from '../ports/tracer.ts';
import { SottoError } from '../sotto-error.ts';
import { abortable } from '../transport/abortable.ts';
import { appendGroupRecord, requestGroupLog } from '../transport/group-calls.ts';
import type { AuthorizedClient, CallOptions } from '../transport/http-client.ts';
import type { GroupPosition } from './group-head.ts';
import { avatarAfter, type WishedChange, wishOf } from './group-intent.ts';
import { GroupLanes } from './group-lanes.ts';
import { groupLock } from './group-lock.ts';
import type { GroupPlan, PlannedChange } from './group-plan.ts';
import { decodeRecord } from './group-record.ts';
import { groupChanged, groupNotMember, inviteInvalid, inviteUsed } from './group-refusal.ts';
import type { GroupSettlement } from './group-settlement.ts';
import type { GroupSync } from './group-sync.ts';
import type { GroupUpkeep } from './group-upkeep.ts';
import { inviteToken } from './invite-link.ts';

/** How often a change is made again because others were faster. */
const mostRebases = 8;
const firstWait = 1_000;
const longestWait = 60_000;

/** What `GroupChanges` works with. */
export interface GroupChangesParts {
  readonly executor: Executor;
  readonly store: Store;
  readonly http: AuthorizedClient;
  readonly plan: GroupPlan;
  readonly settlement: GroupSettlement;
  readonly upkeep: GroupUpkeep;
  readonly sync: Pick<GroupSync, 'sync'>;
  /** Whether this user was most likely removed from a group that waits for a key. */
  readonly isLikelyOut: (groupId: GroupId) => Promise<boolean>;
  /** Looks again at a group that this user comes into by a link. */
  readonly lookAtInvited: (wireId: Uint8Array, inviteKey: Uint8Array) => Promise<void>;
  /** Resolves when these rows of the outbox are with the relay, or are not waited for any longer. */
  readonly keysDelivered: (rows: readonly number[]) => Promise<void>;
  readonly timers: Timers;
  readonly tracer: Tracer;
  readonly logger: Logger;
  /** Ends what is under way; what is written down is finished the next time. */
  readonly ended: AbortSignal;
  /** Something waits in these queues. */
  readonly onQueued: (chatId: ChatId) => void;
  /** The store failed. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Changes that this user makes: each is written down before the relay is asked, and finished however often the client is stopped in between.
 *
 * Of one group one at a time. When somebody else was faster the change is made again on what they made of the group, as far as it still makes sense.
 */
export class GroupChanges {
  private readonly parts: GroupChangesParts;
  private readonly lanes = new GroupLanes();
  private readonly background = new Set<Promise<void>>();
  private readonly paused = new Set<() => void>();

  constructor(parts: GroupChangesParts) {
    this.parts = parts;
  }

  /**
   * Makes a change, and resolves when the relay has taken it. Offline it waits; an aborted signal ends the wait, and not the change once it is written down.
   * @param start where a new group begins
   * @throws {SottoError} `group-unknown`, `group-not-member`, `group-not-allowed`, `group-full`, `group-changed`, `group-forked`, `invite-used`, `user-unknown`, `session-ended`, and as AuthorizedClient
   */
  change(
    groupId: GroupId,
    wish: WishedChange,
    { signal, start }: CallOptions & { readonly start?: GroupPosition | undefined } = {},
  ): Promise<void> {
    const work = this.lanes.run(groupId, async () => {
      signal?.throwIfAborted();
      await this.finish(groupId);
      signal?.throwIfAborted();
      await this.carry(groupId, wish, undefined, start, signal);
    });
    this.keep(work);
    return abortable(work, signal);
  }

  /** Goes on with what was written down before: now there is a connection. */
  resume(): void {
    for (const wake of this.paused) wake();
    const work = this.resumeAll().catch((error: unknown) => this.report(error));
    this.keep(work);
  }

  /** Resolves when nothing is under way. The caller has aborted `ended`. Idempotent. */
  async stop(): Promise<void> {
    for (const wake of this.paused) wake();
    await Promise.all(this.background);
    await this.lanes.idle();
  }

  private async resumeAll(): Promise<void> {
    for (const { groupId } of await this.parts.store.groupIntents()) {
      await this.lanes.run(groupId, () => this.finish(groupId)).catch((error: unknown) => this.report(error));
    }
  }

  /** Finishes a change of before, if there is one. What became of it is for the log: whoever wanted it is gone. */
  private async finish(groupId: GroupId): Promise<void> {
    const intent = await this.parts.store.get('groupIntent', { groupId });
    if (intent === undefined) return;
    try {
      await this.carry(groupId, wishOf(intent), intent, undefined);
    } catch (error) {
      if (!(error instanceof SottoError) || error.code.startsWith('store-')) throw error;
      if ((await this.parts.store.get('groupIntent', { groupId })) !== undefined) throw error;
      this.parts.logger.info('group.change-dropped', { code: error.code });
    }
  }

  private async carry(
    groupId: GroupId,
    wish: WishedChange,
    written: GroupIntentRecord | undefined,
    start: GroupPosition | undefined,
    signal?: AbortSignal,
  ): Promise<void> {
    const { onQueued } = this.parts;
    let intent = written;
    let comesFirst = false;
    // What devices there are is noted where it is not, and asked for nowhere.
    let hasLooked = wish.operations.every(({ type }) => type === 'note-devices');
    for (let tries = 0; ; tries++) {
      if (intent === undefined) {
        const planned = await this.plan(groupId, wish, start);
        if (planned === undefined) {
          // It is so already as far as it is known here: others may have changed that.
          if (hasLooked) return;
          await this.lookAgain(groupId, wish);
          // Nothing was written down.
          signal?.throwIfAborted();
          hasLooked = true;
          continue;
        }
        for (const chatId of planned.queued) onQueued(chatId);
        ({ intent, comesFirst } = planned);
      }
      if (await this.put(intent)) {
        await this.settle(intent);
        if (!comesFirst) return;
        intent = undefined;
        continue;
      }
      await this.drop(groupId);
      if (tries === mostRebases) throw groupChanged();
      await this.lookAgain(groupId, wish);
      hasLooked = true;
      intent = undefined;
    }
  }

  /** Writes a change down. The record that removes somebody may stand under a key that they are not to have: they are told that they are out, and not to wait. */
  private async plan(groupId: GroupId, wish: WishedChange, start?: GroupPosition): Promise<PlannedChange | undefined> {
    try {
      return await this.parts.plan.make(groupId, wish, start);
    } catch (error) {
      const waits = error instanceof SottoError && error.code === 'group-changed' && error.retryable;
      throw waits && (await this.parts.isLikelyOut(groupId)) ? groupNotMember(error) : error;
    }
  }

  /** Puts a record to the relay, once its new key is there for the others, until it answers: whether it was taken, by its word or by its log. */
  private async put(intent: GroupIntentRecord): Promise<boolean> {
    const { http, ended, upkeep, tracer, store, keysDelivered } = this.parts;
    const { groupId, record, added, removed, inviteKey, keyRows } = intent;
    const wireId = decodeRecord(record)?.wireId;
    if (wireId === undefined) throw new SottoError('internal', 'a change of a group was kept that is none: report it');
    const token = inviteKey && inviteToken({ wireId, inviteKey });
    const isGuest = inviteKey !== undefined;
    const avatar = isGuest ? undefined : avatarAfter(intent, await store.get('group', { id: groupId }));
    for (let failures = 0; ; failures++) {
      try {
        // A record whose key nobody else has would stop the group, should this device be gone before it can give it.
        await keysDelivered(keyRows);
        const append = { record, added, removed, avatar, inviteToken: token };
        await appendGroupRecord(http, wireId, append, { signal: ended });
        tracer.reached('group-change.answered');
        return true;
      } catch (error) {
        ended.throwIfAborted();
        if (!(error instanceof SottoError)) throw error;
        if (error.code === 'group-changed') return this.isInLog(intent, wireId);
        if (error.retryable) {
          await this.pause(failures, error.retryAfterMs);
          continue;
        }
        // Only what the relay has said ends a change: it may have taken it already.
        if (error.relayCode === undefined || error.code === 'session-ended') throw error;
        const isShutOut = error.code === 'group-unknown' && inviteKey === undefined;
        if (isShutOut && (await this.isOvertaken(intent))) return false;
        if (isShutOut && (await upkeep.letSelfIn(groupId))) continue;
        await this.drop(groupId);
        throw refusalOf(error, inviteKey !== undefined);
      }
    }
  }

  /** Whether a record that the relay refuses is the one that it has all the same: then it was taken, and who came by it is to be welcomed. */
  private async isInLog({ record, revision }: GroupIntentRecord, wireId: Uint8Array): Promise<boolean> {
    const { http, ended, logger } = this.parts;
    for (let failures = 0; ; failures++) {
      try {
        const { records, firstRevision } = await requestGroupLog(http, wireId, revision - 1, { signal: ended });
        const [there] = records;
        const isOwn = there !== undefined && firstRevision === revision && sameBytes(there, record);
        if (isOwn) logger.warn('group.refused-and-taken');
        return isOwn;
      } catch (error) {
        ended.throwIfAborted();
        if (!(error instanceof SottoError)) throw error;
        if (error.code === 'group-unknown') return false;
        if (!error.retryable) throw error;
        await this.pause(failures, error.retryAfterMs);
      }
    }
  }

  /** Whether the log goes on from where a change was made: who is put out reads it before they let themselves in, and may find that they were removed. */
  private async isOvertaken({ groupId, revision }: GroupIntentRecord): Promise<boolean> {
    const { sync, store } = this.parts;
    const { outcome } = await sync.sync(groupId).catch((error: unknown) => {
      if (error instanceof SottoError && error.code === 'group-unknown') return { outcome: undefined };
      throw error;
    });
    const group = await store.get('group', { id: groupId });
    return outcome === 'waits' || (group !== undefined && group.revision >= revision);
  }

  /** What was accepted is kept, and what the relay has beside the log follows. */
  private async settle(intent: GroupIntentRecord): Promise<void> {
    const { settlement, upkeep, onQueued, logger, store } = this.parts;
    const { groupId } = intent;
    const before = await store.get('group', { id: groupId });
    const touchesInvite = changesInvite(intent) || intent.key !== undefined;
    for (const chatId of await settlement.settle(intent, !touchesInvite)) onQueued(chatId);
    const isMember = (await store.get('group', { id: groupId }))?.standing === 'member';
    if (touchesInvite) {
      if (isMember && before !== undefined) await this.insist(() => upkeep.putInvite(groupId));
      await this.drop(groupId);
    }
    if (!isMember) return;
    // Both are due again at the next change, of whomever.
    const passOver = (event: string) => (error: unknown) => {
      if (!(error instanceof SottoError) || error.code.startsWith('store-')) throw error;
      logger.info(event, { code: error.code });
    };
    await upkeep.putCheckpoint(groupId).catch(passOver('group.checkpoint-not-put'));
    await upkeep.lookAfterOwn(groupId).catch(passOver('group.table-not-compared'));
  }

  /** Does something at the relay until it answers. That it will not is no failure of the change. */
  private async insist(work: () => Promise<void>): Promise<void> {
    for (let failures = 0; ; failures++) {
      try {
        await work();
        return;
      } catch (error) {
        this.parts.ended.throwIfAborted();
        if (!(error instanceof SottoError) || error.code.startsWith('store-') || error.code === 'session-ended') {
          throw error;
        }
        if (!error.retryable) {
          this.parts.logger.info('group.invite-not-put', { code: error.code });
          return;
        }
        await this.pause(failures, error.retryAfterMs);
      }
    }
  }

  /** Somebody else may have been faster: sees what they made of the group. */
  private async lookAgain(groupId: GroupId, { inviteKey }: WishedChange): Promise<void> {
    const { sync, lookAtInvited, store, upkeep } = this.parts;
    const wireId = (await store.get('group', { id: groupId }))?.wireId ?? new Uint8Array();
    for (let failures = 0; ; failures++) {
      try {
        if (inviteKey === undefined) await sync.sync(groupId);
        else await lookAtInvited(wireId, inviteKey);
        return;
      } catch (error) {
        this.parts.ended.throwIfAborted();
        if (!(error instanceof SottoError)) throw error;
        if (error.code === 'group-unknown') {
          if (inviteKey === undefined && (await upkeep.letSelfIn(groupId))) continue;
          throw refusalOf(error, inviteKey !== undefined);
        }
        if (!error.retryable) throw error;
        await this.pause(failures, error.retryAfterMs);
      }
    }
  }

  private drop(groupId: GroupId): Promise<void> {
    return this.parts.executor.run([groupLock(groupId)], (overlay) => overlay.delete('groupIntent', { groupId }));
  }

  /** Waits for a while, or for a connection. */
  private pause(failures: number, least = 0): Promise<void> {
    const { timers, ended } = this.parts;
    const wait = Math.max(least, Math.min(longestWait, firstWait * 2 ** failures));
    return new Promise<void>((resolve, reject) => {
      let cancel: CancelTimer = () => undefined;
      const wake = () => {
        cancel();
        this.paused.delete(wake);
        if (ended.aborted) reject(ended.reason);
        else resolve();
      };
      cancel = timers.after(wait, wake);
      this.paused.add(wake);
      if (ended.aborted) wake();
    });
  }

  private keep(work: Promise<void>): void {
    const ended = work
      .then(
        () => undefined,
        // Whoever asked for it has the failure.
        () => undefined,
      )
      .finally(() => this.background.delete(ended));
    this.background.add(ended);
  }

  private report(error: unknown): void {
    if (this.parts.ended.aborted) return;
    if (error instanceof SottoError && !error.code.startsWith('store-')) {
      this.parts.logger.info('group.change-not-finished', { code: error.code });
    } else {
      this.parts.onFailure(error);
    }
  }
}

/** Whether a change opens a link, closes it, or ends it. */
function changesInvite(intent: GroupIntentRecord): boolean {
  return wishOf(intent).operations.some(
    ({ type }) => type === 'set-invite' || type === 'revoke-invite' || type === 'remove-members',
  );
}

function refusalOf(error: SottoError, isGuest: boolean): SottoError {
  if (error.relayCode === 'group-invite-used') return inviteUsed(error);
  if (error.code !== 'group-unknown') return error;
  return isGuest ? inviteInvalid(error) : groupNotMember(error);
}
