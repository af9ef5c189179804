import { SenderCertificate } from './certificates.ts';
import type { CiphertextMessage } from './ciphertext-message.ts';
import { call } from './library.ts';
import { type Bytes, type Fields, Values } from './wire.ts';

/** What a receiver should do about a message that it can't open. */
export const ContentHint = { Default: 0, Resendable: 1, Implicit: 2 } as const;

export type ContentHint = (typeof ContentHint)[keyof typeof ContentHint];

interface ContentFields {
  readonly kind: number;
  readonly contents: Bytes;
  readonly sender: SenderCertificate;
  readonly hint: number;
  readonly groupId: Bytes | null;
  readonly bytes: Bytes;
}

function contentFields(fields: Fields): ContentFields {
  const kind = fields.u32();
  const contents = fields.bytes();
  const sender = fields.bytes();
  const hint = fields.u32();
  const groupId = fields.optional();
  const bytes = fields.bytes();
  return { kind, contents, sender: SenderCertificate.deserialize(sender), hint, groupId, bytes };
}

/** What stands under the outer layer: a ciphertext, and who sent it. */
export class UnidentifiedSenderMessageContent {
  private readonly fields: ContentFields;

  private constructor(fields: ContentFields) {
    this.fields = fields;
  }

  /** What the library wrote. */
  static ofLibrary(fields: Fields): UnidentifiedSenderMessageContent {
    return new UnidentifiedSenderMessageContent(contentFields(fields));
  }

  static new(
    message: CiphertextMessage,
    sender: SenderCertificate,
    contentHint: number,
    groupId: Uint8Array | null,
  ): UnidentifiedSenderMessageContent {
    const values = new Values().u32(message.type()).bytes(message.serialize()).bytes(sender.serialize());
    values.u32(contentHint).optional(groupId);
    return new UnidentifiedSenderMessageContent(call('UnidentifiedSenderMessageContent_New', values, contentFields));
  }

  /** @throws {LibSignalErrorBase} */
  static deserialize(bytes: Uint8Array): UnidentifiedSenderMessageContent {
    const values = new Values().bytes(bytes);
    const read = call('UnidentifiedSenderMessageContent_Deserialize', values, contentFields);
    return new UnidentifiedSenderMessageContent(read);
  }

  serialize(): Bytes {
    return this.fields.bytes.slice();
  }

  contents(): Bytes {
    return this.fields.contents.slice();
  }

  msgType(): number {
    return this.fields.kind;
  }

  senderCertificate(): SenderCertificate {
    return this.fields.sender;
  }

  contentHint(): number {
    return this.fields.hint;
  }

  groupId(): Bytes | null {
    return this.fields.groupId?.slice() ?? null;
  }
}
