import type { PublicKey } from './ec-keys.ts';
import { call } from './library.ts';
import { type Bytes, type Fields, Values } from './wire.ts';

interface SignalFields {
  readonly version: number;
  readonly counter: number;
  readonly body: Bytes;
  readonly pqRatchet: Bytes;
  readonly bytes: Bytes;
}

function signalFields(fields: Fields): SignalFields {
  const version = fields.u32();
  const counter = fields.u32();
  const body = fields.bytes();
  const pqRatchet = fields.bytes();
  return { version, counter, body, pqRatchet, bytes: fields.bytes() };
}

/** A message on a session that both sides have. */
export class SignalMessage {
  private readonly fields: SignalFields;

  private constructor(fields: SignalFields) {
    this.fields = fields;
  }

  static _new(
    messageVersion: number,
    macKey: Uint8Array,
    senderRatchetKey: PublicKey,
    counter: number,
    previousCounter: number,
    ciphertext: Uint8Array,
    senderIdentityKey: PublicKey,
    receiverIdentityKey: PublicKey,
    pqRatchet: Uint8Array,
  ): SignalMessage {
    const values = new Values().u32(messageVersion).bytes(macKey).bytes(senderRatchetKey.serialize());
    values.u32(counter).u32(previousCounter).bytes(ciphertext);
    values.bytes(senderIdentityKey.serialize()).bytes(receiverIdentityKey.serialize()).bytes(pqRatchet);
    return new SignalMessage(call('SignalMessage_New', values, signalFields));
  }

  /** @throws {LibSignalErrorBase} */
  static deserialize(bytes: Uint8Array): SignalMessage {
    return new SignalMessage(call('SignalMessage_Deserialize', new Values().bytes(bytes), signalFields));
  }

  body(): Bytes {
    return this.fields.body.slice();
  }

  pqRatchet(): Bytes {
    return this.fields.pqRatchet.slice();
  }

  counter(): number {
    return this.fields.counter;
  }

  messageVersion(): number {
    return this.fields.version;
  }

  serialize(): Bytes {
    return this.fields.bytes.slice();
  }
}

interface PreKeyFields {
  readonly version: number;
  readonly registrationId: number;
  readonly preKeyId: number | null;
  readonly signedPreKeyId: number;
  readonly pqRatchet: Bytes;
  readonly bytes: Bytes;
}

function preKeyFields(fields: Fields): PreKeyFields {
  const version = fields.u32();
  const registrationId = fields.u32();
  const preKeyId = fields.optionalU32();
  const signedPreKeyId = fields.u32();
  const pqRatchet = fields.bytes();
  return { version, registrationId, preKeyId, signedPreKeyId, pqRatchet, bytes: fields.bytes() };
}

/** A message that begins a session, with a first message inside. */
export class PreKeySignalMessage {
  private readonly fields: PreKeyFields;

  private constructor(fields: PreKeyFields) {
    this.fields = fields;
  }

  static _new(
    messageVersion: number,
    registrationId: number,
    preKeyId: number | null,
    signedPreKeyId: number,
    baseKey: PublicKey,
    identityKey: PublicKey,
    signalMessage: SignalMessage,
  ): PreKeySignalMessage {
    const values = new Values().u32(messageVersion).u32(registrationId).optionalU32(preKeyId).u32(signedPreKeyId);
    values.bytes(baseKey.serialize()).bytes(identityKey.serialize()).bytes(signalMessage.serialize());
    return new PreKeySignalMessage(call('PreKeySignalMessage_New', values, preKeyFields));
  }

  /** @throws {LibSignalErrorBase} */
  static deserialize(bytes: Uint8Array): PreKeySignalMessage {
    return new PreKeySignalMessage(call('PreKeySignalMessage_Deserialize', new Values().bytes(bytes), preKeyFields));
  }

  preKeyId(): number | null {
    return this.fields.preKeyId;
  }

  registrationId(): number {
    return this.fields.registrationId;
  }

  signedPreKeyId(): number {
    return this.fields.signedPreKeyId;
  }

  version(): number {
    return this.fields.version;
  }

  /** That of the message inside. */
  pqRatchet(): Bytes {
    return this.fields.pqRatchet.slice();
  }

  serialize(): Bytes {
    return this.fields.bytes.slice();
  }
}
