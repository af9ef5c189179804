import type { Sha256 } from '../ports/hash.ts';
import { groupBytes } from './group-limits.ts';
import { encodeState, type GroupState, unbornState } from './group-state.ts';

const context = new TextEncoder().encode('sotto group head v1');

/** Where a client is in a group's log: the state after a revision, and the head that stands for the log up to it and for the state. */
export interface GroupPosition {
  readonly state: GroupState;
  /** 32 bytes. Whoever has the same has the same log and the same state. */
  readonly head: Uint8Array;
}

/** Before the first record: a head of zeros. */
export function startOfGroup(wireId: Uint8Array): GroupPosition {
  return { state: unbornState(wireId), head: new Uint8Array(groupBytes.head) };
}

/** SHA-256("sotto group head v1" || the head before || SHA-256(record) || SHA-256(encoded state after it)). */
export function nextHead(before: Uint8Array, record: Uint8Array, after: GroupState, sha256: Sha256): Uint8Array {
  return sha256(context, before, sha256(record), sha256(encodeState(after)));
}
