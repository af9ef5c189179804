import { sameBytes } from '../crypto/same-bytes.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { DeviceAddress } from '../ports/ids.ts';
import { applyChange } from './apply-change.ts';
import { type ChangeRefusal, type GroupRules, groupRules, refusalOf } from './change-rules.ts';
import type { ProofRefusal } from './device-proof.ts';
import { keyCommitment, openOfGroup } from './group-cipher.ts';
import type { GroupPosition } from './group-head.ts';
import { isGuestOperation } from './group-operation.ts';
import { decodeRecord, encodeRecordHeader, type GroupRecord } from './group-record.ts';
import type { GroupState } from './group-state.ts';
import { readKeyProof } from './key-proof.ts';
import type { OperationRefusal } from './operation-rule.ts';
import { type GroupChange, readSignedChange } from './signed-change.ts';

/** Why a record changes nothing. */
export type VoidReason =
  /** No record, of another group or revision, or too large. */
  | 'record-malformed'
  /** The group was never created, or nobody is left in it. */
  | 'no-group'
  /** It is under another state key than it must be. */
  | 'key-epoch-wrong'
  /** It is under a new state key, and no member shows that it is theirs. */
  | 'key-proof-wrong'
  /** The key is the right one, and does not open it. */
  | 'unreadable'
  | 'change-malformed'
  | ProofRefusal
  | ChangeRefusal
  | OperationRefusal;

/** What became of a record. */
export type Verdict =
  | { readonly type: 'applied'; readonly change: GroupChange }
  /** The revision counts, the head moves on, the state stays as it was. */
  | { readonly type: 'void'; readonly reason: VoidReason }
  /** Nothing moves before the key of this commitment is there. */
  | { readonly type: 'waits-for-key'; readonly keyEpoch: number; readonly keyCommitment: Uint8Array };

/** Gives a state key by its epoch and commitment, if it is known. */
export type KeySource = (keyEpoch: number, commitment: Uint8Array) => Uint8Array | undefined;

/** Where the log leads, and what the record was. */
export interface Evaluation {
  readonly at: GroupPosition;
  readonly verdict: Verdict;
}

/**
 * Evaluates the next record of a group's log (docs/protocol.md, section 7). Pure: equal positions and equal records give equal positions to everybody who has the keys, whatever the record is.
 * @param record the bytes of revision `before.state.revision + 1`, as the relay gave them
 * @param keys a key that does not fit its commitment counts as missing
 */
export function evaluate(
  before: GroupPosition,
  record: Uint8Array,
  keys: KeySource,
  sha256: Sha256,
  rules: GroupRules = groupRules,
): Evaluation {
  const { state } = before;
  const revision = state.revision + 1;
  const moveTo = (after: GroupState, verdict: Verdict): Evaluation => ({
    at: { state: after, head: rules.head(before.head, record, after, sha256) },
    verdict,
  });
  const voided = (reason: VoidReason) => moveTo({ ...state, revision }, { type: 'void', reason });

  const read = decodeRecord(record);
  if (read === undefined || read.revision !== revision || !sameBytes(read.wireId, state.wireId)) {
    return voided('record-malformed');
  }
  if (revision > 1 && state.members.length === 0) return voided('no-group');
  const waits = ({ keyEpoch, keyCommitment: commitment }: CommittedEpoch): Evaluation => {
    return { at: before, verdict: { type: 'waits-for-key', keyEpoch, keyCommitment: commitment } };
  };
  const use = keyUse(state, read);
  if (use === undefined) return voided('key-epoch-wrong');
  let bringer: DeviceAddress | undefined;
  if (use === 'members' && state.keyEpoch > 0) {
    const current = fittingKey(state, keys, sha256);
    if (current === undefined) return waits(state);
    bringer = readKeyProof(before, read, current, sha256);
    if (bringer === undefined) return voided('key-proof-wrong');
  } else if (read.keyProof !== undefined) return voided('key-proof-wrong');
  const key = fittingKey(read, keys, sha256);
  if (key === undefined) return waits(read);
  const outcome = outcomeOf(before, read, { key, bringer }, sha256, rules);
  if (typeof outcome === 'string') return voided(outcome);
  return moveTo(outcome.after, { type: 'applied', change: outcome.change });
}

/** The state after a record, or why it changes nothing. */
function outcomeOf(
  before: GroupPosition,
  record: GroupRecord,
  { key, bringer }: { readonly key: Uint8Array; readonly bringer: DeviceAddress | undefined },
  sha256: Sha256,
  rules: GroupRules,
): { readonly after: GroupState; readonly change: GroupChange } | VoidReason {
  const { wireId, revision } = record;
  const associated = encodeRecordHeader(record);
  const opened = openOfGroup(record.ciphertext, { purpose: 'change', wireId, key, associated });
  if (opened === undefined) return 'unreadable';
  const proven = readSignedChange(opened, sha256);
  if (typeof proven === 'string') return proven;
  const { change, list } = proven;
  if (change.revision !== revision || !sameBytes(change.wireId, wireId)) return 'change-malformed';
  const { userId, deviceId } = bringer ?? change.actor;
  if (change.actor.userId !== userId || change.actor.deviceId !== deviceId) return 'change-malformed';
  const use = keyUse(before.state, record);
  if (use !== 'all' && change.operations.some((one) => isGuestOperation(one) !== (use === 'guests'))) {
    return 'key-epoch-wrong';
  }
  const refusal = refusalOf(before, proven, rules);
  if (refusal !== undefined) return refusal;
  const { previousHead, operations, actor } = change;
  const after = applyChange(
    { state: before.state, record, actor: actor.userId, list, previousHead, operations },
    rules.operations,
  );
  return typeof after === 'string' ? after : { after, change };
}

/** Who may act under the key of a record: there is one key an epoch, and where a new one is due members bring any of the next epoch, and guests, whose key nobody would have, none. */
function keyUse(state: GroupState, record: GroupRecord): 'all' | 'members' | 'guests' | undefined {
  if (needsNewKey(state) && record.keyEpoch === state.keyEpoch + 1) return 'members';
  const isCurrent = record.keyEpoch === state.keyEpoch && sameBytes(record.keyCommitment, state.keyCommitment);
  if (!isCurrent) return undefined;
  return needsNewKey(state) ? 'guests' : 'all';
}

/** Whether the next change of a member comes under a new state key. */
export function needsNewKey(state: GroupState): boolean {
  return state.rekeyDue || state.keyEpoch === 0;
}

/** A key as a state or a record names it. */
type CommittedEpoch = Pick<GroupRecord, 'wireId' | 'keyEpoch' | 'keyCommitment'>;

/** The key that is named so; one that does not fit its commitment is missing. */
function fittingKey(named: CommittedEpoch, keys: KeySource, sha256: Sha256): Uint8Array | undefined {
  const { wireId, keyEpoch, keyCommitment: commitment } = named;
  const key = keys(keyEpoch, commitment);
  return key && sameBytes(keyCommitment(wireId, { keyEpoch, key }, sha256), commitment) ? key : undefined;
}
