import { uuidToBytes } from '@sotto/proto';
import { hkdf } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import type { UserId } from '../ports/ids.ts';
import { groupBytes } from './group-limits.ts';

const context = new TextEncoder().encode('sotto group join v1');

/** What shows that somebody has the link: HKDF-SHA256(invite key, salt = group id on the wire, "sotto group join v1" || user id || head before || root key, 32). */
export function joinProof(
  inviteKey: Uint8Array,
  wireId: Uint8Array,
  who: { readonly userId: UserId; readonly rootKey: Uint8Array },
  previousHead: Uint8Array,
): Uint8Array {
  const parts = [context, uuidToBytes(who.userId), previousHead, who.rootKey];
  const info = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    info.set(part, at);
    at += part.length;
  }
  return hkdf(groupBytes.proof, asBuffer(inviteKey), info, asBuffer(wireId));
}
