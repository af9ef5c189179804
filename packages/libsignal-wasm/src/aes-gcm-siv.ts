import { call } from './library.ts';
import { type Bytes, Values } from './wire.ts';

/** AES-256-GCM-SIV (RFC 8452) under one key. */
export class Aes256GcmSiv {
  private readonly key: Bytes;

  private constructor(key: Bytes) {
    this.key = key;
  }

  /** @param key 32 bytes @throws {LibSignalErrorBase} */
  static new(key: Uint8Array): Aes256GcmSiv {
    call('Aes256GcmSiv_New', new Values().bytes(key), () => undefined);
    return new Aes256GcmSiv(Uint8Array.from(key));
  }

  /** @param nonce 12 bytes @returns the ciphertext with its tag of 16 bytes @throws {LibSignalErrorBase} */
  encrypt(message: Uint8Array, nonce: Uint8Array, associatedData: Uint8Array): Bytes {
    return this.run('Aes256GcmSiv_Encrypt', message, nonce, associatedData);
  }

  /** @throws {LibSignalErrorBase} */
  decrypt(message: Uint8Array, nonce: Uint8Array, associatedData: Uint8Array): Bytes {
    return this.run('Aes256GcmSiv_Decrypt', message, nonce, associatedData);
  }

  private run(operation: string, message: Uint8Array, nonce: Uint8Array, associatedData: Uint8Array): Bytes {
    const values = new Values().bytes(this.key).bytes(message).bytes(nonce).bytes(associatedData);
    return call(operation, values, (fields) => fields.bytes());
  }
}
