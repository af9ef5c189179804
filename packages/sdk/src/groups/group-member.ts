import {
  type GroupCandidateFields,
  type GroupMemberFields,
  type GroupRequestFields,
  uuidToBytes,
  GroupRole as WireRole,
} from '@sotto/proto';
import type { UserId } from '../ports/ids.ts';
import {
  atLeast,
  between,
  checkAscending,
  exactly,
  Malformed,
  present,
  readUserId,
  withoutDefaults,
} from './canonical.ts';
import { groupBytes } from './group-limits.ts';

/** What a member may do; a group has one owner. */
export type GroupRole = 'member' | 'admin' | 'owner';

/** Whoever becomes a member. */
export interface GroupCandidate {
  readonly userId: UserId;
  /** libsignal's 33 bytes: pinned, all that this member does is proven under it. */
  readonly rootKey: Uint8Array;
  /** From 1: lists of a lower version prove nothing. */
  readonly deviceListVersion: number;
  /** 32 bytes, when it is known. */
  readonly profileKey: Uint8Array | undefined;
}

/** A member. */
export interface GroupMember extends GroupCandidate {
  readonly role: GroupRole;
  readonly joinedAtRevision: number;
  /** Earlier state keys are none of its business. */
  readonly joinedAtEpoch: number;
}

/** Whoever asks to be let in. */
export interface GroupRequest extends GroupCandidate {
  readonly requestedAtRevision: number;
}

const wireRoles: { readonly [Role in GroupRole]: WireRole } = {
  member: WireRole.GROUP_ROLE_MEMBER,
  admin: WireRole.GROUP_ROLE_ADMIN,
  owner: WireRole.GROUP_ROLE_OWNER,
};

export function writeRole(role: GroupRole): WireRole {
  return wireRoles[role];
}

/** @throws {Malformed} */
export function readRole(role: WireRole | null | undefined): GroupRole {
  if (role === WireRole.GROUP_ROLE_MEMBER) return 'member';
  if (role === WireRole.GROUP_ROLE_ADMIN) return 'admin';
  if (role === WireRole.GROUP_ROLE_OWNER) return 'owner';
  throw new Malformed('no such role');
}

export function writeCandidate(candidate: GroupCandidate): GroupCandidateFields {
  const { userId, rootKey, deviceListVersion, profileKey } = candidate;
  return withoutDefaults({ userId: uuidToBytes(userId), rootKey, deviceListVersion, profileKey });
}

/** @throws {Malformed} */
export function readCandidate(fields: GroupCandidateFields | null | undefined): GroupCandidate {
  const { userId, rootKey, deviceListVersion, profileKey } = present(fields);
  const key = exactly(groupBytes.rootKey, rootKey);
  // The one form of a Curve25519 key: its type first, the bit that is ignored (RFC 7748, section 5) clear.
  if (key[0] !== 5 || ((key[groupBytes.rootKey - 1] ?? 0) & 0x80) !== 0) throw new Malformed('no root key');
  const ofProfile = between(0, groupBytes.key, profileKey);
  if (ofProfile.length !== 0 && ofProfile.length !== groupBytes.key) throw new Malformed('no profile key');
  return {
    userId: readUserId(userId),
    rootKey: key,
    deviceListVersion: atLeast(1, deviceListVersion),
    profileKey: ofProfile.length === 0 ? undefined : ofProfile,
  };
}

/** @throws {Malformed} also when they are not in order */
export function readCandidates(list: readonly GroupCandidateFields[] | null | undefined): readonly GroupCandidate[] {
  const candidates = (list ?? []).map(readCandidate);
  checkAscending(candidates.map(({ userId }) => userId));
  return candidates;
}

export function writeMember(member: GroupMember): GroupMemberFields {
  const { role, joinedAtRevision, joinedAtEpoch } = member;
  return withoutDefaults({ who: writeCandidate(member), role: writeRole(role), joinedAtRevision, joinedAtEpoch });
}

/** @throws {Malformed} */
export function readMember(fields: GroupMemberFields): GroupMember {
  return {
    ...readCandidate(fields.who),
    role: readRole(fields.role),
    joinedAtRevision: atLeast(1, fields.joinedAtRevision),
    joinedAtEpoch: atLeast(1, fields.joinedAtEpoch),
  };
}

export function writeRequest(request: GroupRequest): GroupRequestFields {
  return withoutDefaults({ who: writeCandidate(request), requestedAtRevision: request.requestedAtRevision });
}

/** @throws {Malformed} */
export function readRequest(fields: GroupRequestFields): GroupRequest {
  return { ...readCandidate(fields.who), requestedAtRevision: atLeast(1, fields.requestedAtRevision) };
}
