import { PrivateKey, PublicKey } from './ec-keys.ts';
import { KEMKeyPair, KEMPublicKey, KEMSecretKey } from './kem-keys.ts';
import { call } from './library.ts';
import { type Bytes, type Fields, readableTime, Values } from './wire.ts';

const bytesOf = (fields: Fields): Bytes => fields.bytes();

/** A one-time prekey with its private half. */
export class PreKeyRecord {
  private readonly record: { readonly id: number; readonly bytes: Bytes };

  private constructor(id: number, bytes: Bytes) {
    this.record = { id, bytes };
  }

  static new(id: number, publicKey: PublicKey, privateKey: PrivateKey): PreKeyRecord {
    const values = new Values().u32(id).bytes(publicKey.serialize()).bytes(privateKey.serialize());
    return new PreKeyRecord(id, call('PreKeyRecord_New', values, bytesOf));
  }

  /** @throws {LibSignalErrorBase} */
  static deserialize(bytes: Uint8Array): PreKeyRecord {
    return call('PreKeyRecord_Deserialize', new Values().bytes(bytes), (fields) => {
      const id = fields.u32();
      return new PreKeyRecord(id, fields.bytes());
    });
  }

  id(): number {
    return this.record.id;
  }

  /** @throws {LibSignalErrorBase} */
  privateKey(): PrivateKey {
    return PrivateKey.ofLibrary(call('PreKeyRecord_GetPrivateKey', this.values(), bytesOf));
  }

  /** @throws {LibSignalErrorBase} */
  publicKey(): PublicKey {
    return PublicKey.ofLibrary(call('PreKeyRecord_GetPublicKey', this.values(), bytesOf));
  }

  serialize(): Bytes {
    return this.record.bytes.slice();
  }

  private values(): Values {
    return new Values().bytes(this.record.bytes);
  }
}

/** What stands in a signed prekey beside its keys. */
interface SignedFields {
  readonly id: number;
  readonly timestamp: number;
  readonly signature: Bytes;
  readonly bytes: Bytes;
}

function signedFields(fields: Fields): SignedFields {
  const id = fields.u32();
  const timestamp = fields.u64();
  const signature = fields.bytes();
  return { id, timestamp, signature, bytes: fields.bytes() };
}

/** A signed prekey with its private half. */
export class SignedPreKeyRecord {
  private readonly record: SignedFields;

  private constructor(record: SignedFields) {
    this.record = record;
  }

  static new(
    id: number,
    timestamp: number,
    publicKey: PublicKey,
    privateKey: PrivateKey,
    signature: Uint8Array,
  ): SignedPreKeyRecord {
    const values = new Values().u32(id).u64(timestamp).bytes(publicKey.serialize()).bytes(privateKey.serialize());
    const bytes = call('SignedPreKeyRecord_New', values.bytes(signature), bytesOf);
    return new SignedPreKeyRecord({ id, timestamp, signature: Uint8Array.from(signature), bytes });
  }

  /** @throws {LibSignalErrorBase} */
  static deserialize(bytes: Uint8Array): SignedPreKeyRecord {
    return new SignedPreKeyRecord(call('SignedPreKeyRecord_Deserialize', new Values().bytes(bytes), signedFields));
  }

  id(): number {
    return this.record.id;
  }

  timestamp(): number {
    return readableTime(this.record.timestamp);
  }

  signature(): Bytes {
    return this.record.signature.slice();
  }

  /** @throws {LibSignalErrorBase} */
  privateKey(): PrivateKey {
    return PrivateKey.ofLibrary(call('SignedPreKeyRecord_GetPrivateKey', this.values(), bytesOf));
  }

  /** @throws {LibSignalErrorBase} */
  publicKey(): PublicKey {
    return PublicKey.ofLibrary(call('SignedPreKeyRecord_GetPublicKey', this.values(), bytesOf));
  }

  serialize(): Bytes {
    return this.record.bytes.slice();
  }

  private values(): Values {
    return new Values().bytes(this.record.bytes);
  }
}

/** A Kyber prekey with its secret half. */
export class KyberPreKeyRecord {
  private readonly record: SignedFields;

  private constructor(record: SignedFields) {
    this.record = record;
  }

  static new(id: number, timestamp: number, keyPair: KEMKeyPair, signature: Uint8Array): KyberPreKeyRecord {
    const values = new Values().u32(id).u64(timestamp).bytes(keyPair.getPublicKey().serialize());
    values.bytes(keyPair.getSecretKey().serialize()).bytes(signature);
    const bytes = call('KyberPreKeyRecord_New', values, bytesOf);
    return new KyberPreKeyRecord({ id, timestamp, signature: Uint8Array.from(signature), bytes });
  }

  /** @throws {LibSignalErrorBase} */
  static deserialize(bytes: Uint8Array): KyberPreKeyRecord {
    return new KyberPreKeyRecord(call('KyberPreKeyRecord_Deserialize', new Values().bytes(bytes), signedFields));
  }

  id(): number {
    return this.record.id;
  }

  timestamp(): number {
    return readableTime(this.record.timestamp);
  }

  signature(): Bytes {
    return this.record.signature.slice();
  }

  /** @throws {LibSignalErrorBase} */
  keyPair(): KEMKeyPair {
    return KEMKeyPair.ofLibrary(this.publicKey(), this.secretKey());
  }

  /** @throws {LibSignalErrorBase} */
  publicKey(): KEMPublicKey {
    return KEMPublicKey.ofLibrary(call('KyberPreKeyRecord_GetPublicKey', this.values(), bytesOf));
  }

  /** @throws {LibSignalErrorBase} */
  secretKey(): KEMSecretKey {
    return KEMSecretKey.ofLibrary(call('KyberPreKeyRecord_GetSecretKey', this.values(), bytesOf));
  }

  serialize(): Bytes {
    return this.record.bytes.slice();
  }

  private values(): Values {
    return new Values().bytes(this.record.bytes);
  }
}
