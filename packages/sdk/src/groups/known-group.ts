import { sameBytes } from '../crypto/same-bytes.ts';
import type { Sha256 } from '../ports/hash.ts';
import { exactly, Malformed, reading } from './canonical.ts';
import { type GroupKey, keyCommitment } from './group-cipher.ts';
import type { GroupPosition } from './group-head.ts';
import { groupBytes } from './group-limits.ts';
import { decodeState } from './group-state.ts';

/** What lets somebody begin in the middle of a log: a position and the state key there. */
export interface KnownGroup {
  readonly at: GroupPosition;
  readonly key: GroupKey;
}

/**
 * Puts together what another one says of a group: the state in its one encoding, of this group, and the key that the state names. Whether it is true shows by the heads of later messages.
 */
export function readKnownGroup(
  wireId: Uint8Array,
  parts: {
    readonly revision: number;
    readonly head: Uint8Array;
    readonly keyEpoch: number;
    readonly key: Uint8Array;
    readonly state: Uint8Array;
  },
  sha256: Sha256,
): KnownGroup | undefined {
  return reading(() => {
    const state = decodeState(parts.state);
    const key = { keyEpoch: parts.keyEpoch, key: exactly(groupBytes.key, parts.key) };
    const head = exactly(groupBytes.head, parts.head);
    const agrees =
      state !== undefined &&
      sameBytes(state.wireId, wireId) &&
      state.revision === parts.revision &&
      state.keyEpoch === parts.keyEpoch &&
      sameBytes(state.keyCommitment, keyCommitment(wireId, key, sha256));
    if (!agrees) throw new Malformed('the parts do not belong together');
    return { at: { state, head }, key };
  });
}
