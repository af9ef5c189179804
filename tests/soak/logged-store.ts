import type { Change, GroupMemberRecord, MessageRecord, Store, StoreOpener } from '@sotto/sdk/ports';

/** Who is told what is put into a store. */
export interface StoreListener {
  /** Of each message, after the commit: of others, and of the own devices. */
  applied(message: MessageRecord): void;
  /** Of each message that a commit removed of a chat which was not accepted, after it. */
  dropped(message: MessageRecord): void;
  /** Of somebody who is or was in a group by its log, before it. */
  member(member: GroupMemberRecord): void;
}

/** Tells of what commits put into a store. */
export function loggedStore(inner: StoreOpener, listener: StoreListener): StoreOpener {
  return {
    async open() {
      const { store, opening } = await inner.open();
      return { store: logged(store, listener), opening };
    },
  };
}

function logged(store: Store, listener: StoreListener): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'commit') {
        return async (changes: readonly Change[], ownerEpoch: number) => {
          for (const member of await byLog(target, changes)) listener.member(member);
          const dropped = await ofRequests(target, changes);
          await target.commit(changes, ownerEpoch);
          for (const message of dropped) listener.dropped(message);
          for (const change of changes) {
            if (change.type !== 'put' || change.kind !== 'message' || change.changed !== undefined) continue;
            listener.applied(change.record);
          }
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Who is put as a member, or as one who was. A device that was only told that it is out guesses when: beyond what it knows of the log, and that is left out. */
async function byLog(store: Store, changes: readonly Change[]): Promise<readonly GroupMemberRecord[]> {
  const groups = new Map<string, number>();
  for (const change of changes) {
    if (change.type === 'put' && change.kind === 'group') groups.set(change.record.id, change.record.revision);
  }
  const found: GroupMemberRecord[] = [];
  for (const change of changes) {
    if (change.type !== 'put' || change.kind !== 'groupMember') continue;
    const { groupId, leftAt } = change.record;
    const known = groups.get(groupId) ?? (await store.get('group', { id: groupId }))?.revision;
    if (leftAt === undefined || known === undefined || leftAt <= known) found.push(change.record);
  }
  return found;
}

/** As many of a request are kept, as the docs say: what is checked does not give the measure. */
const keptOfRequest = 100;

/** The messages that are to be removed of chats that are not accepted, and may be: so many newer ones stay. */
async function ofRequests(store: Store, changes: readonly Change[]): Promise<readonly MessageRecord[]> {
  const found: MessageRecord[] = [];
  for (const change of changes) {
    if (change.type !== 'delete' || change.kind !== 'message') continue;
    const message = await store.get('message', change.key);
    const chat = message && (await store.get('chat', { id: message.chatId }));
    if (message === undefined || chat?.accepted !== false) continue;
    const newest = await store.messages({ chatId: chat.id, limit: keptOfRequest, before: undefined });
    if (newest.length === keptOfRequest && !newest.some(({ id }) => id === message.id)) found.push(message);
  }
  return found;
}
