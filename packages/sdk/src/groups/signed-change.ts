import { uuidToBytes, GroupChange as WireChange, SignedGroupChange as WireSigned } from '@sotto/proto';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { CheckedDeviceList } from '../devices/device-list.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { DeviceAddress, DeviceId } from '../ports/ids.ts';
import { atLeast, exactly, Malformed, reading, readUserId, withoutDefaults } from './canonical.ts';
import { checkDeviceProof, type GroupActor, type ProofRefusal, proveByDevice } from './device-proof.ts';
import { groupBytes, groupLimits } from './group-limits.ts';
import { type GroupOperation, readOperation, writeOperation } from './group-operation.ts';

const context = 'sotto group change v1';

/** What a member does, in one step: all of its operations or none. */
export interface GroupChange {
  readonly wireId: Uint8Array;
  readonly revision: number;
  /** The head after the revision before. */
  readonly previousHead: Uint8Array;
  readonly actor: DeviceAddress;
  /** By the actor's clock: a display hint, never an order. */
  readonly createdAt: number;
  /** 1..32, applied in this order. */
  readonly operations: readonly GroupOperation[];
}

/** A change whose signature holds. What its actor may do is another question. */
export interface ProvenChange {
  readonly change: GroupChange;
  /** The list that names the actor's device. */
  readonly list: CheckedDeviceList;
}

/** Signs a change: an encoded SignedGroupChange. */
export function signChange(change: Omit<GroupChange, 'actor'>, actor: GroupActor): Uint8Array {
  const encoded = encodeChange({ ...change, actor: actor.address });
  const signature = proveByDevice(context, encoded, actor.deviceKey);
  return WireSigned.encode({ change: encoded, signature, deviceList: actor.deviceList });
}

/** Reads a signed change and checks its signature: the change, or why it is none. */
export function readSignedChange(bytes: Uint8Array, sha256: Sha256): ProvenChange | ProofRefusal | 'change-malformed' {
  const signed = reading(() => WireSigned.decode(bytes));
  if (signed === undefined) return 'change-malformed';
  const { change: encoded, signature, deviceList } = signed;
  const isCanonical = sameBytes(WireSigned.encode(withoutDefaults({ change: encoded, signature, deviceList })), bytes);
  const change = isCanonical ? decodeChange(encoded) : undefined;
  if (change === undefined) return 'change-malformed';
  const list = checkDeviceProof(context, encoded, { actor: change.actor, signature, deviceList }, sha256);
  return typeof list === 'string' ? list : { change, list };
}

function encodeChange(change: GroupChange): Uint8Array {
  return WireChange.encode(
    withoutDefaults({
      groupId: change.wireId,
      revision: change.revision,
      previousHead: change.previousHead,
      actorUser: uuidToBytes(change.actor.userId),
      actorDevice: change.actor.deviceId,
      createdAt: change.createdAt,
      operations: change.operations.map(writeOperation),
    }),
  );
}

function decodeChange(bytes: Uint8Array): GroupChange | undefined {
  const change = reading((): GroupChange => {
    const wire = WireChange.decode(bytes);
    if (wire.operations.length < 1 || wire.operations.length > groupLimits.operations)
      throw new Malformed('operations');
    return {
      wireId: exactly(groupBytes.wireId, wire.groupId),
      revision: atLeast(1, wire.revision),
      previousHead: exactly(groupBytes.head, wire.previousHead),
      actor: { userId: readUserId(wire.actorUser), deviceId: atLeast(1, wire.actorDevice) as DeviceId },
      createdAt: wire.createdAt,
      operations: wire.operations.map(readOperation),
    };
  });
  return change !== undefined && sameBytes(encodeChange(change), bytes) ? change : undefined;
}
