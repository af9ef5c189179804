import { fromBase64Url, ProtoError, toBase64Url } from '@sotto/proto';
import { hkdf } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import { groupBytes } from './group-limits.ts';

const scheme = 'sotto-group:';
const tokenInfo = new TextEncoder().encode('sotto group invite v1');

/** What a link says. */
export interface InviteLink {
  readonly wireId: Uint8Array;
  /** 32 bytes. */
  readonly inviteKey: Uint8Array;
}

/** Writes a link: `sotto-group:`, then the group's id on the wire and the invite key in base64url. */
export function formatInviteLink({ wireId, inviteKey }: InviteLink): string {
  const bytes = new Uint8Array(groupBytes.wireId + groupBytes.key);
  bytes.set(wireId, 0);
  bytes.set(inviteKey, groupBytes.wireId);
  return scheme + toBase64Url(bytes);
}

/** Reads a link; undefined when the text is none. */
export function parseInviteLink(text: string): InviteLink | undefined {
  const trimmed = text.trim();
  if (!trimmed.startsWith(scheme)) return undefined;
  try {
    const bytes = fromBase64Url(trimmed.slice(scheme.length));
    if (bytes.length !== groupBytes.wireId + groupBytes.key) return undefined;
    return { wireId: bytes.slice(0, groupBytes.wireId), inviteKey: bytes.slice(groupBytes.wireId) };
  } catch (error) {
    if (error instanceof ProtoError) return undefined;
    throw error;
  }
}

/** What opens the relay's door to whoever has the link: HKDF-SHA256(invite key, salt = group id on the wire, "sotto group invite v1", 32). The relay keeps SHA-256 of it. */
export function inviteToken({ wireId, inviteKey }: InviteLink): Uint8Array {
  return hkdf(32, asBuffer(inviteKey), tokenInfo, asBuffer(wireId));
}
