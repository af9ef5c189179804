import { GroupInviteBox } from '@sotto/proto';
import type { Sha256 } from '../ports/hash.ts';
import type { Randomness } from '../ports/randomness.ts';
import { reading } from './canonical.ts';
import { openOfGroup, sealForGroup } from './group-cipher.ts';
import { encodeState } from './group-state.ts';
import type { InviteLink } from './invite-link.ts';
import { type KnownGroup, readKnownGroup } from './known-group.ts';

/** Seals what whoever has the link needs to join: members put a new one to the relay at each new state key and invite. */
export function sealInviteBox({ at, key }: KnownGroup, inviteKey: Uint8Array, randomness: Randomness): Uint8Array {
  const { state, head } = at;
  const box = GroupInviteBox.encode({
    revision: state.revision,
    head,
    keyEpoch: key.keyEpoch,
    key: key.key,
    state: encodeState(state),
  });
  return sealForGroup(box, sealingOf({ wireId: state.wireId, inviteKey }), randomness);
}

/** Opens an invite box. Nobody has signed it: that it is true shows by the records that follow it. */
export function openInviteBox(sealed: Uint8Array, link: InviteLink, sha256: Sha256): KnownGroup | undefined {
  const opened = openOfGroup(sealed, sealingOf(link));
  const box = opened && reading(() => GroupInviteBox.decode(opened));
  return box && readKnownGroup(link.wireId, box, sha256);
}

function sealingOf({ wireId, inviteKey }: InviteLink) {
  return { purpose: 'invite-box', wireId, key: inviteKey, associated: wireId } as const;
}
