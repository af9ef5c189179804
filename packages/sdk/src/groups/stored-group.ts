import { uuidToBytes, uuidToText } from '@sotto/proto';
import { PrivateKey } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { type CheckedDeviceList, verifyDeviceList } from '../devices/device-list.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { GroupKeyRecord, GroupMemberRecord, GroupRecord } from '../ports/group-records.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { GroupId, UserId } from '../ports/ids.ts';
import type { GroupActor } from './device-proof.ts';
import type { KeySource } from './evaluate.ts';
import type { GroupKey } from './group-cipher.ts';
import type { GroupPosition } from './group-head.ts';
import { decodeState, type GroupState, memberOf } from './group-state.ts';

const memberContext = new TextEncoder().encode('sotto group member v1');
const states = new WeakMap<Uint8Array, GroupState>();
/** The states that were decoded last: one of 1,024 members takes milliseconds. */
const latest: { readonly bytes: Uint8Array; readonly decoded: GroupState }[] = [];
const mostLatest = 8;
const lists = new WeakMap<Uint8Array, CheckedDeviceList>();

/** The state of a stored group; undefined when nobody is left in it. */
export function stateOf({ state }: Pick<GroupRecord, 'state'>): GroupState | undefined {
  const known = states.get(state);
  if (known !== undefined) return known;
  // A store gives the same bytes in another array each time.
  const at = latest.findIndex((one) => sameBytes(one.bytes, state));
  const [same] = at < 0 ? [] : latest.splice(at, 1);
  const decoded = same?.decoded ?? decodeState(state);
  if (decoded === undefined) return undefined;
  states.set(state, decoded);
  latest.unshift(same ?? { bytes: state, decoded });
  latest.length = Math.min(latest.length, mostLatest);
  return decoded;
}

/** Whether somebody is taken as removed though no record says so that could be read: as a key that comes may show, they were not. */
export function isPresumedOut(group: Pick<GroupRecord, 'standing' | 'state'>, self: UserId): boolean {
  const state = group.standing === 'removed' ? stateOf(group) : undefined;
  return state !== undefined && memberOf(state, self) !== undefined;
}

/** Where this device is in a group's log; undefined when nobody is left in it. */
export function positionOf(group: Pick<GroupRecord, 'state' | 'head'>): GroupPosition | undefined {
  const state = stateOf(group);
  return state && { state, head: group.head };
}

/** The state keys that are known here, for evaluation. */
export function keySource(keys: readonly Pick<GroupKeyRecord, 'keyEpoch' | 'keyCommitment' | 'key'>[]): KeySource {
  return (keyEpoch, commitment) =>
    keys.find((one) => one.keyEpoch === keyEpoch && sameBytes(one.keyCommitment, commitment))?.key;
}

/** The key of a state, if it is known. */
export function keyOfState(
  { keyEpoch, keyCommitment }: Pick<GroupState, 'keyEpoch' | 'keyCommitment'>,
  keys: KeySource,
): GroupKey | undefined {
  const key = keys(keyEpoch, keyCommitment);
  return key && { keyEpoch, key };
}

/** What names the row of a member. */
export function memberRowId(groupId: GroupId, userId: UserId, sha256: Sha256): GroupMemberRecord['id'] {
  return uuidToText(sha256(memberContext, uuidToBytes(groupId), uuidToBytes(userId)).subarray(0, 16));
}

/** The own device list, checked: whose root key, and which version. */
export function ownListOf(account: AccountRecord, sha256: Sha256): CheckedDeviceList {
  const known = lists.get(account.deviceList);
  if (known !== undefined) return known;
  const list = verifyDeviceList(account.deviceList, account.userId, sha256);
  lists.set(account.deviceList, list);
  return list;
}

/** This device, as one who changes groups. */
export function ownActor(account: AccountRecord): GroupActor {
  const { userId, deviceId, devicePrivateKey, deviceList } = account;
  return {
    address: { userId, deviceId },
    deviceKey: PrivateKey.deserialize(asBuffer(devicePrivateKey)),
    deviceList,
  };
}
