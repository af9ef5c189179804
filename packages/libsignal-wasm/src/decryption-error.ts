import { CiphertextMessage, type CiphertextMessageConvertible, CiphertextMessageType } from './ciphertext-message.ts';
import { PublicKey } from './ec-keys.ts';
import { call } from './library.ts';
import { type Bytes, type Fields, readableTime, Values } from './wire.ts';

interface ErrorFields {
  readonly timestamp: number;
  readonly deviceId: number;
  readonly ratchetKey: PublicKey | undefined;
  readonly bytes: Bytes;
}

function errorFields(fields: Fields): ErrorFields {
  const timestamp = fields.u64();
  const deviceId = fields.u32();
  const key = fields.optional();
  const ratchetKey = key === null ? undefined : PublicKey.ofLibrary(key);
  return { timestamp, deviceId, ratchetKey, bytes: fields.bytes() };
}

/** Says which message could not be decrypted. */
export class DecryptionErrorMessage {
  private readonly fields: ErrorFields;

  private constructor(fields: ErrorFields) {
    this.fields = fields;
  }

  /** @throws {LibSignalErrorBase} */
  static forOriginal(
    bytes: Uint8Array,
    type: CiphertextMessageType,
    timestamp: number,
    originalSenderDeviceId: number,
  ): DecryptionErrorMessage {
    const values = new Values().bytes(bytes).u32(type).u64(timestamp).u32(originalSenderDeviceId);
    return new DecryptionErrorMessage(call('DecryptionErrorMessage_ForOriginalMessage', values, errorFields));
  }

  /** @throws {LibSignalErrorBase} */
  static deserialize(bytes: Uint8Array): DecryptionErrorMessage {
    const values = new Values().bytes(bytes);
    return new DecryptionErrorMessage(call('DecryptionErrorMessage_Deserialize', values, errorFields));
  }

  /** @throws {LibSignalErrorBase} */
  static extractFromSerializedBody(bytes: Uint8Array): DecryptionErrorMessage {
    const values = new Values().bytes(bytes);
    return new DecryptionErrorMessage(call('DecryptionErrorMessage_ExtractFromSerializedContent', values, errorFields));
  }

  serialize(): Bytes {
    return this.fields.bytes.slice();
  }

  timestamp(): number {
    return readableTime(this.fields.timestamp);
  }

  deviceId(): number {
    return this.fields.deviceId;
  }

  ratchetKey(): PublicKey | undefined {
    return this.fields.ratchetKey;
  }
}

interface PlaintextFields {
  readonly body: Bytes;
  readonly bytes: Bytes;
}

function plaintextFields(fields: Fields): PlaintextFields {
  const body = fields.bytes();
  return { body, bytes: fields.bytes() };
}

/** A message that is not encrypted: it can only say that another could not be decrypted. */
export class PlaintextContent implements CiphertextMessageConvertible {
  private readonly fields: PlaintextFields;

  private constructor(fields: PlaintextFields) {
    this.fields = fields;
  }

  /** @throws {LibSignalErrorBase} */
  static deserialize(bytes: Uint8Array): PlaintextContent {
    return new PlaintextContent(call('PlaintextContent_Deserialize', new Values().bytes(bytes), plaintextFields));
  }

  static from(message: DecryptionErrorMessage): PlaintextContent {
    const values = new Values().bytes(message.serialize());
    return new PlaintextContent(call('PlaintextContent_FromDecryptionErrorMessage', values, plaintextFields));
  }

  serialize(): Bytes {
    return this.fields.bytes.slice();
  }

  body(): Bytes {
    return this.fields.body.slice();
  }

  asCiphertextMessage(): CiphertextMessage {
    return CiphertextMessage.ofLibrary(CiphertextMessageType.Plaintext, this.serialize());
  }
}
