import { type GroupOperationFields, uuidToBytes, type GroupOperation as WireOperation } from '@sotto/proto';
import type { UserId } from '../ports/ids.ts';
import {
  atLeast,
  exactly,
  Malformed,
  present,
  readUserId,
  readUserIds,
  withoutDefaults,
  writeUserIds,
} from './canonical.ts';
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
import { groupBytes, groupLimits } from './group-limits.ts';
import {
  type GroupCandidate,
  readCandidate,
  readCandidates,
  readRole,
  writeCandidate,
  writeRole,
} from './group-member.ts';

/** One step of a change. Lists are by user id, ascending, each id once. */
export type GroupOperation =
  | {
      readonly type: 'create';
      readonly rules: number;
      readonly title: string;
      readonly avatar: GroupAvatar | undefined;
      readonly settings: GroupSettings;
      readonly owner: GroupCandidate;
      readonly members: readonly GroupCandidate[];
    }
  | { readonly type: 'add-members'; readonly members: readonly GroupCandidate[] }
  | { readonly type: 'remove-members'; readonly userIds: readonly UserId[] }
  | { readonly type: 'leave' }
  | { readonly type: 'set-role'; readonly userId: UserId; readonly role: 'member' | 'admin' }
  | { readonly type: 'transfer-ownership'; readonly userId: UserId }
  | { readonly type: 'set-title'; readonly title: string }
  | { readonly type: 'set-avatar'; readonly avatar: GroupAvatar | undefined }
  | { readonly type: 'set-settings'; readonly settings: GroupSettings }
  | { readonly type: 'set-invite'; readonly invite: GroupInvite }
  | { readonly type: 'revoke-invite' }
  | { readonly type: 'join' | 'request-join'; readonly who: GroupCandidate; readonly proof: Uint8Array }
  | { readonly type: 'approve' | 'decline'; readonly userId: UserId }
  | { readonly type: 'note-devices'; readonly version: number; readonly revoked: boolean };

/** Whether it is by one who is no member yet: such changes come under the state key that is in the invite box, also while a new one is due. */
export function isGuestOperation({ type }: GroupOperation): boolean {
  return type === 'join' || type === 'request-join';
}

export function writeOperation(operation: GroupOperation): GroupOperationFields {
  switch (operation.type) {
    case 'create':
      return {
        create: withoutDefaults({
          rules: operation.rules,
          title: operation.title,
          avatar: operation.avatar && writeAvatar(operation.avatar),
          settings: writeSettings(operation.settings),
          owner: writeCandidate(operation.owner),
          members: operation.members.map(writeCandidate),
        }),
      };
    case 'add-members':
      return { addMembers: { members: operation.members.map(writeCandidate) } };
    case 'remove-members':
      return { removeMembers: { userIds: writeUserIds(operation.userIds) } };
    case 'leave':
      return { leave: {} };
    case 'set-role':
      return { setRole: { userId: uuidToBytes(operation.userId), role: writeRole(operation.role) } };
    case 'transfer-ownership':
      return { transferOwnership: { userId: uuidToBytes(operation.userId) } };
    case 'set-title':
      return { setTitle: { title: operation.title } };
    case 'set-avatar':
      return { setAvatar: withoutDefaults({ avatar: operation.avatar && writeAvatar(operation.avatar) }) };
    case 'set-settings':
      return { setSettings: writeSettings(operation.settings) };
    case 'set-invite':
      return { setInvite: writeInvite(operation.invite) };
    case 'revoke-invite':
      return { revokeInvite: {} };
    case 'join':
      return { join: { who: writeCandidate(operation.who), proof: operation.proof } };
    case 'request-join':
      return { requestJoin: { who: writeCandidate(operation.who), proof: operation.proof } };
    case 'approve':
      return { approve: { userId: uuidToBytes(operation.userId) } };
    case 'decline':
      return { decline: { userId: uuidToBytes(operation.userId) } };
    case 'note-devices':
      return { noteDevices: withoutDefaults({ version: operation.version, revoked: operation.revoked }) };
  }
}

type WireKind = NonNullable<WireOperation['operation']>;
const readers: { readonly [Kind in WireKind]: (wire: WireOperation) => GroupOperation } = {
  create: ({ create }) => {
    const { rules, title, avatar, settings, owner, members } = present(create);
    return {
      type: 'create',
      rules: atLeast(1, rules),
      title: readTitle(title),
      avatar: readAvatar(avatar),
      settings: readSettings(settings),
      owner: readCandidate(owner),
      members: someOf(readCandidates(members)),
    };
  },
  addMembers: ({ addMembers }) => ({ type: 'add-members', members: someOf(readCandidates(addMembers?.members)) }),
  removeMembers: ({ removeMembers }) => ({
    type: 'remove-members',
    userIds: someOf(readUserIds(removeMembers?.userIds)),
  }),
  leave: () => ({ type: 'leave' }),
  setRole: ({ setRole }) => {
    const role = readRole(setRole?.role);
    if (role === 'owner') throw new Malformed('ownership is transferred');
    return { type: 'set-role', userId: readUserId(setRole?.userId), role };
  },
  transferOwnership: ({ transferOwnership }) => ({
    type: 'transfer-ownership',
    userId: readUserId(transferOwnership?.userId),
  }),
  setTitle: ({ setTitle }) => ({ type: 'set-title', title: readTitle(setTitle?.title) }),
  setAvatar: ({ setAvatar }) => ({ type: 'set-avatar', avatar: readAvatar(setAvatar?.avatar) }),
  setSettings: ({ setSettings }) => ({ type: 'set-settings', settings: readSettings(setSettings) }),
  setInvite: ({ setInvite }) => ({ type: 'set-invite', invite: readInvite(present(setInvite)) }),
  revokeInvite: () => ({ type: 'revoke-invite' }),
  join: ({ join }) => ({ type: 'join', ...readJoin(join) }),
  requestJoin: ({ requestJoin }) => ({ type: 'request-join', ...readJoin(requestJoin) }),
  approve: ({ approve }) => ({ type: 'approve', userId: readUserId(approve?.userId) }),
  decline: ({ decline }) => ({ type: 'decline', userId: readUserId(decline?.userId) }),
  noteDevices: ({ noteDevices }) => ({
    type: 'note-devices',
    version: atLeast(1, noteDevices?.version),
    revoked: noteDevices?.revoked ?? false,
  }),
};

/** @throws {Malformed} also for a kind that is not known */
export function readOperation(wire: WireOperation): GroupOperation {
  return readers[present(wire.operation)](wire);
}

function readJoin(wire: WireOperation['join']): { readonly who: GroupCandidate; readonly proof: Uint8Array } {
  return { who: readCandidate(wire?.who), proof: exactly(groupBytes.proof, wire?.proof) };
}

function someOf<T>(list: readonly T[]): readonly T[] {
  if (list.length < 1 || list.length >= groupLimits.members) throw new Malformed('a list of a wrong length');
  return list;
}
