import { toBase64Url } from '@sotto/proto';
import { hasEnded } from '../accounts/standing.ts';
import { chatLock, chatWith } from '../chats/chat-state.ts';
import type { Executor } from '../crypto/executor.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { addHiddenContent } from '../outbox/hidden-row.ts';
import type { Clock } from '../ports/clock.ts';
import type { UserId } from '../ports/ids.ts';
import type { Store } from '../ports/store.ts';
import { requestGroupMembers } from '../transport/group-calls.ts';
import type { AuthorizedClient } from '../transport/http-client.ts';
import { writeKeyRequest } from './group-keys.ts';

/** How many members are asked at once. */
const askedAtOnce = 3;
/** How long the members of a group are not asked again. */
const againAfter = 3_600_000;

/** What asking works with. */
export interface WelcomeAskerParts {
  readonly executor: Executor;
  readonly store: Store;
  readonly http: AuthorizedClient;
  /** @throws {SottoError} `not-registered`, `session-ended` */
  readonly origin: () => ContentOrigin;
  readonly clock: Clock;
  readonly ended: AbortSignal;
  /** Something waits in the outbox for this person. */
  readonly onQueued: (userId: UserId) => void;
}

/** Asks members for the welcome to a group that the relay counts this account to, and of which nothing is known here: it was away for longer than mail is kept. */
export class GroupWelcomeAsker {
  private readonly parts: WelcomeAskerParts;
  private readonly asked = new Map<string, number>();

  constructor(parts: WelcomeAskerParts) {
    this.parts = parts;
  }

  /**
   * Asks some members, those first whose chats are accepted. Of one group once an hour.
   * @throws {SottoError} as AuthorizedClient
   */
  async ask(wireId: Uint8Array): Promise<void> {
    const { executor, http, origin, clock, ended, onQueued } = this.parts;
    const name = toBase64Url(wireId);
    const now = clock.now();
    if (now < (this.asked.get(name) ?? 0) + againAfter) return;
    this.asked.set(name, now);
    const members = await requestGroupMembers(http, wireId, { signal: ended });
    const self = origin().account.userId;
    // Nobody welcomes who is none.
    if (!members.includes(self)) {
      this.asked.delete(name);
      return;
    }
    const chosen = await this.choose(members.filter((userId) => userId !== self));
    const locks = chosen.map((userId) => chatLock(chatWith(userId)));
    await executor.run(locks, async (overlay) => {
      if (await hasEnded(overlay)) return;
      const fields = { groupKeyRequest: writeKeyRequest(wireId, []) };
      for (const userId of chosen) addHiddenContent(overlay, origin(), userId, fields, now);
    });
    for (const userId of chosen) onQueued(userId);
  }

  private async choose(members: readonly UserId[]): Promise<readonly UserId[]> {
    const { store } = this.parts;
    const known: UserId[] = [];
    const others: UserId[] = [];
    for (const userId of members) {
      const user = await store.get('user', { id: userId });
      if (user?.blockedAt !== undefined) continue;
      const chat = await store.get('chat', { id: chatWith(userId) });
      (chat?.accepted === true ? known : others).push(userId);
    }
    return [...known, ...others].slice(0, askedAtOnce);
  }
}
