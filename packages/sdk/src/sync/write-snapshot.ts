import type { SyncGroupFields } from '@sotto/proto';
import { sameBytes } from '../crypto/same-bytes.ts';
import { writeGroupKeys } from '../groups/group-keys.ts';
import { groupLimits } from '../groups/group-limits.ts';
import { keyOfState, keySource, positionOf } from '../groups/stored-group.ts';
import { writeWelcome } from '../groups/welcome.ts';
import { type Applied, type Arrival, nothingDue } from '../messages/arrival.ts';
import type { ChatRecord } from '../ports/chat-record.ts';
import type { GroupRecord } from '../ports/group-records.ts';
import type { GroupId } from '../ports/ids.ts';
import type { StoreQueries } from '../ports/store.ts';
import { addSync, syncOfAccount, syncOfChat, syncOfContact } from './own-sync.ts';

const pageLength = 64;
/** The chats that a snapshot has, the latest ones: an app that needs more has a backup. */
const mostChats = 1_024;

/**
 * Answers another own device that asks for what the account is made of: people, chats with their settings, groups with their keys. Messages are not among it.
 *
 * The primary device answers, so that there is one answer.
 */
export async function answerSnapshotRequest(arrival: Arrival): Promise<Applied> {
  const { account, queries } = arrival;
  if (account.rootSecret === undefined) return nothingDue;
  addSync(arrival.overlay, arrival.origin, { account: await syncOfAccount(arrival.overlay, account) }, arrival.now);
  await writeGroups(arrival);
  let below: number | undefined;
  for (let count = 0; count < mostChats; count += pageLength) {
    const page = await queries.chats(below, pageLength);
    await writePeople(arrival, page);
    below = page.at(-1)?.activity;
    if (below === undefined) break;
  }
  const blocked = await queries.blockedUsers();
  for (let at = 0; at < blocked.length; at += pageLength) {
    const contacts = blocked.slice(at, at + pageLength).map(syncOfContact);
    addSync(arrival.overlay, arrival.origin, { snapshot: { contacts } }, arrival.now);
  }
  addSync(arrival.overlay, arrival.origin, { snapshot: { complete: true } }, arrival.now);
  return { ...nothingDue, answered: true };
}

async function writePeople({ overlay, origin, now }: Arrival, chats: readonly ChatRecord[]): Promise<void> {
  if (chats.length === 0) return;
  const users = await Promise.all(
    chats.map(({ userId }) => (userId === undefined ? undefined : overlay.get('user', { id: userId }))),
  );
  const contacts = users.filter((user) => user !== undefined).map(syncOfContact);
  const wireIds = await Promise.all(
    chats.map(async ({ groupId }) => groupId && (await overlay.get('group', { id: groupId }))?.wireId),
  );
  const settings = chats.flatMap((chat, at) =>
    chat.groupId !== undefined && wireIds[at] === undefined ? [] : [syncOfChat(chat, wireIds[at])],
  );
  addSync(overlay, origin, { snapshot: { contacts, chats: settings } }, now);
}

async function writeGroups({ overlay, origin, queries, now }: Arrival): Promise<void> {
  let after: GroupId | undefined;
  for (;;) {
    const page = await queries.groups(after, pageLength);
    for (const { id } of page) {
      const group = await overlay.get('group', { id });
      const written = group?.standing === 'member' ? await writeGroup(group, queries) : undefined;
      if (written !== undefined) addSync(overlay, origin, { snapshot: { groups: [written] } }, now);
    }
    after = page.at(-1)?.id;
    if (after === undefined) return;
  }
}

/** A group with all keys that are kept; undefined when the key of its state is missing. */
export async function writeGroup(
  group: GroupRecord,
  queries: Pick<StoreQueries, 'groupKeys'>,
): Promise<SyncGroupFields | undefined> {
  const at = positionOf(group);
  const kept = await queries.groupKeys(group.id);
  const key = at && keyOfState(at.state, keySource(kept));
  if (at === undefined || key === undefined) return undefined;
  const others = kept.filter((one) => one.evaluated && !sameBytes(one.key, key.key)).slice(-groupLimits.keysAtOnce);
  return {
    welcome: writeWelcome({ at, key }),
    ...(others.length > 0 && { keys: writeGroupKeys(group.wireId, others) }),
  };
}
