import { toBase64Url } from '@sotto/proto';
import { hasEnded } from '../accounts/standing.ts';
import { chatLock, chatWith } from '../chats/chat-state.ts';
import type { Executor } from '../crypto/executor.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { addHiddenContent } from '../outbox/hidden-row.ts';
import type { Clock } from '../ports/clock.ts';
import type { GroupId, UserId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { Store } from '../ports/store.ts';
import { SottoError } from '../sotto-error.ts';
import { requestGroupMembers } from '../transport/group-calls.ts';
import type { AuthorizedClient } from '../transport/http-client.ts';
import { groupIdOf } from './group-id.ts';
import { writeKeyRequest } from './group-keys.ts';
import { hasRoomForGroups } from './group-requests.ts';
import { memberOf } from './group-state.ts';
import { stateOf } from './stored-group.ts';

/** How many members are asked at once. */
const askedAtOnce = 3;
/** How long the members of a group are not asked again. */
const againAfter = 3_600_000;
/** In how many groups members are asked in that time: anybody can have the relay count this account to their groups. */
const mostGroups = 32;
/** Of how many groups in which there is nobody to ask the members are looked at in that time. */
const mostLookedAt = 256;

/** What asking works with. */
export interface WelcomeAskerParts {
  readonly executor: Executor;
  readonly store: Store;
  readonly http: AuthorizedClient;
  /** @throws {SottoError} `not-registered`, `session-ended` */
  readonly origin: () => ContentOrigin;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ended: AbortSignal;
  /** Something waits in the outbox for this person. */
  readonly onQueued: (userId: UserId) => void;
}

/** Asks members for the welcome to a group that the relay counts this account to, and of which nothing is known here, or nothing can be read on: it was away for longer than mail is kept, or was let in anew after a removal that it can't read. */
export class GroupWelcomeAsker {
  private readonly parts: WelcomeAskerParts;
  private readonly asked = new Map<string, number>();
  /** Where there was nobody to ask. */
  private readonly lookedAt = new Map<string, number>();

  constructor(parts: WelcomeAskerParts) {
    this.parts = parts;
  }

  /**
   * Asks some of those who were members when it was last read, and of those whose chats are accepted. Of one group once an hour.
   *
   * Nobody else: whoever has the relay count this account to their group would learn by it that it is there.
   * @throws {SottoError} as AuthorizedClient
   */
  async ask(wireId: Uint8Array): Promise<void> {
    const { executor, store, http, origin, clock, ended, onQueued } = this.parts;
    const name = toBase64Url(wireId);
    const now = clock.now();
    for (const noted of [this.asked, this.lookedAt]) forgetPast(noted, now);
    if (this.asked.has(name) || this.asked.size >= mostGroups) return;
    if (this.lookedAt.has(name) || this.lookedAt.size >= mostLookedAt) return;
    const groupId = groupIdOf(wireId, origin().sha256);
    // A welcome of a stranger would be passed over.
    if ((await store.get('group', { id: groupId })) === undefined && !(await hasRoomForGroups(store))) return;
    this.asked.set(name, now);
    const members = await requestGroupMembers(http, wireId, { signal: ended }).catch((error: unknown) => {
      this.asked.delete(name);
      throw error;
    });
    const self = origin().account.userId;
    // Nobody welcomes who is none.
    if (!members.includes(self)) {
      this.asked.delete(name);
      return;
    }
    const others = members.filter((userId) => userId !== self);
    const chosen = await this.choose(groupId, others);
    if (chosen.length === 0) {
      this.asked.delete(name);
      this.lookedAt.set(name, now);
      return;
    }
    const locks = chosen.map((userId) => chatLock(chatWith(userId)));
    await executor.run(locks, async (overlay) => {
      if (await hasEnded(overlay)) return;
      const fields = { groupKeyRequest: writeKeyRequest(wireId, []) };
      for (const userId of chosen) addHiddenContent(overlay, origin(), userId, fields, now);
    });
    for (const userId of chosen) onQueued(userId);
  }

  /** The same for a group whose key was asked for in vain, though the relay counts this account to it. Says that it is not out; that the relay can't be asked is for the log. */
  async askInVain(groupId: GroupId): Promise<false> {
    const { store, logger, ended } = this.parts;
    const group = await store.get('group', { id: groupId });
    if (group === undefined) return false;
    await this.ask(group.wireId).catch((error: unknown) => {
      if (ended.aborted) return;
      if (!(error instanceof SottoError) || error.code.startsWith('store-')) throw error;
      logger.info('group.welcome-not-asked', { code: error.code });
    });
    return false;
  }

  private async choose(groupId: GroupId, members: readonly UserId[]): Promise<readonly UserId[]> {
    const { store } = this.parts;
    const group = await store.get('group', { id: groupId });
    const last = group && stateOf(group);
    const known: UserId[] = [];
    for (const userId of members) {
      const user = await store.get('user', { id: userId });
      if (user?.blockedAt !== undefined) continue;
      const chat = await store.get('chat', { id: chatWith(userId) });
      const wasMember = last !== undefined && memberOf(last, userId) !== undefined;
      if (wasMember || chat?.accepted === true) known.push(userId);
    }
    return known.slice(0, askedAtOnce);
  }
}

/** What was noted for later than now was so by a clock that was set back since. */
function forgetPast(noted: Map<string, number>, now: number): void {
  for (const [group, at] of noted) if (now < at || now >= at + againAfter) noted.delete(group);
}
