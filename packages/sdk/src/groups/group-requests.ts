import type { Overlay } from '../crypto/overlay.ts';
import type { ChatRecord } from '../ports/chat-record.ts';
import type { UserId } from '../ports/ids.ts';
import type { StoreQueries } from '../ports/store.ts';

/** How many groups a user can be in at once into which strangers have brought them, before they have accepted one. */
export const mostGroupRequests = 100;
/** How many of these one person can have brought them into. */
export const mostOfAdder = 10;
/** How many are kept with those that this user is out of again. */
export const mostGroupRequestsKept = 2 * mostGroupRequests;

/** Whether another stranger's group would be let in, as far as their number goes. */
export async function hasRoomForGroups(store: Pick<StoreQueries, 'groupRequests'>): Promise<boolean> {
  return (await store.groupRequests(mostGroupRequests)).length < mostGroupRequests;
}

/**
 * Whether this person may bring the user into one more group that is not accepted: anybody can, and each costs room here.
 *
 * What is beyond that is refused, and the ones that are there stay: else whoever makes many would push out those of others.
 */
export async function mayBringIn(
  overlay: Overlay,
  queries: Pick<StoreQueries, 'groupRequests'>,
  adder: UserId,
): Promise<boolean> {
  const waiting = new Map((await queries.groupRequests(mostGroupRequestsKept)).map((chat) => [chat.id, chat]));
  for (const chat of overlay.pending('chat')) {
    if (isRequest(chat)) waiting.set(chat.id, chat);
    else waiting.delete(chat.id);
  }
  if (waiting.size >= mostGroupRequestsKept) return false;
  let all = 0;
  let theirs = 0;
  for (const { groupId } of waiting.values()) {
    const group = groupId && (await overlay.get('group', { id: groupId }));
    if (group?.standing !== 'member') continue;
    all++;
    if (group.addedBy === adder) theirs++;
  }
  return all < mostGroupRequests && theirs < mostOfAdder;
}

function isRequest({ groupId, accepted }: ChatRecord): boolean {
  return groupId !== undefined && !accepted;
}
