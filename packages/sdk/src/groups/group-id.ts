import { uuidToText } from '@sotto/proto';
import type { Sha256 } from '../ports/hash.ts';
import type { GroupId } from '../ports/ids.ts';
import type { Randomness } from '../ports/randomness.ts';
import { groupBytes } from './group-limits.ts';

const context = new TextEncoder().encode('sotto group id v1');

/** A new group's id as it stands on the wire: 32 random bytes. */
export function newWireId(randomness: Randomness): Uint8Array {
  return randomness.bytes(groupBytes.wireId);
}

/** The GroupId (and ChatId) of a group: a UUID of the first 16 bytes of SHA-256("sotto group id v1" || the 32 bytes on the wire). */
export function groupIdOf(wireId: Uint8Array, sha256: Sha256): GroupId {
  return uuidToText(sha256(context, wireId).subarray(0, 16)) as GroupId;
}
