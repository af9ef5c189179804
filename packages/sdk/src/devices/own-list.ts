import { IdentityKeyPair, KyberPreKeyRecord, type PublicKey, SignedPreKeyRecord } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import { firstIdentity } from '../crypto/identity-trust.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { underIdentity } from '../crypto/own-identities.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { GroupId } from '../ports/ids.ts';
import type { PrekeyRecord } from '../ports/key-records.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { StoreQueries } from '../ports/store.ts';
import { PrekeyIds } from '../prekeys/prekey-id.ts';
import { firstPrekeys, makePrekeys } from '../prekeys/prekey-material.ts';
import { type CheckedDeviceList, verifyDeviceList } from './device-list.ts';
import { openOwnDeviceName } from './device-name.ts';
import { openIdentity } from './sealed-identity.ts';

/** What the own list is taken over with. */
export interface OwnListParts {
  readonly queries: StoreQueries;
  readonly now: number;
  readonly randomness: Randomness;
  readonly sha256: Sha256;
}

/** What became of the own account. */
export interface TakenOver {
  /** The list is a later one than before. */
  readonly changed: boolean;
  /** A device is gone from it. */
  readonly removed: boolean;
  /** This device is gone from it: its session has ended, and nothing else of the list was taken over. */
  readonly revoked: boolean;
  /** The account has another identity key. */
  readonly identity: 'kept' | 'replaced' | 'missing';
}

const nothing: TakenOver = { changed: false, removed: false, revoked: false, identity: 'kept' };
const page = 256;

/**
 * Lets the account be as its list says, which was accepted as that of any other: the devices that came and went are told, and a new identity key takes the place of the old one, with new prekeys. No session of before is sent on any more (`Ratchet.canSend`).
 *
 * However much mail waits: others write under the new key since they know of its list, and what they have made for the one before can be opened for longer than mail is kept. A list that does not name this device ends its session: the root key has taken it off, whatever the relay says.
 *
 * To be run alone, under the lock `account`: it asks the store what there is.
 */
export async function takeOverOwnList(overlay: Overlay, parts: OwnListParts): Promise<TakenOver> {
  const own = await overlay.get('account', {});
  if (own === undefined || own.ended) return nothing;
  const { sha256 } = parts;
  const before = verifyDeviceList(own.deviceList, own.userId, sha256);
  const known = await overlay.get('deviceList', { userId: own.userId });
  const changed = known !== undefined && known.version > before.version && sameBytes(known.rootKey, before.rootKey);
  const list = changed ? verifyDeviceList(known.signed, own.userId, sha256) : before;
  if (changed && !names(list, own)) {
    const endReason = 'device-revoked';
    overlay.put('account', { ...own, deviceList: list.signed, formerIdentities: [], ended: true, endReason });
    return { ...nothing, changed, revoked: true };
  }
  const intent = await overlay.get('listIntent', {});
  const account = changed ? { ...own, deviceList: list.signed } : own;
  const removed = changed && tellDifference(overlay, before, list, own);
  if (removed) await endOwnChains(overlay, parts.queries);
  const replaced = await replaceIdentity(overlay, account, list, intent?.identityKeyPair, parts);
  const next = replaced.account ?? account;
  if (next !== own) overlay.put('account', next);
  // A later list than the one that was to come has its place.
  const isDone = intent !== undefined && verifyDeviceList(intent.signed, own.userId, sha256).version <= list.version;
  if (isDone) overlay.delete('listIntent', {});
  return { changed, removed, revoked: false, identity: replaced.identity };
}

/** Whether a device is on a list, as the one that it is. */
function names({ devices }: CheckedDeviceList, wanted: Pick<AccountRecord, 'deviceId' | 'registrationId'>): boolean {
  return devices.some(({ deviceId, registrationId }) => {
    return deviceId === wanted.deviceId && registrationId === wanted.registrationId;
  });
}

/** Tells which devices came and went; whether one went. */
function tellDifference(
  overlay: Overlay,
  before: CheckedDeviceList,
  list: CheckedDeviceList,
  account: AccountRecord,
): boolean {
  const gone = before.devices.filter((device) => !names(list, device));
  const come = list.devices.filter((device) => !names(before, device));
  for (const { deviceId, sealedName } of gone) {
    overlay.delete('ownDevice', { deviceId });
    overlay.record({ type: 'device.removed', deviceId, name: openOwnDeviceName(sealedName, account) });
  }
  for (const { deviceId, sealedName } of come) {
    overlay.record({ type: 'device.linked', deviceId, name: openOwnDeviceName(sealedName, account) });
  }
  return gone.length > 0;
}

