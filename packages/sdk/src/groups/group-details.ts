import {
  type GroupAvatarFields,
  type GroupInviteFields,
  type GroupSettingsFields,
  GroupAccess as WireAccess,
} from '@sotto/proto';
import { sameBytes } from '../crypto/same-bytes.ts';
import { exactly, Malformed, present, withoutDefaults } from './canonical.ts';
import { groupBytes } from './group-limits.ts';
import { isGroupTitle } from './group-title.ts';

/** Who may do something: the owner and admins, or all members. */
export type GroupAccess = 'admins' | 'members';

/** What members may do that are no admins. */
export interface GroupSettings {
  /** Who adds members. */
  readonly add: GroupAccess;
  /** Who changes title and avatar. */
  readonly edit: GroupAccess;
}

/** The avatar: encrypted as those of profiles are, under a key of its own. */
export interface GroupAvatar {
  /** SHA-256 of the plaintext. */
  readonly hash: Uint8Array;
  readonly key: Uint8Array;
  /** Where the relay has it: 32 random bytes. */
  readonly location: Uint8Array;
}

/** A link by which others come in. */
export interface GroupInvite {
  /** 16 bytes. */
  readonly id: Uint8Array;
  /** 32 bytes: it stands in the link. */
  readonly key: Uint8Array;
  /** Whether an admin has to approve. */
  readonly approval: boolean;
}

export function writeSettings({ add, edit }: GroupSettings): GroupSettingsFields {
  return { add: writeAccess(add), edit: writeAccess(edit) };
}

/** @throws {Malformed} */
export function readSettings(fields: GroupSettingsFields | null | undefined): GroupSettings {
  const { add, edit } = present(fields);
  return { add: readAccess(add), edit: readAccess(edit) };
}

export function writeAvatar(avatar: GroupAvatar): GroupAvatarFields {
  return withoutDefaults({ hash: avatar.hash, key: avatar.key, location: avatar.location });
}

/** Whether both are the same upload. */
export function isSameAvatar(left: GroupAvatar | undefined, right: GroupAvatar | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return sameBytes(left.hash, right.hash) && sameBytes(left.key, right.key) && sameBytes(left.location, right.location);
}

/** @throws {Malformed} */
export function readAvatar(fields: GroupAvatarFields | null | undefined): GroupAvatar | undefined {
  if (fields === undefined || fields === null) return undefined;
  return {
    hash: exactly(32, fields.hash),
    key: exactly(groupBytes.key, fields.key),
    location: exactly(groupBytes.avatarLocation, fields.location),
  };
}

export function writeInvite(invite: GroupInvite): GroupInviteFields {
  return withoutDefaults({ inviteId: invite.id, key: invite.key, approval: invite.approval });
}

/** @throws {Malformed} */
export function readInvite(fields: GroupInviteFields): GroupInvite {
  return {
    id: exactly(groupBytes.inviteId, fields.inviteId),
    key: exactly(groupBytes.key, fields.key),
    approval: fields.approval ?? false,
  };
}

/** @throws {Malformed} */
export function readTitle(title: string | null | undefined): string {
  const text = title ?? '';
  if (!isGroupTitle(text)) throw new Malformed('no title');
  return text;
}

function writeAccess(access: GroupAccess): WireAccess {
  return access === 'admins' ? WireAccess.GROUP_ACCESS_ADMINS : WireAccess.GROUP_ACCESS_MEMBERS;
}

function readAccess(access: WireAccess | null | undefined): GroupAccess {
  if (access === WireAccess.GROUP_ACCESS_ADMINS) return 'admins';
  if (access === WireAccess.GROUP_ACCESS_MEMBERS) return 'members';
  throw new Malformed('no such access');
}
