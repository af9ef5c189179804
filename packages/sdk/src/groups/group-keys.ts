import type { GroupKeyRequest, GroupKeyRequestFields, GroupKeys, GroupKeysFields } from '@sotto/proto';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { UserId } from '../ports/ids.ts';
import { atLeast, exactly, Malformed, present, reading } from './canonical.ts';
import { type GroupKey, keyCommitment } from './group-cipher.ts';
import { groupBytes, groupLimits } from './group-limits.ts';
import { type GroupState, memberOf } from './group-state.ts';

/** A state key by what names it. */
export interface CommittedKey extends GroupKey {
  readonly keyCommitment: Uint8Array;
}

/** A state key that somebody lacks. */
export type WantedKey = Omit<CommittedKey, 'key'>;

/** The keys for members, pairwise: at most 64. */
export function writeGroupKeys(wireId: Uint8Array, keys: readonly GroupKey[]): GroupKeysFields {
  return { groupId: wireId, keys: keys.map(({ keyEpoch, key }) => ({ keyEpoch, key })) };
}

/** The keys that somebody gives, each with its commitment: a key that no record names is of no use, and does no harm. Undefined when malformed. */
export function readGroupKeys({ groupId, keys }: GroupKeys, sha256: Sha256): readonly CommittedKey[] | undefined {
  return reading(() => {
    const wireId = exactly(groupBytes.wireId, groupId);
    return fewOf(keys).map((given) => {
      const one = { keyEpoch: atLeast(1, given.keyEpoch), key: exactly(groupBytes.key, given.key) };
      return { ...one, keyCommitment: keyCommitment(wireId, one, sha256) };
    });
  });
}

/** Asks a member for state keys: at most 64; for none: for the welcome to a group of which nothing is known. */
export function writeKeyRequest(wireId: Uint8Array, wanted: readonly WantedKey[]): GroupKeyRequestFields {
  return {
    groupId: wireId,
    wanted: wanted.map(({ keyEpoch, keyCommitment: commitment }) => ({ keyEpoch, keyCommitment: commitment })),
  };
}

/**
 * Which keys a member is given that asks for them: of the epochs since it joined.
 * @param state of the one who answers; whoever is no member in it gets nothing
 * @param evaluatedWith the keys by which records up to this very state were opened, or that came with the position where it began. Those that are kept for later records are not among them: this state does not know yet who is put out before.
 */
export function answerKeyRequest(
  { groupId, wanted }: GroupKeyRequest,
  asker: UserId,
  state: GroupState,
  evaluatedWith: readonly CommittedKey[],
): readonly GroupKey[] {
  const member = sameBytes(groupId, state.wireId) ? memberOf(state, asker) : undefined;
  if (member === undefined) return [];
  const asked = reading(() =>
    fewOf(wanted).map((one) => ({
      keyEpoch: atLeast(1, one.keyEpoch),
      keyCommitment: exactly(groupBytes.commitment, one.keyCommitment),
    })),
  );
  return evaluatedWith.filter(
    ({ keyEpoch, keyCommitment: commitment }) =>
      keyEpoch >= member.joinedAtEpoch &&
      asked?.some((one) => one.keyEpoch === keyEpoch && sameBytes(one.keyCommitment, commitment)),
  );
}

function fewOf<T>(list: readonly T[] | null | undefined): readonly T[] {
  const few = present(list);
  if (few.length < 1 || few.length > groupLimits.keysAtOnce) throw new Malformed('too many keys');
  return few;
}
