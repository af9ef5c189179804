import { uuidToText } from '@sotto/proto';
import type { Sha256 } from '../ports/hash.ts';
import type { MessageId } from '../ports/ids.ts';

const context = new TextEncoder().encode('sotto message id v1');

/** The 16 bytes of a message's id: they commit to the author's user (16 bytes), device and a nonce (16 bytes), so that nobody else can take an author's id. */
export function messageIdBytes(sha256: Sha256, user: Uint8Array, device: number, nonce: Uint8Array): Uint8Array {
  return sha256(context, user, Uint8Array.of(device), nonce).subarray(0, 16);
}

/** The same as text. */
export function messageId(sha256: Sha256, user: Uint8Array, device: number, nonce: Uint8Array): MessageId {
  return uuidToText(messageIdBytes(sha256, user, device, nonce)) as MessageId;
}
