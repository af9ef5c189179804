import { GroupRecord as GroupRecordMessage, uuidToText } from '@sotto/proto';
import type { GroupRecord } from '../ports/group-store.ts';
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
  const [added, removed] = [readUsers(record.added), readUsers(record.removed)];
  const both = new Set([...added, ...removed]);
  if (both.size !== added.length + removed.length) throw malformed('nobody is added and removed at once.');
  return { groupId, revision: record.revision, bytes, added, removed };
}

/** Ascending, so that each stands once. */
function readUsers(ids: readonly Uint8Array[]): UserId[] {
  if (ids.length > mostMembers) throw malformed(`a record adds and removes at most ${mostMembers} each.`);
  for (const [at, id] of ids.entries()) {
    const before = ids[at - 1];
    if (id.length !== 16) throw malformed('user ids have 16 bytes.');
    if (before !== undefined && Buffer.compare(before, id) >= 0) throw malformed('user ids stand in ascending order.');
  }
  return ids.map((id) => uuidToText(id) as UserId);
}

function malformed(flaw: string): RelayError {
  return new RelayError('request-malformed', `The request is not well formed: ${flaw}`);
}
