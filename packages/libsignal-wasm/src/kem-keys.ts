import { call } from './library.ts';
import { type Bytes, Values } from './wire.ts';

/** A Kyber-1024 public key. */
export class KEMPublicKey {
  private readonly serialized: Bytes;

  private constructor(serialized: Bytes) {
    this.serialized = serialized;
  }

  /** A key that the library wrote. */
  static ofLibrary(serialized: Bytes): KEMPublicKey {
    return new KEMPublicKey(serialized);
  }

  /** @throws {LibSignalErrorBase} */
  static deserialize(bytes: Uint8Array): KEMPublicKey {
    const values = new Values().bytes(bytes);
    return new KEMPublicKey(call('KyberPublicKey_Deserialize', values, (fields) => fields.bytes()));
  }

  serialize(): Bytes {
    return this.serialized.slice();
  }
}

/** A Kyber-1024 secret key. */
export class KEMSecretKey {
  private readonly serialized: Bytes;

  private constructor(serialized: Bytes) {
    this.serialized = serialized;
  }

  /** A key that the library wrote. */
  static ofLibrary(serialized: Bytes): KEMSecretKey {
    return new KEMSecretKey(serialized);
  }

  /** @throws {LibSignalErrorBase} */
  static deserialize(bytes: Uint8Array): KEMSecretKey {
    const values = new Values().bytes(bytes);
    return new KEMSecretKey(call('KyberSecretKey_Deserialize', values, (fields) => fields.bytes()));
  }

  serialize(): Bytes {
    return this.serialized.slice();
  }
}

/** A Kyber-1024 key pair. */
export class KEMKeyPair {
  private readonly publicKey: KEMPublicKey;
  private readonly secretKey: KEMSecretKey;

  private constructor(publicKey: KEMPublicKey, secretKey: KEMSecretKey) {
    this.publicKey = publicKey;
    this.secretKey = secretKey;
  }

  /** The pair of a record. */
  static ofLibrary(publicKey: KEMPublicKey, secretKey: KEMSecretKey): KEMKeyPair {
    return new KEMKeyPair(publicKey, secretKey);
  }

  static generate(): KEMKeyPair {
    return call('KyberKeyPair_Generate', new Values(), (fields) => {
      const publicKey = KEMPublicKey.ofLibrary(fields.bytes());
      return new KEMKeyPair(publicKey, KEMSecretKey.ofLibrary(fields.bytes()));
    });
  }

  getPublicKey(): KEMPublicKey {
    return this.publicKey;
  }

  getSecretKey(): KEMSecretKey {
    return this.secretKey;
  }
}
