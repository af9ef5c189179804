import { sameBytes } from '../crypto/same-bytes.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { UserId } from '../ports/ids.ts';
import { evaluate, type KeySource, type VoidReason } from './evaluate.ts';
import { type GroupPosition, nextHead } from './group-head.ts';
import type { WantedKey } from './group-keys.ts';
import { groupLimits } from './group-limits.ts';
import { decodeRecord } from './group-record.ts';
import { type GroupState, memberOf } from './group-state.ts';
import type { GroupChange } from './signed-change.ts';

/** One record of a log, evaluated. */
export interface GroupStep {
  readonly before: GroupState;
  readonly at: GroupPosition;
  /** Undefined when the record changed nothing. */
  readonly change: GroupChange | undefined;
}

/** How far a piece of a log leads. */
export interface GroupAdvance {
  readonly steps: readonly GroupStep[];
  readonly at: GroupPosition;
  /** The keys by which records were opened. */
  readonly opened: readonly WantedKey[];
  /** The keys that are missing, the next one first; none when all was evaluated. */
  readonly missing: readonly WantedKey[];
}

/** Records that were opened by their key say so by any other verdict. */
const unopened: ReadonlySet<VoidReason> = new Set([
  'record-malformed',
  'no-group',
  'key-epoch-wrong',
  'key-proof-wrong',
]);

/**
 * Evaluates records that follow a position, up to one whose key is missing, or by which somebody is no member any more: what comes after is none of their business.
 * @param self whose client this is
 */
export function advance(
  from: GroupPosition,
  records: readonly Uint8Array[],
  self: UserId,
  keys: KeySource,
  sha256: Sha256,
): GroupAdvance {
  const steps: GroupStep[] = [];
  const opened: WantedKey[] = [];
  let at = from;
  for (const [index, record] of records.entries()) {
    const before = at.state;
    const { at: next, verdict } = evaluate(at, record, keys, sha256);
    if (verdict.type === 'waits-for-key') {
      return { steps, at, opened, missing: missingIn(records.slice(index), keys, verdict) };
    }
    if (verdict.type === 'applied' || !unopened.has(verdict.reason)) addKeyOf(record, opened);
    at = next;
    steps.push({ before, at, change: verdict.type === 'applied' ? verdict.change : undefined });
    if (memberOf(before, self) !== undefined && memberOf(at.state, self) === undefined) break;
  }
  return { steps, at, opened, missing: [] };
}

/** Whether a record is the one that led to this state from the head before. */
export function isRecordOf(record: Uint8Array, before: Uint8Array, at: GroupPosition, sha256: Sha256): boolean {
  return sameBytes(nextHead(before, record, at.state, sha256), at.head);
}

/** The keys that records name and that are not known, each once: as many as can be asked for at once. `first` is the one that is waited for. */
export function missingIn(records: readonly Uint8Array[], keys: KeySource, first?: WantedKey): readonly WantedKey[] {
  const missing: WantedKey[] = [];
  if (first !== undefined) addOnce(missing, first);
  for (const record of records) {
    const read = decodeRecord(record);
    if (read !== undefined && keys(read.keyEpoch, read.keyCommitment) === undefined) addOnce(missing, read);
  }
  return missing.slice(0, groupLimits.keysAtOnce);
}

function addKeyOf(record: Uint8Array, to: WantedKey[]): void {
  const read = decodeRecord(record);
  if (read !== undefined) addOnce(to, read);
}

function addOnce(list: WantedKey[], { keyEpoch, keyCommitment }: WantedKey): void {
  if (list.some((one) => one.keyEpoch === keyEpoch && sameBytes(one.keyCommitment, keyCommitment))) return;
  list.push({ keyEpoch, keyCommitment });
}
