import { uuidToBytes } from '@sotto/proto';
import type { Executor } from '../crypto/executor.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { peerLock } from '../crypto/ratchet.ts';
import { groupLock } from '../groups/group-lock.ts';
import { mostGroupRequests } from '../groups/group-requests.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { hasBlocked } from '../people/blocked.ts';
import type { ChatRecord } from '../ports/chat-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { ChatId, GroupId, UserId } from '../ports/ids.ts';
import type { Store } from '../ports/store.ts';
import { SottoError } from '../sotto-error.ts';
import { tellSiblings } from '../sync/own-sync.ts';
import { chatLock, chatWith } from './chat-state.ts';
import { forgetStranger } from './forget-stranger.ts';
import { type RemovalPlace, removeMessages, removeRequest } from './remove-request.ts';

/** How many messages of a request are kept; the oldest go first. */
export const mostOfRequest = 100;
/** How long what else is known of somebody outlives their request: as long as the relay keeps mail, and a day. What they send meanwhile goes on as it began. */
const strangersFor = 31 * 86_400_000;
/** How many requests are kept; those that were quiet longest go first. */
export const mostRequests = 1_000;

/** How long a device that was linked waits to be told whom its user accepts. */
const snapshotAwaitedFor = 30 * 86_400_000;

const page = 256;

/** What `Requests` works with. */
export interface RequestsParts {
  readonly executor: Executor;
  readonly store: Pick<
    Store,
    'chats' | 'messages' | 'groupRequests' | 'groupMembers' | 'groupKeys' | 'groupsWith' | 'declined'
  >;
  readonly clock: Clock;
  readonly origin: () => ContentOrigin;
}

/** A page of requests. */
export interface RequestPage {
  /** Latest activity first. */
  readonly records: readonly ChatRecord[];
  /** Where the next page begins; undefined when this is the last one. */
  readonly next: number | undefined;
}

/** Chats that others began and this user has not accepted: bounded, whatever strangers send. */
export class Requests {
  readonly #parts: RequestsParts;

  constructor(parts: RequestsParts) {
    this.#parts = parts;
  }

  /** Those whose activity is below `below`, at most `limit`; without those of people who are blocked. */
  async page(below: number | undefined, limit: number): Promise<RequestPage> {
    const { executor, store } = this.#parts;
    const records: ChatRecord[] = [];
    for (let from = below; ; ) {
      const found = await store.chats(from, page);
      const waiting = found.filter(({ accepted }) => !accepted);
      const shown = await executor.run([], (overlay) =>
        Promise.all(waiting.map(async ({ userId }) => userId === undefined || !(await hasBlocked(overlay, userId)))),
      );
      records.push(...waiting.filter((_, at) => shown[at]));
      const last = found.at(-1);
      if (records.length > limit) return { records: records.slice(0, limit), next: records[limit - 1]?.activity };
      if (last === undefined) return { records, next: undefined };
      from = last.activity;
    }
  }

