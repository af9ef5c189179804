import type { Content } from '@sotto/proto';
import type { Executor } from '../crypto/executor.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { peerLock } from '../crypto/ratchet.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { UserId } from '../ports/ids.ts';
import type { DeviceListRecord, NamedListRecord } from '../ports/user-record.ts';
import { SottoError } from '../sotto-error.ts';
import { listedIdentity } from './accepted-list.ts';
import type { CheckedDeviceList } from './device-list.ts';

/** How long the relay is not asked again after a list that contradicts what the person says. */
const askAgainAfter = 5 * 60_000;

/** How far above the known list the named one may be: nobody changes their devices that often. */
const mostAhead = 1_000;

/**
 * Holds what a message says of its sender's device list against the list that is known here: the relay hands lists out, and could keep a newer one back.
 *
 * A newer list than the known one is noted, and must have been seen before anything more is sealed for them; another list of the same version is told (`device-list.forked`) at once. An older one is of a message that was on its way for long, and one far above it is no word of theirs.
 *
 * Only a word of a higher version takes the place of a word: a late message, under whichever key, says nothing against what was said since.
 * @param identityKey under which the message came
 */
export async function noteNamedList(
  overlay: Overlay,
  userId: UserId,
  content: Content,
  identityKey: Uint8Array,
): Promise<void> {
  const { deviceListVersion: version, deviceListHash: hash } = content;
  if (version < 1 || hash.length !== 32) return;
  const known = await overlay.get('deviceList', { userId });
  if (version > (known?.version ?? 0) + mostAhead) return;
  const forked = known !== undefined && known.version === version && !sameBytes(known.hash, hash);
  if (known !== undefined && known.version >= version && !forked) return;
  const named = await overlay.get('namedList', { userId });
  if (named !== undefined && named.version >= version) return;
  const key = known !== undefined && named !== undefined ? lastingKey(known, named, identityKey) : identityKey;
  overlay.put('namedList', { userId, version, hash: hash.slice(), identityKey: key, forked });
  if (forked) overlay.record({ type: 'device-list.forked', userId });
}

/**
 * Holds a genuine list against what its owner has said of it, and forgets what they said when it agrees, or takes the key away under which it was said: whoever had the former one does not speak for them any more.
 *
 * A word under a key that the known list does not name ends by a list of its version or a later one alone: its key may be the newer one, and a list in between leaves out whom they have revoked since.
 * @throws {SottoError} `device-list-forked`: the list is older than the one that they named, or another one of that version, or does not follow it
 */
export async function checkAgainstNamed(overlay: Overlay, list: CheckedDeviceList): Promise<void> {
  const { userId } = list;
  const named = await overlay.get('namedList', { userId });
  if (named === undefined) return;
  const known = await overlay.get('deviceList', { userId });
  // Only a list that was not known yet can take the word of a key, and only of the one that it replaces: else the relay would hide a new key with the old one's lists.
  const isNews = known !== undefined && list.version > known.version;
  const isReplaced = isNews && !sameBytes(list.identityKey, listedIdentity(known));
  const isEnded = isReplaced && sameBytes(listedIdentity(known), named.identityKey);
  if (!isEnded && !agrees(list, named)) throw deviceListForked();
  overlay.delete('namedList', { userId });
}

/**
 * Does what takes a device list of a person over. When the list contradicts what they have said of it, that is kept and told, once, in a commit of its own.
 * @throws what `take` throws
 */
export async function tellingForks<T>(executor: Executor, userId: UserId, take: () => Promise<T>): Promise<T> {
  try {
    return await take();
  } catch (error) {
    if (!(error instanceof SottoError) || error.code !== 'device-list-forked') throw error;
    await executor.run([peerLock(userId)], async (overlay) => {
      const named = await overlay.get('namedList', { userId });
      if (named === undefined || named.forked) return;
      overlay.put('namedList', { ...named, forked: true });
      overlay.record({ type: 'device-list.forked', userId });
    });
    throw error;
  }
}

/** The failure of everything that would send to devices which their owner does not confirm. */
export function deviceListForked(cause?: unknown): SottoError {
  return new SottoError(
    'device-list-forked',
    'the relay shows another list of devices than this person has: nothing is sent to them until both agree; try again later, and ask the operator of the relay',
    { retryable: true, retryAfterMs: askAgainAfter, cause },
  );
}

/** The key that a word stands under once a higher one takes its place: of two, the one that the known list does not name, since no list takes that one's word. */
function lastingKey(known: DeviceListRecord, named: NamedListRecord, identityKey: Uint8Array): Uint8Array {
  return sameBytes(listedIdentity(known), named.identityKey) ? identityKey : named.identityKey;
}

function agrees(list: CheckedDeviceList, named: NamedListRecord): boolean {
  if (list.version === named.version) return sameBytes(list.hash, named.hash);
  if (list.version === named.version + 1) return sameBytes(list.previousHash, named.hash);
  return list.version > named.version;
}
