import { sameBytes } from '../crypto/same-bytes.ts';
import { verifyDeviceList } from '../devices/device-list.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { Randomness } from '../ports/randomness.ts';
import { SottoError } from '../sotto-error.ts';
import { applyChange, type MembersChanged, membersChanged } from './apply-change.ts';
import { groupRules } from './change-rules.ts';
import type { GroupActor } from './device-proof.ts';
import { type Evaluation, evaluate, type KeySource, needsNewKey, type VoidReason } from './evaluate.ts';
import { type GroupKey, keyCommitment, newGroupKey, sealForGroup } from './group-cipher.ts';
import type { GroupPosition } from './group-head.ts';
import { type GroupOperation, isGuestOperation } from './group-operation.ts';
import { encodeRecord, encodeRecordHeader, type GroupRecordHeader } from './group-record.ts';
import { sealKeyProof } from './key-proof.ts';
import { signChange } from './signed-change.ts';

/** What a change is made of. */
export interface NewChange {
  readonly before: GroupPosition;
  readonly actor: GroupActor;
  readonly operations: readonly GroupOperation[];
  readonly now: number;
}

/** A record that can be put to the relay, with who comes and who goes by it: for the relay's table of members. */
export interface WrittenRecord extends MembersChanged {
  /** These bytes, at this revision. */
  readonly record: Uint8Array;
  /** Where it leads, if the relay takes it. */
  readonly at: GroupPosition;
  /** The key that it is under. */
  readonly key: GroupKey;
  /** The key is new: the members of `at` have to be given it before the record is put. */
  readonly isNewKey: boolean;
}

/**
 * Writes the record of a change, under a new state key where one is due, and evaluates it as everybody else will.
 * @returns the record, or why everybody would take it for void
 * @throws {SottoError} `internal` when the state key is not there that the position was reached with
 */
export function writeRecord(
  { before, actor, operations, now }: NewChange,
  keys: KeySource,
  { sha256, randomness }: { readonly sha256: Sha256; readonly randomness: Randomness },
): WrittenRecord | VoidReason {
  const { state, head: previousHead } = before;
  const { wireId } = state;
  const isNewKey = needsNewKey(state) && !operations.every(isGuestOperation);
  const current = state.keyEpoch === 0 ? undefined : knownKey(keys(state.keyEpoch, state.keyCommitment));
  const key =
    isNewKey || current === undefined
      ? { keyEpoch: state.keyEpoch + 1, key: newGroupKey(randomness) }
      : { keyEpoch: state.keyEpoch, key: current };
  const plain = {
    wireId,
    revision: state.revision + 1,
    keyEpoch: key.keyEpoch,
    keyCommitment: keyCommitment(wireId, key, sha256),
  };
  const keyProof = isNewKey && current ? sealKeyProof(before, plain, actor, current, randomness) : undefined;
  const header = { ...plain, keyProof };
  const { userId } = actor.address;
  const list = verifyDeviceList(actor.deviceList, userId, sha256);
  const after = applyChange(
    { state, record: header, actor: userId, list, previousHead, operations },
    groupRules.operations,
  );
  if (typeof after === 'string') return after;
  const signed = signChange({ wireId, revision: header.revision, previousHead, createdAt: now, operations }, actor);
  const record = sealRecord(header, signed, key.key, randomness);
  const known: KeySource = (epoch, commitment) =>
    sameBytes(commitment, header.keyCommitment) ? key.key : keys(epoch, commitment);
  const evaluation: Evaluation = evaluate(before, record, known, sha256);
  if (evaluation.verdict.type === 'void') return evaluation.verdict.reason;
  return { record, at: evaluation.at, key, isNewKey, ...membersChanged(state, after) };
}

/** Encrypts a signed change into its record, whatever it is. */
export function sealRecord(
  header: GroupRecordHeader,
  signedChange: Uint8Array,
  key: Uint8Array,
  randomness: Randomness,
): Uint8Array {
  const associated = encodeRecordHeader(header);
  const sealing = { purpose: 'change', wireId: header.wireId, key, associated } as const;
  return encodeRecord({ ...header, ciphertext: sealForGroup(signedChange, sealing, randomness) });
}

function knownKey(key: Uint8Array | undefined): Uint8Array {
  if (key === undefined) {
    throw new SottoError('internal', 'the state key of this group is missing: report it, with what was done before');
  }
  return key;
}
