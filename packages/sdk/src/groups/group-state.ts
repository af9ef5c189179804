import { GroupState as WireState } from '@sotto/proto';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { UserId } from '../ports/ids.ts';
import { atLeast, checkAscending, exactly, Malformed, reading, withoutDefaults } from './canonical.ts';
import {
  type GroupAvatar,
  type GroupInvite,
  type GroupSettings,
  readAvatar,
  readInvite,
  readSettings,
  readTitle,
  writeAvatar,
  writeInvite,
  writeSettings,
} from './group-details.ts';
import { groupBytes, groupLimits, groupRulesVersion } from './group-limits.ts';
import {
  type GroupMember,
  type GroupRequest,
  readMember,
  readRequest,
  writeMember,
  writeRequest,
} from './group-member.ts';

/** What a group is after a revision: all who evaluate the same log have the same. */
export interface GroupState {
  /** The group's 32 bytes on the wire. */
  readonly wireId: Uint8Array;
  /** 0 before the first record. */
  readonly revision: number;
  /** 1; 0 as long as the group was not created. */
  readonly rules: number;
  readonly title: string;
  readonly avatar: GroupAvatar | undefined;
  /** By user id, ascending. */
  readonly members: readonly GroupMember[];
  /** By user id, ascending. */
  readonly requests: readonly GroupRequest[];
  readonly invite: GroupInvite | undefined;
  readonly settings: GroupSettings;
  /** 0 as long as the group was not created. */
  readonly keyEpoch: number;
  readonly keyCommitment: Uint8Array;
  /** Somebody who has the state key is to have it no longer: the next change of a member must come under a new one. */
  readonly rekeyDue: boolean;
}

/** A group of which nothing is known: before its first record. */
export function unbornState(wireId: Uint8Array): GroupState {
  return {
    wireId,
    revision: 0,
    rules: 0,
    title: '',
    avatar: undefined,
    members: [],
    requests: [],
    invite: undefined,
    settings: { add: 'admins', edit: 'admins' },
    keyEpoch: 0,
    keyCommitment: new Uint8Array(),
    rekeyDue: false,
  };
}

/** A member by user id. */
export function memberOf(state: GroupState, userId: UserId): GroupMember | undefined {
  return state.members.find((member) => member.userId === userId);
}

/** The one encoding of a state: protobuf, fields ascending, defaults left out, lists by user id. */
export function encodeState(state: GroupState): Uint8Array {
  return WireState.encode(
    withoutDefaults({
      groupId: state.wireId,
      revision: state.revision,
      rules: state.rules,
      title: state.title,
      avatar: state.avatar && writeAvatar(state.avatar),
      members: state.members.map(writeMember),
      requests: state.requests.map(writeRequest),
      invite: state.invite && writeInvite(state.invite),
      settings: state.rules === 0 ? undefined : writeSettings(state.settings),
      keyEpoch: state.keyEpoch,
      keyCommitment: state.keyCommitment,
      rekeyDue: state.rekeyDue,
    }),
  );
}

/** The state of a group that has members, from its one encoding; undefined when the bytes are something else. */
export function decodeState(bytes: Uint8Array): GroupState | undefined {
  const state = reading(() => readState(WireState.decode(bytes)));
  return state !== undefined && sameBytes(encodeState(state), bytes) ? state : undefined;
}

function readState(wire: WireState): GroupState {
  const members = wire.members.map(readMember);
  const requests = wire.requests.map(readRequest);
  const ids = members.map(({ userId }) => userId);
  checkAscending(ids);
  checkAscending(requests.map(({ userId }) => userId));
  const inside = new Set<string>(ids);
  if (requests.some(({ userId }) => inside.has(userId))) throw new Malformed('a member asks to be let in');
  if (members.length > groupLimits.members || requests.length > groupLimits.requests) throw new Malformed('too many');
  if (members.filter(({ role }) => role === 'owner').length !== 1) throw new Malformed('a group has one owner');
  if (wire.rules !== groupRulesVersion) throw new Malformed('other rules');
  const revision = atLeast(1, wire.revision);
  const keyEpoch = atLeast(1, wire.keyEpoch);
  if (members.some((member) => member.joinedAtRevision > revision || member.joinedAtEpoch > keyEpoch)) {
    throw new Malformed('a member of the future');
  }
  if (requests.some((request) => request.requestedAtRevision > revision))
    throw new Malformed('a request of the future');
  return {
    wireId: exactly(groupBytes.wireId, wire.groupId),
    revision,
    rules: wire.rules,
    title: readTitle(wire.title),
    avatar: readAvatar(wire.avatar),
    members,
    requests,
    invite: wire.invite ? readInvite(wire.invite) : undefined,
    settings: readSettings(wire.settings),
    keyEpoch,
    keyCommitment: exactly(groupBytes.commitment, wire.keyCommitment),
    rekeyDue: wire.rekeyDue,
  };
}
