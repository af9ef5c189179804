import { Content, type Envelope, ProtoError, uuidToText } from '@sotto/proto';
import { Hold } from '../crypto/hold.ts';
import { messageIdBytes } from '../crypto/message-id.ts';
import { unpad } from '../crypto/padding.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { DeviceAddress } from '../ports/ids.ts';

/**
 * Reads a decrypted plaintext and holds it against its envelope and its session: who sent it, to whom, and which message it is.
 * @throws {Hold} `malformed-content`, `sender-mismatch`, `wrong-recipient`, `message-id-mismatch`
 */
export function checkContent(
  plaintext: Uint8Array,
  envelope: Envelope,
  sender: DeviceAddress,
  account: AccountRecord,
  sha256: Sha256,
): { readonly content: Content; readonly encoded: Uint8Array } {
  const encoded = unpad(plaintext);
  if (encoded === undefined) throw new Hold('malformed-content');
  let content: Content;
  try {
    content = Content.decode(encoded);
  } catch (cause) {
    if (cause instanceof ProtoError) throw new Hold('malformed-content', { cause });
    throw cause;
  }
  if (content.senderUser.length !== 16 || content.recipientUser.length !== 16 || content.messageNonce.length !== 16) {
    throw new Hold('malformed-content');
  }
  if (uuidToText(content.senderUser) !== sender.userId || content.senderDevice !== sender.deviceId) {
    throw new Hold('sender-mismatch');
  }
  if (uuidToText(content.recipientUser) !== account.userId || content.recipientDevice !== account.deviceId) {
    throw new Hold('wrong-recipient');
  }
  const id = messageIdBytes(sha256, content.senderUser, content.senderDevice, content.messageNonce);
  if (!sameBytes(id, content.messageId) || !sameBytes(id, envelope.messageId)) throw new Hold('message-id-mismatch');
  // Groups come later: a content that claims one must not be shown as said in private.
  if (content.groupId.length > 0 || envelope.groupId.length > 0) throw new Hold('unknown-kind');
  return { content, encoded };
}
