import { chatOfGroup } from '../chats/chat-state.ts';
import type { Overlay } from '../crypto/overlay.ts';
import type { GroupRecord } from '../ports/group-records.ts';

/**
 * Somebody, or the relay, shows another course of a group than the one that was seen here: it is told once, and nothing is sent into the group any more. The caller holds the group's lock.
 * @param revision at which both differ
 */
export function noteFork(overlay: Overlay, group: GroupRecord, revision: number, now: number): void {
  if (group.forkedAt !== undefined) return;
  overlay.put('group', { ...group, forkedAt: now, updatedAt: now });
  overlay.record({ type: 'group.forked', chatId: chatOfGroup(group.id), groupId: group.id, revision });
}
