import { chatWith } from '../chats/chat-state.ts';
import type { Overlay } from '../crypto/overlay.ts';
import type { DeviceAddress, GroupId, UserId } from '../ports/ids.ts';
import type { MessageRecord } from '../ports/message-record.ts';
import type { StoreQueries } from '../ports/store.ts';

/** One moment, by the own clock and by the relay's. */
export interface BothClocks {
  readonly now: number;
  readonly relayNow: number;
}

/** So far into somebody's queue is looked for a key. */
const lookedAt = 16;

/** Whether an own message to a group was for somebody who is a member now, and was one when it was sealed. */
export async function wasSentToMember(
  overlay: Overlay,
  groupId: GroupId,
  { revision }: Pick<MessageRecord, 'revision'>,
  userId: UserId,
): Promise<boolean> {
  const group = await overlay.get('group', { id: groupId });
  const member = await overlay.get('groupMember', { groupId, userId });
  if (group?.standing !== 'member' || member === undefined || revision === undefined) return false;
  return member.leftAt === undefined && member.joinedAt <= revision;
}

/** Whether the key of a group's current chain still waits for the relay in somebody's queue, and was given before this message left: the key opens it, and another copy for each of a thousand who ask would keep the keys of the others waiting. A chain opens nothing from before its key was given. */
export async function isKeyQueued(
  overlay: Overlay,
  store: Pick<StoreQueries, 'outbox'>,
  { groupId, acceptedAt }: Pick<MessageRecord, 'groupId' | 'acceptedAt'>,
  { userId, deviceId }: DeviceAddress,
  { now, relayNow }: BothClocks,
): Promise<boolean> {
  const chain = groupId && (await overlay.get('ownChain', { groupId }));
  if (!chain) return false;
  const shared = await overlay.get('senderKeyShared', { distributionId: chain.distributionId, userId, deviceId });
  if (shared === undefined || shared.again) return false;
  // When the relay took it is told by the relay's clock, and when the key was given by the own.
  if (acceptedAt !== undefined && acceptedAt - relayNow + now < shared.at) return false;
  const rows = await store.outbox(chatWith(userId), 0, lookedAt);
  return rows.some((row) => row.groupId === groupId && !row.visible && row.createdAt === shared.at);
}

/** A device asks for what it could not open: it may lack the key of the current chain, or that is what it asks for; it is given with the next message. */
export async function forgetGiven(overlay: Overlay, groupId: GroupId, device: DeviceAddress): Promise<void> {
  const chain = await overlay.get('ownChain', { groupId });
  if (chain === undefined) return;
  const { userId, deviceId } = device;
  const shared = await overlay.get('senderKeyShared', { distributionId: chain.distributionId, userId, deviceId });
  // It stays written down that the device may have it: by that the chain ends once it must not have it any more.
  if (shared !== undefined && !shared.again) overlay.put('senderKeyShared', { ...shared, again: true });
}