/** Whoever was taken off the list knows the chains that this device sends to groups under. */
async function endOwnChains(overlay: Overlay, queries: StoreQueries): Promise<void> {
  for (const groupId of await groupsOf(queries)) {
    const chain = await overlay.get('ownChain', { groupId });
    if (chain === undefined) continue;
    overlay.delete('ownChain', { groupId });
    overlay.prune({ kind: 'senderKeyShared', distributionId: chain.distributionId });
  }
}

async function replaceIdentity(
  overlay: Overlay,
  account: AccountRecord,
  list: CheckedDeviceList,
  intended: Uint8Array | undefined,
  parts: OwnListParts,
): Promise<{ readonly identity: TakenOver['identity']; readonly account?: AccountRecord }> {
  if (sameBytes(publicOf(account.identityKeyPair), list.identityKey)) return { identity: 'kept' };
  const isIntended = intended !== undefined && sameBytes(publicOf(intended), list.identityKey);
  const identityKeyPair = isIntended ? intended : openIdentity(list, account);
  if (identityKeyPair === undefined) return { identity: 'missing' };
  const next = underIdentity(account, identityKeyPair, parts.now);
  const { userId } = account;
  overlay.put('identity', firstIdentity(userId, list.identityKey, parts.now));
  overlay.delete('namedList', { userId });
  await replacePrekeys(overlay, next, isIntended, parts);
  return { identity: 'replaced', account: next };
}

/** Other prekeys take the place of all: nobody is given those of the old key any more, and they are kept for what was begun with them and has not come yet. Those of an own intent are with the relay already. */
async function replacePrekeys(
  overlay: Overlay,
  { identityKeyPair }: AccountRecord,
  isIntended: boolean,
  { queries, randomness, now }: OwnListParts,
): Promise<void> {
  const existing = await queries.prekeys();
  const prepared = isIntended ? preparedPrekeys(existing, identityKeyPair) : [];
  for (const prekey of existing) {
    if (prepared.includes(prekey)) overlay.put('prekey', { ...prekey, uploaded: true, replacedAt: undefined });
    else if (prekey.replacedAt === undefined) overlay.put('prekey', { ...prekey, replacedAt: now });
  }
  if (prepared.length > 0) return;
  const ids = new PrekeyIds(randomness, existing);
  for (const prekey of makePrekeys(firstPrekeys, { identityKeyPair, ids, now })) overlay.put('prekey', prekey);
}

/** The prekeys that were made for an identity key which is not the account's yet: the relay has none of them, and the key signed those that are signed. One-time EC keys are not. */
export function preparedPrekeys(
  existing: readonly PrekeyRecord[],
  identityKeyPair: Uint8Array,
): readonly PrekeyRecord[] {
  const identity = IdentityKeyPair.deserialize(asBuffer(identityKeyPair)).publicKey;
  // Earlier versions took some of them for replaced ones by a clock that was set back.
  const waiting = existing.filter(({ uploaded }) => !uploaded);
  const signed = waiting.filter((prekey) => prekey.kind !== 'ec' && isSignedBy(prekey, identity));
  const since = Math.min(...signed.map(({ createdAt }) => createdAt));
  return waiting.filter((prekey) =>
    prekey.kind === 'ec' ? prekey.createdAt >= since && prekey.replacedAt === undefined : signed.includes(prekey),
  );
}

function isSignedBy({ kind, record }: PrekeyRecord, identity: PublicKey): boolean {
  const prekey =
    kind === 'signed'
      ? SignedPreKeyRecord.deserialize(asBuffer(record))
      : KyberPreKeyRecord.deserialize(asBuffer(record));
  return identity.verify(prekey.publicKey().serialize(), prekey.signature());
}

async function groupsOf(queries: StoreQueries): Promise<readonly GroupId[]> {
  const ids: GroupId[] = [];
  for (;;) {
    const groups = await queries.groups(ids.at(-1), page);
    if (groups.length === 0) return ids;
    ids.push(...groups.map(({ id }) => id));
  }
}

function publicOf(identityKeyPair: Uint8Array): Uint8Array {
  return IdentityKeyPair.deserialize(asBuffer(identityKeyPair)).publicKey.serialize();
}
