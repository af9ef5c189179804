import {
  GroupKeys,
  GroupWelcome,
  type SyncChat,
  type SyncContact,
  type SyncGroup,
  type SyncSnapshot,
  uuidToText,
} from '@sotto/proto';
import { chatLock, chatOfGroup, chatWith } from '../chats/chat-state.ts';
import { Hold } from '../crypto/hold.ts';
import { demandLocks } from '../crypto/locks-wanted.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { groupIdOf } from '../groups/group-id.ts';
import { decodeState } from '../groups/group-state.ts';
import { locksOfGroup } from '../groups/keep-group.ts';
import { type Applied, type Arrival, nothingDue } from '../messages/arrival.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { GroupId, UserId } from '../ports/ids.ts';
import type { SnapshotChat, SnapshotContact, SnapshotGroup } from '../ports/snapshot-import.ts';
import { OverlaySnapshotImport } from './import-snapshot.ts';

/** Applies a part of a snapshot: what this device does not know it takes over. */
export async function applySnapshot(
  arrival: Arrival,
  parts: Pick<SyncSnapshot, 'contacts' | 'chats' | 'groups' | 'complete'>,
): Promise<Applied> {
  const { sha256 } = arrival.origin;
  // The decoder gives whole messages: fields that were absent have their defaults.
  const contacts = (parts.contacts as readonly SyncContact[]).map(contactOf);
  const chats = (parts.chats as readonly SyncChat[]).map((chat) => chatOf(chat, sha256));
  const groups = parts.groups.map((group) => groupOf(group as SyncGroup, sha256));
  demandLocks(arrival.locks, [
    ...contacts.map(({ userId }) => chatLock(chatWith(userId))),
    ...chats.map((chat) => chatLock(idOf(chat))),
    ...groups.flatMap(({ locks }) => locks),
  ]);
  const into = new OverlaySnapshotImport(arrival);
  for (const contact of contacts) await into.contact(contact);
  for (const { group } of groups) await into.group(group);
  for (const chat of chats) await into.chat(chat);
  if (parts.complete) await noteComplete(arrival.overlay);
  const { accepted, groupsBegun } = into;
  return { ...nothingDue, accepted, groupsBegun, ...(groups[0] && { group: groups[0].groupId }) };
}

async function noteComplete(overlay: Overlay): Promise<void> {
  const account = await overlay.get('account', {});
  if (account !== undefined && !account.ended && !account.hasSnapshot)
    overlay.put('account', { ...account, hasSnapshot: true });
}

/** @throws {Hold} `content-invalid` */
export function contactOf({ userId, number, username, profileKey, blockedAt }: SyncContact): SnapshotContact {
  if (userId.length !== 16 || number.length > 32 || username.length > 200) throw new Hold('content-invalid');
  return {
    userId: uuidToText(userId) as UserId,
    number,
    username,
    profileKey: profileKey.length === 32 ? profileKey.slice() : undefined,
    blockedAt: blockedAt > 0 ? blockedAt : undefined,
  };
}

/** @throws {Hold} `content-invalid` */
export function chatOf({ userId, groupId, accepted, mutedUntil, receipts }: SyncChat, sha256: Sha256): SnapshotChat {
  const ofUser = userId.length === 16;
  if (ofUser === (groupId.length === 32)) throw new Hold('content-invalid');
  return {
    userId: ofUser ? (uuidToText(userId) as UserId) : undefined,
    groupId: groupId.length === 32 ? groupIdOf(groupId, sha256) : undefined,
    accepted,
    mutedUntil: mutedUntil > 0 ? mutedUntil : undefined,
    receipts: receipts ?? undefined,
  };
}

/** The chat's id. */
export function idOf({ userId, groupId }: SnapshotChat) {
  if (groupId !== undefined) return chatOfGroup(groupId);
  if (userId === undefined) throw new Hold('content-invalid');
  return chatWith(userId);
}

function groupOf(
  { welcome, keys }: SyncGroup,
  sha256: Sha256,
): { readonly groupId: GroupId; readonly group: SnapshotGroup; readonly locks: readonly string[] } {
  const state = welcome?.state && decodeState(welcome.state);
  if (!welcome || !state) throw new Hold('content-invalid');
  const groupId = groupIdOf(state.wireId, sha256);
  return {
    groupId,
    group: { welcome: GroupWelcome.encode(welcome), keys: keys ? GroupKeys.encode(keys) : undefined },
    locks: locksOfGroup(
      groupId,
      state.members.map(({ userId }) => userId),
    ),
  };
}
