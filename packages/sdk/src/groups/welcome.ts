import type { GroupWelcome, GroupWelcomeFields } from '@sotto/proto';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { UserId } from '../ports/ids.ts';
import { encodeState, memberOf } from './group-state.ts';
import { type KnownGroup, readKnownGroup } from './known-group.ts';

/** What whoever adds somebody sends them pairwise, once the relay has the record. */
export function writeWelcome({ at, key }: KnownGroup): GroupWelcomeFields {
  const { state, head } = at;
  return {
    groupId: state.wireId,
    revision: state.revision,
    head,
    keyEpoch: key.keyEpoch,
    key: key.key,
    state: encodeState(state),
  };
}

/**
 * Reads a welcome. Its sender is believed: that the group is another one than the others have shows by later heads.
 * @param own who is welcomed
 * @returns undefined when it is malformed, its sender or its reader is no member in it, or it has another root key for its reader
 */
export function readWelcome(
  welcome: GroupWelcome,
  sender: UserId,
  own: { readonly userId: UserId; readonly rootKey: Uint8Array },
  sha256: Sha256,
): KnownGroup | undefined {
  const known = readKnownGroup(welcome.groupId, welcome, sha256);
  const self = known && memberOf(known.at.state, own.userId);
  if (self === undefined || !sameBytes(self.rootKey, own.rootKey)) return undefined;
  return known !== undefined && memberOf(known.at.state, sender) !== undefined ? known : undefined;
}
