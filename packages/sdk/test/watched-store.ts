import type { Change } from '../src/ports/changes.ts';
import type { Store } from '../src/ports/store.ts';

/** A store that writes down what is committed, and fails where it is told to. Everything else goes through to the real one. */
export interface WatchedStore extends Store {
  readonly commits: (readonly Change[])[];
  /** Thrown by the next commit, once; nothing is written. */
  failNextCommit(error: unknown): void;
  /** Thrown by every `get` of records of this kind, until `undefined` takes its place. */
  failReads(kind: string, error: unknown): void;
  /** The next commit waits for this before it is done. */
  holdNextCommit(until: Promise<void>): void;
}

/** Puts a watch around a store. */
export function watchedStore(store: Store): WatchedStore {
  const commits: (readonly Change[])[] = [];
  const failing = new Map<string, unknown>();
  let failure: { readonly error: unknown } | undefined;
  let hold: Promise<void> | undefined;
  return {
    commits,
    failNextCommit(error) {
      failure = { error };
    },
    failReads(kind, error) {
      failing.set(kind, error);
    },
    holdNextCommit(until) {
      hold = until;
    },
    async get(kind, key) {
      const error = failing.get(kind);
      if (error !== undefined) throw error;
      return store.get(kind, key);
    },
    async commit(changes, ownerEpoch) {
      const waiting = hold;
      hold = undefined;
      await waiting;
      const failed = failure;
      failure = undefined;
      if (failed) throw failed.error;
      await store.commit(changes, ownerEpoch);
      commits.push(changes);
    },
    messages: (page) => store.messages(page),
    unread: (chatId, upTo, limit) => store.unread(chatId, upTo, limit),
    expiring: (state, before, limit) => store.expiring(state, before, limit),
    receipts: (messageId) => store.receipts(messageId),
    groups: (after, limit) => store.groups(after, limit),
    groupsBehind: () => store.groupsBehind(),
    groupMembers: (groupId) => store.groupMembers(groupId),
    groupsWith: (userId) => store.groupsWith(userId),
    groupKeys: (groupId) => store.groupKeys(groupId),
    groupIntents: () => store.groupIntents(),
    senderKeys: (groupId, userId, deviceId) => store.senderKeys(groupId, userId, deviceId),
    senderKeyShared: (distributionId) => store.senderKeyShared(distributionId),
    groupRequests: (limit) => store.groupRequests(limit),
    heldOfGroup: (groupId, limit, after) => store.heldOfGroup(groupId, limit, after),
    userByNumber: (number) => store.userByNumber(number),
    blockedUsers: () => store.blockedUsers(),
    declined: (before, limit) => store.declined(before, limit),
    chats: (below, limit) => store.chats(below, limit),
    outbox: (chatId, after, limit) => store.outbox(chatId, after, limit),
    outboxOfGroup: (messageId) => store.outboxOfGroup(messageId),
    outboxChats: () => store.outboxChats(),
    events: (after, limit) => store.events(after, limit),
    slowestCursor: () => store.slowestCursor(),
    held: (limit, after) => store.held(limit, after),
    heldUsage: () => store.heldUsage(),
    heldOf: (sender, limit) => store.heldOf(sender, limit),
    heldAttempts: (messageId, limit) => store.heldAttempts(messageId, limit),
    heldRequests: (limit) => store.heldRequests(limit),
    idleCursors: (before, limit) => store.idleCursors(before, limit),
    prekeys: () => store.prekeys(),
    close: () => store.close(),
  };
}
