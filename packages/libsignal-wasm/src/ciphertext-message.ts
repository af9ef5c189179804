import type { Bytes } from './wire.ts';

/** The kinds of messages, with their numbers on the wire. */
export const CiphertextMessageType = { Whisper: 2, PreKey: 3, SenderKey: 7, Plaintext: 8 } as const;

export type CiphertextMessageType = (typeof CiphertextMessageType)[keyof typeof CiphertextMessageType];

/** What can be sent as a ciphertext. */
export interface CiphertextMessageConvertible {
  asCiphertextMessage(): CiphertextMessage;
}

/** A message of any kind. */
export class CiphertextMessage {
  private readonly kind: number;
  private readonly bytes: Bytes;

  private constructor(kind: number, bytes: Bytes) {
    this.kind = kind;
    this.bytes = bytes;
  }

  /** What the library wrote. */
  static ofLibrary(kind: number, bytes: Bytes): CiphertextMessage {
    return new CiphertextMessage(kind, bytes);
  }

  static from(message: CiphertextMessageConvertible): CiphertextMessage {
    return message.asCiphertextMessage();
  }

  serialize(): Bytes {
    return this.bytes.slice();
  }

  type(): number {
    return this.kind;
  }
}
