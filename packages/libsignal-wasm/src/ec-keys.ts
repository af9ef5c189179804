import { call } from './library.ts';
import { type Bytes, type Fields, Values } from './wire.ts';

const bytesOf = (fields: Fields): Bytes => fields.bytes();
const flagOf = (fields: Fields): boolean => fields.flag();
const encoder = new TextEncoder();

/** A Curve25519 public key. */
export class PublicKey {
  private readonly serialized: Bytes;

  private constructor(serialized: Bytes) {
    this.serialized = serialized;
  }

  /** A key that the library wrote. */
  static ofLibrary(serialized: Bytes): PublicKey {
    return new PublicKey(serialized);
  }

  /** @throws {LibSignalErrorBase} */
  static deserialize(bytes: Uint8Array): PublicKey {
    return new PublicKey(call('PublicKey_Deserialize', new Values().bytes(bytes), bytesOf));
  }

  equals(other: PublicKey): boolean {
    return this.serialized.every((byte, at) => byte === other.serialized[at]);
  }

  /** 33 bytes: a type, and the key. */
  serialize(): Bytes {
    return this.serialized.slice();
  }

  getPublicKeyBytes(): Bytes {
    return this.serialized.slice(1);
  }

  verify(message: Uint8Array, signature: Uint8Array): boolean {
    const values = new Values().bytes(this.serialized).bytes(message).bytes(signature);
    return call('PublicKey_Verify', values, flagOf);
  }

  verifyAlternateIdentity(other: PublicKey, signature: Uint8Array): boolean {
    const values = new Values().bytes(this.serialized).bytes(other.serialized).bytes(signature);
    return call('IdentityKey_VerifyAlternateIdentity', values, flagOf);
  }

  /** HPKE (RFC 9180), base mode, X25519, HKDF-SHA256, AES-256-GCM. */
  seal(message: Uint8Array, info: string | Uint8Array, associatedData: Uint8Array = new Uint8Array()): Bytes {
    const values = new Values().bytes(this.serialized).bytes(message).bytes(asBytes(info)).bytes(associatedData);
    return call('PublicKey_HpkeSeal', values, bytesOf);
  }
}

/** A Curve25519 private key. */
export class PrivateKey {
  private readonly serialized: Bytes;
  private public: PublicKey | undefined;

  private constructor(serialized: Bytes) {
    this.serialized = serialized;
  }

  /** A key that the library wrote. */
  static ofLibrary(serialized: Bytes): PrivateKey {
    return new PrivateKey(serialized);
  }

  static generate(): PrivateKey {
    return new PrivateKey(call('PrivateKey_Generate', new Values(), bytesOf));
  }

  /** @throws {LibSignalErrorBase} */
  static deserialize(bytes: Uint8Array): PrivateKey {
    return new PrivateKey(call('PrivateKey_Deserialize', new Values().bytes(bytes), bytesOf));
  }

  /** 32 bytes. */
  serialize(): Bytes {
    return this.serialized.slice();
  }

  /** XEdDSA, 64 bytes. */
  sign(message: Uint8Array): Bytes {
    return call('PrivateKey_Sign', new Values().bytes(this.serialized).bytes(message), bytesOf);
  }

  agree(other: PublicKey): Bytes {
    return call('PrivateKey_Agree', new Values().bytes(this.serialized).bytes(other.serialize()), bytesOf);
  }

  getPublicKey(): PublicKey {
    this.public ??= PublicKey.ofLibrary(call('PrivateKey_GetPublicKey', new Values().bytes(this.serialized), bytesOf));
    return this.public;
  }

  /** Opens what `PublicKey.seal` made. @throws {LibSignalErrorBase} */
  open(ciphertext: Uint8Array, info: string | Uint8Array, associatedData: Uint8Array = new Uint8Array()): Bytes {
    const values = new Values().bytes(this.serialized).bytes(ciphertext).bytes(asBytes(info)).bytes(associatedData);
    return call('PrivateKey_HpkeOpen', values, bytesOf);
  }
}

/** The key pair of an identity. */
export class IdentityKeyPair {
  readonly publicKey: PublicKey;
  readonly privateKey: PrivateKey;

  constructor(publicKey: PublicKey, privateKey: PrivateKey) {
    this.publicKey = publicKey;
    this.privateKey = privateKey;
  }

  static generate(): IdentityKeyPair {
    const privateKey = PrivateKey.generate();
    return new IdentityKeyPair(privateKey.getPublicKey(), privateKey);
  }

  /** @throws {LibSignalErrorBase} */
  static deserialize(bytes: Uint8Array): IdentityKeyPair {
    return call('IdentityKeyPair_Deserialize', new Values().bytes(bytes), (fields) => {
      const publicKey = PublicKey.ofLibrary(fields.bytes());
      return new IdentityKeyPair(publicKey, PrivateKey.ofLibrary(fields.bytes()));
    });
  }

  serialize(): Bytes {
    return call('IdentityKeyPair_Serialize', this.values(), bytesOf);
  }

  signAlternateIdentity(other: PublicKey): Bytes {
    return call('IdentityKeyPair_SignAlternateIdentity', this.values().bytes(other.serialize()), bytesOf);
  }

  private values(): Values {
    return new Values().bytes(this.publicKey.serialize()).bytes(this.privateKey.serialize());
  }
}

function asBytes(info: string | Uint8Array): Uint8Array {
  return typeof info === 'string' ? encoder.encode(info) : info;
}
