import { chatOfGroup, chatWith } from '../chats/chat-state.ts';
import type { Executor } from '../crypto/executor.ts';
import { GroupAbsence } from '../groups/group-absence.ts';
import { GroupAvatars } from '../groups/group-avatars.ts';
import { GroupChanges } from '../groups/group-changes.ts';
import { GroupFollower } from '../groups/group-follower.ts';
import { GroupInvitations } from '../groups/group-invitations.ts';
import { GroupKeyExchange } from '../groups/group-key-exchange.ts';
import { GroupLanes } from '../groups/group-lanes.ts';
import { GroupPlan } from '../groups/group-plan.ts';
import { GroupSettlement } from '../groups/group-settlement.ts';
import { GroupSync } from '../groups/group-sync.ts';
import { GroupUpkeep } from '../groups/group-upkeep.ts';
import { GroupWelcomeAsker } from '../groups/group-welcome-asker.ts';
import type { InviteLink } from '../groups/invite-link.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import type { ChatId, GroupId } from '../ports/ids.ts';
import type { Platform } from '../ports/platform.ts';
import type { Store } from '../ports/store.ts';
import { SottoError } from '../sotto-error.ts';
import type { ConnectionState } from '../transport/connection-state.ts';
import type { AuthorizedClient } from '../transport/http-client.ts';

/** What the work on groups is assembled from. */
export interface GroupWorkParts {
  readonly platform: Platform;
  readonly store: Store;
  readonly executor: Executor;
  readonly http: AuthorizedClient;
  /** @throws {SottoError} `not-registered`, `session-ended` */
  readonly origin: () => ContentOrigin;
  /** Ends what is under way. */
  readonly ended: AbortSignal;
  /** Something waits in these queues. */
  readonly onQueued: (chatId: ChatId) => void;
  /** Resolves when these rows of the outbox are with the relay, or are not waited for any longer. */
  readonly keysDelivered: (rows: readonly number[]) => Promise<void>;
  /** More of a group is known than before: what waited for that is tried again. */
  readonly onMoved: (groupId: GroupId) => void;
  readonly onFailure: (error: unknown) => void;
}

/** Everything that keeps groups where their logs are, and brings own changes into them. */
export class GroupWork {
  readonly avatars: GroupAvatars;
  readonly changes: GroupChanges;
  readonly invitations: GroupInvitations;
  private readonly sync: GroupSync;
  private readonly keys: GroupKeyExchange;
  private readonly upkeep: GroupUpkeep;
  private readonly onQueued: (chatId: ChatId) => void;

  constructor(parts: GroupWorkParts) {
    const { platform, store, executor, http, origin, ended, onQueued, keysDelivered, onMoved, onFailure } = parts;
    const { clock, timers, tracer, randomness, sha256, logger } = platform;
    const self = () => origin().account.userId;
    const upkeep = new GroupUpkeep({
      executor,
      store,
      http,
      origin,
      clock,
      logger,
      ended,
    });
    this.upkeep = upkeep;
    this.onQueued = onQueued;
    this.invitations = new GroupInvitations({ executor, http, origin, clock });
    const lanes = new GroupLanes();
    const absence = new GroupAbsence({ executor, store, http, self, clock, lanes, logger, ended, onMoved });
    const isLikelyOut = (groupId: GroupId) => absence.isLikely(groupId);
    this.avatars = new GroupAvatars({
      store,
      http,
      origin,
      letSelfIn: (groupId) => upkeep.letSelfIn(groupId),
      isLikelyOut,
    });
    const asker = new GroupWelcomeAsker({
      executor,
      store,
      http,
      origin,
      clock,
      logger,
      ended,
      onQueued: (userId) => onQueued(chatWith(userId)),
    });
    this.keys = new GroupKeyExchange({
      executor,
      store,
      origin,
      clock,
      timers,
      randomness,
      onQueued: (userId) => onQueued(chatWith(userId)),
      onUnanswered: async (groupId) => (await absence.look(groupId)) || asker.askInVain(groupId),
      onFailure,
    });
    this.sync = new GroupSync({
      executor,
      store,
      http,
      follower: new GroupFollower({ executor, store, http, self, clock, sha256, logger }),
      keys: this.keys,
      lanes,
      timers,
      sha256,
      logger,
      ended,
      onMoved,
      onReached: (groupId) => upkeep.look(groupId),
      onShutOut: async (groupId) => {
        if (await upkeep.letSelfIn(groupId)) this.sync.wake(groupId);
      },
      onUnknown: (wireId) => asker.ask(wireId),
      onFailure,
    });
    this.changes = new GroupChanges({
      executor,
      store,
      http,
      plan: new GroupPlan({ executor, store, origin, clock }),
      settlement: new GroupSettlement({ executor, store, origin, clock }),
      upkeep,
      sync: this.sync,
      isLikelyOut,
      lookAtInvited: async (wireId, inviteKey) => {
        const link: InviteLink = { wireId, inviteKey };
        await this.invitations.keep(await this.invitations.look(link, { signal: ended }));
      },
      keysDelivered,
      timers,
      tracer,
      logger,
      ended,
      onQueued,
      onFailure,
    });
  }

  /** There may be news of a group: its log is looked at, and what waits for it, since a word may have settled that there is another log. */
  wake(groupId: GroupId): void {
    this.sync.wake(groupId);
    this.onQueued(chatOfGroup(groupId));
  }

  /**
   * Follows a group's log to its end, and has the relay count the members as the log does.
   * @throws {SottoError} as `GroupSync.sync`
   */
  async refresh(groupId: GroupId): Promise<void> {
    const { outcome } = await this.sync.sync(groupId).catch(async (error: unknown) => {
      const isShutOut = error instanceof SottoError && error.code === 'group-unknown';
      if (!isShutOut || !(await this.upkeep.letSelfIn(groupId))) throw error;
      return this.sync.sync(groupId);
    });
    // Whoever can't read on may have been removed: then the table is not for them, and what is behind it is not known here.
    if (outcome === 'reached') await this.upkeep.compareTable(groupId);
  }

  /** Follows the connection: logs that mail speaks of are read while there is one, everything else waits for the end of the mailbox. */
  stateChanged(state: ConnectionState): void {
    if (state === 'live') this.start();
    else this.pause();
    if (state === 'catching-up') this.sync.connected();
  }

  /** The client is connected, and its mailbox empty. */
  start(): void {
    this.changes.resume();
    this.sync.start();
  }

  /** The connection is gone. */
  pause(): void {
    this.keys.pause();
    this.sync.pause();
  }

  /** Resolves when nothing is under way. The caller has aborted `ended`. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all([this.changes.stop(), this.keys.stop()]);
    await this.sync.stop();
  }
}
