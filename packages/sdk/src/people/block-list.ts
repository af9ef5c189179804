import { isUuid } from '@sotto/proto';
import { stayingAccount } from '../accounts/standing.ts';
import { chatLock, chatWith } from '../chats/chat-state.ts';
import type { Executor } from '../crypto/executor.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { peerLock } from '../crypto/ratchet.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { demand } from '../option-rules.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Clock } from '../ports/clock.ts';
import type { UserId } from '../ports/ids.ts';
import type { Randomness } from '../ports/randomness.ts';
import { recordKey } from '../ports/record-key.ts';
import type { StoreQueries } from '../ports/store.ts';
import { SottoError } from '../sotto-error.ts';
import { ownQueue, syncOfContact, tellSiblings } from '../sync/own-sync.ts';
import { newUser } from './blocked.ts';
import { leavesForBlocked, withdrawFromBlocked } from './withdraw.ts';

/** Somebody whom this user has blocked. */
export interface BlockedPerson {
  readonly userId: UserId;
  /** E.164; empty when only the id is known. */
  readonly number: string;
  readonly username: string;
  /** By this device's clock. */
  readonly blockedAt: number;
}

/** What `BlockList` works with. */
export interface BlockListParts {
  readonly executor: Executor;
  readonly store: StoreQueries;
  readonly outbox: Pick<Outbox, 'discard' | 'wake'>;
  /** @throws {SottoError} `not-registered`, `session-ended` */
  readonly origin: () => ContentOrigin;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** A new profile key may wait to be brought to the relay. */
  readonly onRotationDue: () => void;
}

const outboxPage = 256;
/** More is never held of one sender. */
const mostHeld = 1_024;

/**
 * Whom this user has blocked.
 *
 * From the commit on nothing is sent to them and nothing of theirs is shown. A new profile key is made in the same commit, so that a crash can't lose it: once the relay has its access key, whoever is blocked is a stranger there.
 */
export class BlockList {
  readonly #parts: BlockListParts;

  constructor(parts: BlockListParts) {
    this.#parts = parts;
  }

  /**
   * Blocks somebody: what waited for them fails with `blocked`, but for what serves a group, and what was held of theirs goes. Harmless when they are blocked.
   * @throws {SottoError} `argument-invalid`, `recipient-invalid` (the own id), `not-registered`, `session-ended`
   */
  async block(userId: UserId): Promise<void> {
    checkPerson('block', userId);
    const { executor, outbox, clock } = this.#parts;
    // Alone: what the outbox and the held ones are asked for, past the overlay, is all there is.
    const withdrawn = await executor.run(
      ['account', peerLock(userId), chatLock(chatWith(userId))],
      async (overlay) => {
        if (!(await this.mark(overlay, userId, clock.now()))) return undefined;
        return this.#clear(overlay, userId);
      },
      { alone: true },
    );
    if (withdrawn === undefined) return;
    outbox.discard(chatWith(userId), withdrawn);
    outbox.wake(ownQueue(this.#parts.origin().account));
    this.#parts.onRotationDue();
  }

  /**
   * Writes down that somebody is blocked, and that a new profile key is due; the caller's operation holds `account`, the peer's and the chat's lock.
   * @returns whether they were not blocked before
   * @throws {SottoError} `recipient-invalid`, `not-registered`, `session-ended`
   */
  async mark(overlay: Overlay, userId: UserId, now: number): Promise<boolean> {
    const account = stayingAccount(await overlay.get('account', {}));
    if (userId === account.userId) {
      throw new SottoError('recipient-invalid', 'this is your own id: somebody else can be blocked');
    }
    const user = (await overlay.get('user', { id: userId })) ?? newUser(userId, now);
    if (user.blockedAt !== undefined) return false;
    const blocked = { ...user, blockedAt: now, updatedAt: now };
    overlay.put('user', blocked);
    await tellSiblings(overlay, this.#parts.origin, { contact: syncOfContact(blocked) }, now);
    // One device decides, or two would each tell the contacts another key. A key that waits already was told to nobody yet.
    const decides = account.rootSecret !== undefined && account.nextProfileKey === undefined;
    if (decides && (await this.#hasOwnProfileKey(overlay, userId))) {
      overlay.put('account', { ...account, nextProfileKey: this.#parts.randomness.bytes(32) });
    }
    overlay.record({ type: 'contact.blocked', userId });
    return true;
  }

  /**
   * Takes somebody back: what they send from now on is shown again. What came meanwhile is gone. They get the new profile key with the next message to them. Harmless when they are not blocked.
   * @throws {SottoError} `argument-invalid`, `not-registered`, `session-ended`
   */
  async unblock(userId: UserId): Promise<void> {
    checkPerson('unblock', userId);
    const { executor, outbox, origin, clock } = this.#parts;
    await executor.run(['account', peerLock(userId), chatLock(chatWith(userId))], async (overlay) => {
      stayingAccount(await overlay.get('account', {}));
      const user = await overlay.get('user', { id: userId });
      if (user?.blockedAt === undefined) return;
      const now = clock.now();
      const unblocked = { ...user, blockedAt: undefined, updatedAt: now };
      overlay.put('user', unblocked);
      await tellSiblings(overlay, origin, { contact: syncOfContact(unblocked) }, now);
      overlay.record({ type: 'contact.unblocked', userId });
    });
    outbox.wake(ownQueue(origin().account));
  }

  /** All of them, those who were blocked last first. */
  async list(): Promise<readonly BlockedPerson[]> {
    const users = await this.#parts.store.blockedUsers();
    return users.flatMap(({ id, number, username, blockedAt }) =>
      blockedAt === undefined ? [] : [{ userId: id, number, username, blockedAt }],
    );
  }

  /** Whether they may know the own profile key: it stands in everything that is sent to accepted people, and in groups. */
  async #hasOwnProfileKey(overlay: Overlay, userId: UserId): Promise<boolean> {
    const chat = await overlay.get('chat', { id: chatWith(userId) });
    return chat?.accepted === true || (await this.#parts.store.groupsWith(userId)).length > 0;
  }

  /** Withdraws what waits for them, and forgets what is held of theirs. Returns the rows that were withdrawn. */
  async #clear(overlay: Overlay, userId: UserId): Promise<ReadonlySet<number>> {
    const { store, clock } = this.#parts;
    const withdrawn = new Set<number>();
    const chatId = chatWith(userId);
    for (let after = 0; ; ) {
      const rows = await store.outbox(chatId, after, outboxPage);
      for (const row of rows) {
        if (await leavesForBlocked(overlay, row)) continue;
        await withdrawFromBlocked(overlay, row, clock.now());
        withdrawn.add(row.id);
      }
      const last = rows.at(-1);
      if (last === undefined) break;
      after = last.id;
    }
    for (const { digest, reason } of await store.heldOf(userId, mostHeld)) {
      overlay.delete('held', { digest });
      overlay.record({ type: 'envelope.dropped', digest: recordKey('held', { digest }), reason });
    }
    return withdrawn;
  }
}

function checkPerson(call: string, userId: UserId): void {
  demand(
    typeof userId === 'string' && isUuid(userId),
    `${call} takes a user id: that of a chat, a message or an event`,
  );
}
