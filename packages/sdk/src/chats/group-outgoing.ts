import type { Overlay } from '../crypto/overlay.ts';
import { isSendingStopped } from '../groups/group-fork.ts';
import { groupForked, groupNotMember, groupUnknown } from '../groups/group-refusal.ts';
import { addOverdueInGroup } from '../outbox/overdue-receipts.ts';
import type { GroupRecord } from '../ports/group-records.ts';
import type { GroupId, UserId } from '../ports/ids.ts';
import { openGroupChat } from './chat-state.ts';
import type { ConversationParts, Outgoing } from './conversation.ts';

/**
 * A group to which messages may be sent now, as it is known here.
 * @throws {SottoError} `group-unknown`, `group-not-member`, `group-forked`
 */
export async function sendableGroup(overlay: Overlay, groupId: GroupId): Promise<GroupRecord> {
  const group = await overlay.get('group', { id: groupId });
  if (group === undefined) throw groupUnknown();
  if (group.standing !== 'member') throw groupNotMember();
  if (isSendingStopped(group)) throw groupForked();
  return group;
}

/**
 * How messages are added to the chat of a group.
 * @param onTold takes those to whom receipts for what came before wait, from the commit of the message on
 */
export function outgoingToGroup(
  groupId: GroupId,
  parts: Pick<ConversationParts, 'store' | 'receipts'>,
  onTold: (authors: readonly UserId[]) => unknown,
): Outgoing {
  return {
    open: async (overlay, now) => {
      const { wireId } = await sendableGroup(overlay, groupId);
      return { chat: await openGroupChat(overlay, groupId, now), to: { groupId, wireId } };
    },
    refuse: async () => undefined,
    accepted: async (overlay, now) => {
      onTold(await addOverdueInGroup(overlay, parts, groupId, now));
    },
  };
}
