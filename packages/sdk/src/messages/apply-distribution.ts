import type { SenderKeyDistribution } from '@sotto/proto';
import { Hold } from '../crypto/hold.ts';
import { demandLocks } from '../crypto/locks-wanted.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { checkDistribution } from '../crypto/sender-key-precheck.ts';
import { SenderKeys } from '../crypto/sender-keys.ts';
import { groupIdOf } from '../groups/group-id.ts';
import { groupLock } from '../groups/group-lock.ts';
import type { SenderKeyRecord } from '../ports/group-records.ts';
import type { DeviceAddress, GroupId } from '../ports/ids.ts';
import type { Applied, Arrival } from './arrival.ts';
import { groupContextOf } from './group-context.ts';

/** Applies the key of a chain: its sender's messages to the group can be opened from here on. It is kept under its sender's own address, so nobody passes somebody else's chain off as theirs. */
export async function applyDistribution(arrival: Arrival): Promise<Applied> {
  const { overlay, account, origin, sender, content, locks, queries, now } = arrival;
  const given = content.senderKeyDistribution as SenderKeyDistribution;
  if (content.groupId.length !== 32 || !sameBytes(given.groupId, content.groupId)) throw new Hold('content-invalid');
  const checked = checkDistribution(given.distribution);
  const groupId = groupIdOf(content.groupId, origin.sha256);
  demandLocks(locks, [groupLock(groupId)]);
  await groupContextOf(overlay, groupId, sender.userId, account.userId, content, arrival);
  const older = await chainsOf(overlay, queries, groupId, sender);
  await new SenderKeys(overlay, now).take(sender, groupId, checked, older);
  return { receiptDue: false, newKeys: true };
}

/** The chains of a device in a group, oldest first, with those that came before in this commit. */
async function chainsOf(
  overlay: Overlay,
  queries: Arrival['queries'],
  groupId: GroupId,
  { userId, deviceId }: DeviceAddress,
): Promise<readonly SenderKeyRecord[]> {
  const chains = new Map<string, SenderKeyRecord>();
  for (const chain of await queries.senderKeys(groupId, userId, deviceId)) chains.set(chain.distributionId, chain);
  for (const chain of overlay.pending('senderKey')) {
    const isTheirs = chain.groupId === groupId && chain.userId === userId && chain.deviceId === deviceId;
    if (isTheirs) chains.set(chain.distributionId, chain);
  }
  return [...chains.values()].sort((one, other) => one.createdAt - other.createdAt);
}
