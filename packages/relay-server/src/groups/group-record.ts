import { GroupRecord as GroupRecordMessage, type GroupMembersChange as MembersChangeBody } from '@sotto/proto';
import type { GroupMembersChange, GroupRecord } from '../ports/group-store.ts';
import type { GroupId, UserId } from '../ports/ids.ts';
import { RelayError } from '../relay-error.ts';

/** The most bytes of a record, of a checkpoint and of an invite's box. */
export const groupSealBytes = 256 * 1024;
/** The most members of a group. */
export const mostMembers = 1_024;

const leastCiphertext = 12 + 16;

/**
 * Reads the plain part of a record for this group.
 * @throws {RelayError} `request-malformed`
 * @throws {ProtoError} `malformed-message`
 */
export function readGroupRecord(groupId: GroupId, bytes: Uint8Array): GroupRecord {
  if (bytes.length > groupSealBytes) throw malformed(`a record has at most ${groupSealBytes} bytes.`);
  const record = GroupRecordMessage.decode(bytes);
  if (Buffer.compare(record.groupId, groupId) !== 0) throw malformed('the record is of another group.');
  if (record.revision < 1) throw malformed('revision counts from 1.');
  if (record.keyEpoch < 1) throw malformed('key_epoch counts from 1.');
  if (record.keyCommitment.length !== 32) throw malformed('key_commitment has 32 bytes.');
  if (record.ciphertext.length < leastCiphertext) throw malformed('a ciphertext has a nonce and a tag.');
  const { revision, keyEpoch, keyCommitment } = record;
  return { groupId, revision, keyEpoch, keyCommitment, bytes };
}

/**
 * Reads who comes and who goes.
 * @throws {RelayError} `request-malformed`
 */
export function readMembersChange({ added, removed }: MembersChangeBody): GroupMembersChange {
  const most = Math.max(added.length, removed.length);
  if (most > mostMembers) throw malformed(`at most ${mostMembers} are added and removed each.`);
  const each = new Set([...added, ...removed]);
  if (each.size !== added.length + removed.length) throw malformed('everybody is added or removed once.');
  return { added: added.map((id) => id as UserId), removed: removed.map((id) => id as UserId) };
}

function malformed(flaw: string): RelayError {
  return new RelayError('request-malformed', `The request is not well formed: ${flaw}`);
}
