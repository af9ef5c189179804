import { call } from './library.ts';
import { type Bytes, Values } from './wire.ts';

/** A PIN under Argon2id: 16 MiB, 32 passes. */
export class PinHash {
  /** 32 bytes that encrypt what a server keeps. */
  readonly encryptionKey: Bytes;
  /** 32 bytes that show a server that one knows the PIN. */
  readonly accessKey: Bytes;

  private constructor(encryptionKey: Bytes, accessKey: Bytes) {
    this.encryptionKey = encryptionKey;
    this.accessKey = accessKey;
  }

  /** @param salt 32 bytes @throws {LibSignalErrorBase} */
  static fromSalt(normalizedPin: Uint8Array, salt: Uint8Array): PinHash {
    return call('PinHash_FromSalt', new Values().bytes(normalizedPin).bytes(salt), (fields) => {
      const encryptionKey = fields.bytes();
      return new PinHash(encryptionKey, fields.bytes());
    });
  }
}
