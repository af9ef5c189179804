import {
  CheckpointedGroup,
  type GroupCheckpoint,
  SignedGroupCheckpoint,
  uuidToBytes,
  GroupCheckpoint as WireCheckpoint,
} from '@sotto/proto';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { DeviceAddress, DeviceId } from '../ports/ids.ts';
import type { Randomness } from '../ports/randomness.ts';
import { SottoError } from '../sotto-error.ts';
import { atLeast, exactly, reading, readUserId } from './canonical.ts';
import { checkDeviceProof, type GroupActor, proveByDevice } from './device-proof.ts';
import type { KeySource } from './evaluate.ts';
import { openOfGroup, sealForGroup } from './group-cipher.ts';
import { groupBytes } from './group-limits.ts';
import { encodeState, memberOf } from './group-state.ts';
import { type KnownGroup, readKnownGroup } from './known-group.ts';

const context = 'sotto group checkpoint v1';

/** Every so many revisions, and at each new state key, a client puts a checkpoint. */
export const revisionsPerCheckpoint = 32;

/** A checkpoint with who has signed it: a member, by its own state. */
export interface OpenedCheckpoint extends KnownGroup {
  readonly signedBy: DeviceAddress;
  readonly createdAt: number;
}

/** Whether a checkpoint is due after a revision. While a new state key is due there is none: whoever was put out could read it. */
export function isCheckpointDue(
  { at }: KnownGroup,
  last: { readonly revision: number; readonly keyEpoch: number },
): boolean {
  const { revision, keyEpoch, rekeyDue } = at.state;
  if (rekeyDue || revision <= last.revision) return false;
  return keyEpoch > last.keyEpoch || revision >= last.revision + revisionsPerCheckpoint;
}

/**
 * Seals and signs a checkpoint: an encoded GroupCheckpoint.
 * @throws {SottoError} `internal` while a new state key is due
 */
export function sealCheckpoint(
  { at, key }: KnownGroup,
  actor: GroupActor,
  now: number,
  randomness: Randomness,
): Uint8Array {
  const { state, head } = at;
  if (state.rekeyDue) throw new SottoError('internal', 'no checkpoint while a new state key is due: report it');
  const checkpoint = CheckpointedGroup.encode({
    head,
    state: encodeState(state),
    actorUser: uuidToBytes(actor.address.userId),
    actorDevice: actor.address.deviceId,
    createdAt: now,
  });
  const signature = proveByDevice(context, checkpoint, actor.deviceKey);
  const signed = SignedGroupCheckpoint.encode({ checkpoint, signature, deviceList: actor.deviceList });
  const header = {
    groupId: state.wireId,
    revision: state.revision,
    keyEpoch: state.keyEpoch,
    keyCommitment: state.keyCommitment,
  };
  return WireCheckpoint.encode({ ...header, ciphertext: sealForGroup(signed, sealingOf(header, key.key), randomness) });
}

/**
 * Opens a checkpoint, and checks that a device signed it whose account is a member by it, under the root key that it has for that member. Whether that member is to be believed is for the caller.
 * @returns undefined when it is not genuine, of another group, or its key is not known
 */
export function openCheckpoint(
  bytes: Uint8Array,
  wireId: Uint8Array,
  keys: KeySource,
  sha256: Sha256,
): OpenedCheckpoint | undefined {
  return reading(() => {
    const { groupId, revision, keyEpoch, keyCommitment, ciphertext } = WireCheckpoint.decode(bytes);
    const key = sameBytes(groupId, wireId) ? keys(keyEpoch, exactly(groupBytes.commitment, keyCommitment)) : undefined;
    if (key === undefined) return undefined;
    const header = { groupId, revision, keyEpoch, keyCommitment };
    const opened = openOfGroup(ciphertext, sealingOf(header, key));
    if (opened === undefined) return undefined;
    const { checkpoint, signature, deviceList } = SignedGroupCheckpoint.decode(opened);
    const { head, state, actorUser, actorDevice, createdAt } = CheckpointedGroup.decode(checkpoint);
    const signedBy = { userId: readUserId(actorUser), deviceId: atLeast(1, actorDevice) as DeviceId };
    const known = readKnownGroup(wireId, { revision, head, keyEpoch, key, state }, sha256);
    const member = known && memberOf(known.at.state, signedBy.userId);
    if (known === undefined || member === undefined || known.at.state.rekeyDue) return undefined;
    const list = checkDeviceProof(context, checkpoint, { actor: signedBy, signature, deviceList }, sha256);
    if (typeof list === 'string' || !sameBytes(list.rootKey, member.rootKey)) return undefined;
    return list.version < member.deviceListVersion ? undefined : { ...known, signedBy, createdAt };
  });
}

function sealingOf(
  header: Pick<GroupCheckpoint, 'groupId' | 'revision' | 'keyEpoch' | 'keyCommitment'>,
  key: Uint8Array,
) {
  const associated = WireCheckpoint.encode(header);
  return { purpose: 'checkpoint', wireId: header.groupId, key, associated } as const;
}
