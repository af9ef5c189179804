import { GroupRecord as WireRecord } from '@sotto/proto';
import { sameBytes } from '../crypto/same-bytes.ts';
import { atLeast, between, exactly, reading, withoutDefaults } from './canonical.ts';
import { groupBytes, groupLimits } from './group-limits.ts';

/** What of a record stands in clear: nobody is named. */
export interface GroupRecordHeader {
  readonly wireId: Uint8Array;
  readonly revision: number;
  readonly keyEpoch: number;
  readonly keyCommitment: Uint8Array;
  /** Of a record under a new key: sealed, who brings it. */
  readonly keyProof?: Uint8Array | undefined;
}

/** One entry of a group's log. */
export interface GroupRecord extends GroupRecordHeader {
  readonly ciphertext: Uint8Array;
}

/** The one encoding of a record. */
export function encodeRecord(record: GroupRecord): Uint8Array {
  return WireRecord.encode(
    withoutDefaults({
      groupId: record.wireId,
      revision: record.revision,
      keyEpoch: record.keyEpoch,
      keyCommitment: record.keyCommitment,
      ciphertext: record.ciphertext,
      keyProof: record.keyProof,
    }),
  );
}

/** What the ciphertext is bound to: the record without it. */
export function encodeRecordHeader(header: GroupRecordHeader): Uint8Array {
  return encodeRecord({ ...header, ciphertext: new Uint8Array() });
}

/** A record from its one encoding; undefined when the bytes are something else, or too many. */
export function decodeRecord(bytes: Uint8Array): GroupRecord | undefined {
  if (bytes.length > groupLimits.recordBytes) return undefined;
  const record = reading((): GroupRecord => {
    const wire = WireRecord.decode(bytes);
    return {
      wireId: exactly(groupBytes.wireId, wire.groupId),
      revision: atLeast(1, wire.revision),
      keyEpoch: atLeast(1, wire.keyEpoch),
      keyCommitment: exactly(groupBytes.commitment, wire.keyCommitment),
      ciphertext: between(1, groupLimits.recordBytes, wire.ciphertext),
      keyProof: wire.keyProof.length === 0 ? undefined : between(1, groupLimits.recordBytes, wire.keyProof),
    };
  });
  return record !== undefined && sameBytes(encodeRecord(record), bytes) ? record : undefined;
}
