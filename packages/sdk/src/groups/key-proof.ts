import { GroupKeyProof, uuidToBytes } from '@sotto/proto';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { DeviceAddress, DeviceId } from '../ports/ids.ts';
import type { Randomness } from '../ports/randomness.ts';
import { atLeast, reading, readUserId, withoutDefaults } from './canonical.ts';
import { checkDeviceProof, type GroupActor, proveByDevice } from './device-proof.ts';
import { openOfGroup, sealForGroup } from './group-cipher.ts';
import type { GroupPosition } from './group-head.ts';
import { encodeRecordHeader, type GroupRecordHeader } from './group-record.ts';
import { memberOf } from './group-state.ts';

const context = 'sotto group key proof v1';

/**
 * Seals who brings a new state key, so that those who don't have it yet see that it is a member: for nobody else they wait.
 * @param header of the record that is under the new key
 * @param key the state key before
 */
export function sealKeyProof(
  before: GroupPosition,
  header: GroupRecordHeader,
  actor: GroupActor,
  key: Uint8Array,
  randomness: Randomness,
): Uint8Array {
  const associated = boundTo(header);
  const { userId, deviceId } = actor.address;
  const proof = GroupKeyProof.encode(
    withoutDefaults({
      actorUser: uuidToBytes(userId),
      actorDevice: deviceId,
      signature: proveByDevice(context, signedBytes(before, associated), actor.deviceKey),
      deviceList: actor.deviceList,
    }),
  );
  return sealForGroup(proof, { purpose: 'key-proof', wireId: header.wireId, key, associated }, randomness);
}

/**
 * Who brings the new state key of a record: a device of a member, under the root key and not below the list version that the state has for them.
 * @param key the state key before
 * @returns undefined when nobody proves it
 */
export function readKeyProof(
  before: GroupPosition,
  record: GroupRecordHeader,
  key: Uint8Array,
  sha256: Sha256,
): DeviceAddress | undefined {
  const associated = boundTo(record);
  const sealing = { purpose: 'key-proof', wireId: record.wireId, key, associated } as const;
  const opened = openOfGroup(record.keyProof ?? new Uint8Array(), sealing);
  if (opened === undefined) return undefined;
  const proof = reading(() => {
    const { actorUser, actorDevice, signature, deviceList } = GroupKeyProof.decode(opened);
    const again = GroupKeyProof.encode(withoutDefaults({ actorUser, actorDevice, signature, deviceList }));
    const actor = { userId: readUserId(actorUser), deviceId: atLeast(1, actorDevice) as DeviceId };
    return sameBytes(again, opened) ? { actor, signature, deviceList } : undefined;
  });
  const member = proof && memberOf(before.state, proof.actor.userId);
  if (proof === undefined || member === undefined) return undefined;
  const list = checkDeviceProof(context, signedBytes(before, associated), proof, sha256);
  if (typeof list === 'string' || !sameBytes(list.rootKey, member.rootKey)) return undefined;
  return list.version < member.deviceListVersion ? undefined : proof.actor;
}

function boundTo(header: GroupRecordHeader): Uint8Array {
  return encodeRecordHeader({ ...header, keyProof: undefined });
}

function signedBytes({ head }: GroupPosition, header: Uint8Array): Uint8Array {
  return Uint8Array.of(...head, ...header);
}
