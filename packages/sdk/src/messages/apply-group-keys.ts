import type { GroupKeyRequest, GroupKeys } from '@sotto/proto';
import { demandLocks } from '../crypto/locks-wanted.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { groupIdOf } from '../groups/group-id.ts';
import { answerKeyRequest, type CommittedKey, readGroupKeys, writeGroupKeys } from '../groups/group-keys.ts';
import { groupLimits } from '../groups/group-limits.ts';
import { groupLock } from '../groups/group-lock.ts';
import { memberOf } from '../groups/group-state.ts';
import { isPresumedOut, positionOf, stateOf } from '../groups/stored-group.ts';
import { writeWelcome } from '../groups/welcome.ts';
import { addHiddenContent } from '../outbox/hidden-row.ts';
import type { GroupRecord } from '../ports/group-records.ts';
import type { GroupId } from '../ports/ids.ts';
import { recordKey } from '../ports/record-key.ts';
import { spendRepair } from '../repair/repair-budget.ts';
import { type Applied, type Arrival, nothingDue } from './arrival.ts';

/** The most epochs that a key may be ahead of the state here, and the most keys that are kept for records to come: whoever gives others fills the store. */
const mostAhead = groupLimits.keysAtOnce;
const mostWaiting = 4 * groupLimits.keysAtOnce;

/** Applies state keys that a member gives: they are kept for the records which name them. Of who is no member, and of groups of which this user is none by the log, nothing is taken. */
export async function applyGroupKeys(arrival: Arrival): Promise<Applied> {
  const { overlay, account, origin, content, locks, queries } = arrival;
  const given = content.groupKeys as GroupKeys;
  const keys = readGroupKeys(given, origin.sha256);
  if (keys === undefined) return nothingDue;
  const groupId = groupIdOf(given.groupId, origin.sha256);
  demandLocks(locks, [groupLock(groupId)]);
  const group = await overlay.get('group', { id: groupId });
  const state = group && stateOf(group);
  if (group === undefined || state === undefined) return nothingDue;
  const isPresumed = isPresumedOut(group, account.userId);
  if (group.standing !== 'member' && !isPresumed) return nothingDue;
  const giver = memberOf(state, arrival.sender.userId);
  if (giver === undefined && !(await wasOfGroup(arrival, group))) return nothingDue;
  // Who administers a group is kept away by nobody else's keys; of who is out only what is waited for is taken.
  const most = giver === undefined ? 0 : giver.role === 'member' ? mostWaiting : 2 * mostWaiting;
  const { waitingFor } = group;
  let waiting = await waitingKeys(overlay, queries, groupId);
  let isNews = false;
  for (const { keyEpoch, keyCommitment, key } of keys) {
    if (keyEpoch > state.keyEpoch + mostAhead) continue;
    const known = await overlay.get('groupKey', { groupId, keyEpoch, keyCommitment });
    if (known !== undefined) continue;
    // What the next record needs is taken, whatever else somebody has filled the store with: it is asked for once that record is there.
    const isNeeded = waitingFor !== undefined && sameBytes(keyCommitment, waitingFor.keyCommitment);
    if (waiting >= most && !isNeeded) continue;
    waiting++;
    overlay.put('groupKey', { groupId, keyEpoch, keyCommitment, key, evaluated: false });
    isNews = true;
  }
  if (!isNews) return nothingDue;
  if (isPresumed) {
    // Nothing else would have the log read again.
    overlay.put('group', { ...group, knownRevision: Math.max(group.knownRevision, group.revision + 1) });
  }
  return { ...nothingDue, group: groupId };
}

/** How many keys are kept of a group that opened nothing yet. */
async function waitingKeys(
  overlay: Arrival['overlay'],
  queries: Arrival['queries'],
  groupId: GroupId,
): Promise<number> {
  const waiting = (await queries.groupKeys(groupId)).filter(({ evaluated }) => !evaluated);
  const names = new Set(waiting.map((one) => recordKey('groupKey', one)));
  for (const one of overlay.pending('groupKey')) {
    if (one.groupId === groupId && !one.evaluated) names.add(recordKey('groupKey', one));
  }
  return names.size;
}

/** Answers a member who lacks state keys, so often an hour: with those of its time by which records were opened here. */
export async function applyGroupKeyRequest(arrival: Arrival): Promise<Applied> {
  const { overlay, origin, sender, content, now } = arrival;
  const request = content.groupKeyRequest as GroupKeyRequest;
  if (request.groupId.length !== 32) return nothingDue;
  const groupId = groupIdOf(request.groupId, origin.sha256);
  const group = await overlay.get('group', { id: groupId });
  const state = group && stateOf(group);
  if (group?.standing !== 'member' || state === undefined) return nothingDue;
  if (!sameBytes(group.wireId, request.groupId)) return nothingDue;
  if (request.wanted.length === 0) return answerWithWelcome(arrival, group);
  const known: CommittedKey[] = [];
  for (const { keyEpoch, keyCommitment } of request.wanted.slice(0, groupLimits.keysAtOnce)) {
    if (!keyEpoch || keyCommitment?.length !== 32) continue;
    const key = await overlay.get('groupKey', { groupId, keyEpoch, keyCommitment: keyCommitment.slice() });
    if (key?.evaluated === true) known.push(key);
  }
  const keys = answerKeyRequest(request, sender.userId, state, known);
  if (keys.length === 0 || (await spendRepair(overlay, sender, 'receipts', now)) !== undefined) return nothingDue;
  addHiddenContent(overlay, origin, sender.userId, { groupKeys: writeGroupKeys(group.wireId, keys) }, now);
  return { ...nothingDue, answered: true };
}

/** A member knows nothing of the group: what it was sent is gone. It is welcomed again, a few times an hour. */
async function answerWithWelcome(arrival: Arrival, { id: groupId, ...group }: GroupRecord): Promise<Applied> {
  const { overlay, origin, sender, now } = arrival;
  const at = positionOf(group);
  if (at === undefined || memberOf(at.state, sender.userId) === undefined) return nothingDue;
  const { keyEpoch, keyCommitment } = at.state;
  const key = await overlay.get('groupKey', { groupId, keyEpoch, keyCommitment });
  if (key?.evaluated !== true) return nothingDue;
  if ((await spendRepair(overlay, sender, 'receipts', now)) !== undefined) return nothingDue;
  addHiddenContent(overlay, origin, sender.userId, { groupWelcome: writeWelcome({ at, key }) }, now);
  return { ...nothingDue, answered: true };
}

/** Whether the sender was a member: whoever gives the key of their last change may be out again. */
async function wasOfGroup({ overlay, sender }: Arrival, group: GroupRecord): Promise<boolean> {
  return (await overlay.get('groupMember', { groupId: group.id, userId: sender.userId })) !== undefined;
}
