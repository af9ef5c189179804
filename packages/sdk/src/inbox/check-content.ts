import { Content, type Envelope, ProtoError, uuidToText } from '@sotto/proto';
import { Hold } from '../crypto/hold.ts';
import { messageIdBytes } from '../crypto/message-id.ts';
import { unpad } from '../crypto/padding.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { DeviceAddress } from '../ports/ids.ts';

/** A content that says what its envelope says. */
export interface CheckedContent {
  readonly content: Content;
  /** Without its padding. */
  readonly encoded: Uint8Array;
}

/** Kinds of a conversation, which stand in the order of their sender; a kind that is not known, too. */
const talking: ReadonlySet<Content['body']> = new Set<Content['body']>(['text', 'seqHole', undefined]);

/** Whether a content is part of a conversation: in a group, only of its members. */
export function talks({ body }: Pick<Content, 'body'>): boolean {
  return talking.has(body);
}

/**
 * Reads a plaintext that came on a session and holds it against its envelope and that session: who sent it, to whom, and which message it is.
 * @throws {Hold} `malformed-content`, `sender-mismatch`, `wrong-recipient`, `message-id-mismatch`, `group-mismatch`
 */
export function checkContent(
  plaintext: Uint8Array,
  envelope: Envelope,
  sender: DeviceAddress,
  account: AccountRecord,
  sha256: Sha256,
): CheckedContent {
  const checked = checkAuthor(plaintext, envelope, sender, sha256);
  const { content } = checked;
  if (content.recipientUser.length !== 16) throw new Hold('malformed-content');
  if (uuidToText(content.recipientUser) !== account.userId || content.recipientDevice !== account.deviceId) {
    throw new Hold('wrong-recipient');
  }
  if (content.groupId.length !== 0 && content.groupId.length !== 32) throw new Hold('malformed-content');
  // What came on a session is for one person, whatever group it belongs to.
  if (envelope.groupId.length > 0) throw new Hold('group-mismatch');
  return checked;
}

/**
 * Reads a plaintext that came under a sender key and holds it against its envelope: who sent it, to which group, and which message it is.
 * @throws {Hold} `malformed-content`, `sender-mismatch`, `wrong-recipient`, `message-id-mismatch`, `group-mismatch`, `content-invalid`
 */
export function checkGroupContent(
  plaintext: Uint8Array,
  envelope: Envelope,
  sender: DeviceAddress,
  sha256: Sha256,
): CheckedContent {
  const checked = checkAuthor(plaintext, envelope, sender, sha256);
  const { content } = checked;
  if (content.recipientUser.length > 0 || content.recipientDevice !== 0) throw new Hold('wrong-recipient');
  if (!sameBytes(content.groupId, envelope.groupId) || content.groupEpoch !== envelope.groupEpoch) {
    throw new Hold('group-mismatch');
  }
  // What all members read is talk, or that the log goes on.
  if (!talks(content) && content.body !== 'groupPoke') throw new Hold('content-invalid');
  return checked;
}

function checkAuthor(plaintext: Uint8Array, envelope: Envelope, sender: DeviceAddress, sha256: Sha256): CheckedContent {
  const encoded = unpad(plaintext);
  if (encoded === undefined) throw new Hold('malformed-content');
  const content = decoded(encoded);
  if (content.senderUser.length !== 16 || content.messageNonce.length !== 16) throw new Hold('malformed-content');
  if (uuidToText(content.senderUser) !== sender.userId || content.senderDevice !== sender.deviceId) {
    throw new Hold('sender-mismatch');
  }
  const id = messageIdBytes(sha256, content.senderUser, content.senderDevice, content.messageNonce);
  if (!sameBytes(id, content.messageId) || !sameBytes(id, envelope.messageId)) throw new Hold('message-id-mismatch');
  return { content, encoded };
}

function decoded(encoded: Uint8Array): Content {
  try {
    return Content.decode(encoded);
  } catch (cause) {
    if (cause instanceof ProtoError) throw new Hold('malformed-content', { cause });
    throw cause;
  }
}