  /**
   * Removes a request with its messages, here and on the own other devices. What the person sends next is a new one. Harmless when there is none.
   * @returns whether something waits for own other devices
   * @throws {SottoError} `argument-invalid`: the chat was accepted
   */
  decline(userId: UserId): Promise<boolean> {
    return this.#decline(userId, async (overlay) => {
      const { origin, clock } = this.#parts;
      const chat = { userId: uuidToBytes(userId), declined: true };
      return tellSiblings(overlay, origin, { chat }, clock.now());
    });
  }

  #decline(userId: UserId, tell: (overlay: Overlay) => Promise<boolean> | boolean): Promise<boolean> {
    const id = chatWith(userId);
    // Alone: what the store is asked for holds all messages that came.
    return this.#parts.executor.run(
      [chatLock(id)],
      async (overlay) => {
        const chat = await overlay.get('chat', { id });
        if (chat === undefined) return false;
        if (chat.accepted) {
          throw new SottoError('argument-invalid', 'this chat was accepted, so it is no request: block its person');
        }
        await removeRequest(this.#place(overlay), chat);
        return tell(overlay);
      },
      { alone: true },
    );
  }

  /** A message came in a request: removes the oldest ones over the bound. A device that was linked just now may not know yet that it is none. */
  async trim(id: ChatId): Promise<void> {
    await this.#parts.executor.run(
      [chatLock(id)],
      async (overlay) => {
        const chat = await overlay.get('chat', { id });
        if (chat === undefined || chat.accepted || (await this.#awaitsSnapshot(overlay))) return;
        const kept = await this.#parts.store.messages({ chatId: id, limit: mostOfRequest, before: undefined });
        const oldest = kept.at(-1);
        if (oldest === undefined || kept.length < mostOfRequest) return;
        const unread = await removeMessages(this.#place(overlay), chat, oldest);
        if (unread > 0) overlay.put('chat', { ...chat, unread: Math.max(0, chat.unread - unread) });
      },
      { alone: true },
    );
  }

  /** The primary device may be gone for good: it is not waited for without end. */
  async #awaitsSnapshot(overlay: Overlay): Promise<boolean> {
    const account = await overlay.get('account', {});
    const { clock } = this.#parts;
    return account?.hasSnapshot === false && Math.abs(clock.now() - account.createdAt) < snapshotAwaitedFor;
  }

  /** Removes the requests over the bound, and what is left of those that were declined long ago. */
  async sweep(): Promise<void> {
    await this.#sweepGroups();
    await this.#sweepDeclined();
    let count = 0;
    for (let from: number | undefined; ; ) {
      const found = await this.#parts.store.chats(from, page);
      for (const { accepted, userId } of found) {
        if (accepted || userId === undefined) continue;
        count++;
        if (count > mostRequests) await this.#declineStill(userId);
      }
      const last = found.at(-1);
      if (last === undefined) return;
      from = last.activity;
    }
  }

  /** Forgets people whose request was declined long ago, if nothing else has to do with them. */
  async #sweepDeclined(): Promise<void> {
    const { executor, store, clock } = this.#parts;
    for (;;) {
      const found = await store.declined(clock.now() - strangersFor, page);
      for (const { userId } of found) {
        const id = chatWith(userId);
        // Alone: whether they share a group is asked of the store.
        await executor.run(
          [peerLock(userId), chatLock(id)],
          async (overlay) => {
            overlay.delete('declined', { userId });
            const isKnown =
              (await overlay.get('chat', { id })) !== undefined ||
              (await hasBlocked(overlay, userId)) ||
              (await store.groupsWith(userId)).length > 0;
            if (!isKnown) await forgetStranger(overlay, userId);
          },
          { alone: true },
        );
      }
      if (found.length < page) return;
    }
  }

  /** Removes groups of strangers that this user is out of again, over a bound: with their messages, members and keys. */
  async #sweepGroups(): Promise<void> {
    let count = 0;
    for (const { id, groupId } of await this.#parts.store.groupRequests(Number.MAX_SAFE_INTEGER)) {
      if (groupId === undefined) continue;
      await this.#parts.executor.run(
        [chatLock(id), groupLock(groupId)],
        async (overlay) => {
          const chat = await overlay.get('chat', { id });
          const group = await overlay.get('group', { id: groupId });
          if (chat === undefined || chat.accepted || group?.standing === 'member' || group?.standing === 'requested')
            return;
          count++;
          if (count > mostGroupRequests) await this.#forgetGroup(overlay, chat, groupId);
        },
        { alone: true },
      );
    }
  }

  async #forgetGroup(overlay: Overlay, chat: ChatRecord, groupId: GroupId): Promise<void> {
    const { store } = this.#parts;
    for (const member of await store.groupMembers(groupId)) overlay.delete('groupMember', member);
    for (const key of await store.groupKeys(groupId)) overlay.delete('groupKey', key);
    overlay.prune({ kind: 'groupHead', groupId, before: Number.MAX_SAFE_INTEGER });
    overlay.delete('group', { id: groupId });
    await removeRequest(this.#place(overlay), chat);
  }

  /** The user may have accepted it since it was looked at. */
  async #declineStill(userId: UserId): Promise<void> {
    try {
      // Each own device does by itself.
      await this.#decline(userId, () => false);
    } catch (error) {
      if (!(error instanceof SottoError && error.code === 'argument-invalid')) throw error;
    }
  }

  #place(overlay: Overlay): RemovalPlace {
    const { store, clock } = this.#parts;
    return { overlay, store, now: clock.now() };
  }
}
