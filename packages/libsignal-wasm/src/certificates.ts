import { Aci } from './address.ts';
import { type PrivateKey, PublicKey } from './ec-keys.ts';
import { call } from './library.ts';
import { type Bytes, type Fields, readableTime, Values } from './wire.ts';

interface ServerFields {
  readonly keyId: number;
  readonly key: PublicKey;
  readonly certificate: Bytes;
  readonly signature: Bytes;
  readonly bytes: Bytes;
}

function serverFields(fields: Fields): ServerFields {
  const keyId = fields.u32();
  const key = PublicKey.ofLibrary(fields.bytes());
  const certificate = fields.bytes();
  const signature = fields.bytes();
  return { keyId, key, certificate, signature, bytes: fields.bytes() };
}

/** The key under which a server signs certificates, signed by the root. */
export class ServerCertificate {
  private readonly fields: ServerFields;

  private constructor(fields: ServerFields) {
    this.fields = fields;
  }

  static new(keyId: number, serverKey: PublicKey, trustRoot: PrivateKey): ServerCertificate {
    const values = new Values().u32(keyId).bytes(serverKey.serialize()).bytes(trustRoot.serialize());
    return new ServerCertificate(call('ServerCertificate_New', values, serverFields));
  }

  /** @throws {LibSignalErrorBase} */
  static deserialize(bytes: Uint8Array): ServerCertificate {
    return new ServerCertificate(call('ServerCertificate_Deserialize', new Values().bytes(bytes), serverFields));
  }

  /** That of a sender's certificate. @throws {LibSignalErrorBase} */
  static ofSender(certificate: Uint8Array): ServerCertificate {
    const values = new Values().bytes(certificate);
    return new ServerCertificate(call('SenderCertificate_GetServerCertificate', values, serverFields));
  }

  certificateData(): Bytes {
    return this.fields.certificate.slice();
  }

  key(): PublicKey {
    return this.fields.key;
  }

  keyId(): number {
    return this.fields.keyId;
  }

  serialize(): Bytes {
    return this.fields.bytes.slice();
  }

  signature(): Bytes {
    return this.fields.signature.slice();
  }
}

interface SenderFields {
  readonly uuid: string;
  readonly number: string | null;
  readonly deviceId: number;
  readonly key: PublicKey;
  readonly expiration: number;
  readonly certificate: Bytes;
  readonly signature: Bytes;
  readonly bytes: Bytes;
}

function senderFields(fields: Fields): SenderFields {
  const uuid = fields.text();
  const number = fields.optionalText();
  const deviceId = fields.u32();
  const key = PublicKey.ofLibrary(fields.bytes());
  const expiration = fields.u64();
  const certificate = fields.bytes();
  const signature = fields.bytes();
  return { uuid, number, deviceId, key, expiration, certificate, signature, bytes: fields.bytes() };
}

/** Says who a sealed sender is, until when. */
export class SenderCertificate {
  private readonly fields: SenderFields;

  private constructor(fields: SenderFields) {
    this.fields = fields;
  }

  static new(
    senderUuid: string | Aci,
    senderE164: string | null,
    senderDeviceId: number,
    senderKey: PublicKey,
    expiration: number,
    signerCert: ServerCertificate,
    signerKey: PrivateKey,
  ): SenderCertificate {
    const uuid = typeof senderUuid === 'string' ? senderUuid : senderUuid.getServiceIdString();
    const values = new Values().text(uuid).optionalText(senderE164).u32(senderDeviceId);
    values.bytes(senderKey.serialize()).u64(expiration).bytes(signerCert.serialize()).bytes(signerKey.serialize());
    return new SenderCertificate(call('SenderCertificate_New', values, senderFields));
  }

  /** @throws {LibSignalErrorBase} */
  static deserialize(bytes: Uint8Array): SenderCertificate {
    return new SenderCertificate(call('SenderCertificate_Deserialize', new Values().bytes(bytes), senderFields));
  }

  serialize(): Bytes {
    return this.fields.bytes.slice();
  }

  certificate(): Bytes {
    return this.fields.certificate.slice();
  }

  expiration(): number {
    return readableTime(this.fields.expiration);
  }

  key(): PublicKey {
    return this.fields.key;
  }

  senderE164(): string | null {
    return this.fields.number;
  }

  senderUuid(): string {
    return this.fields.uuid;
  }

  senderAci(): Aci | null {
    return aciOf(this.fields.uuid);
  }

  senderDeviceId(): number {
    return this.fields.deviceId;
  }

  /** @throws {LibSignalErrorBase} */
  serverCertificate(): ServerCertificate {
    return ServerCertificate.ofSender(this.fields.bytes);
  }

  signature(): Bytes {
    return this.fields.signature.slice();
  }

  validate(trustRoot: PublicKey, time: number): boolean {
    return this.validateWithTrustRoots([trustRoot], time);
  }

  /** Whether one of the roots stands behind it, and `time` is not after its end. */
  validateWithTrustRoots(trustRoots: readonly PublicKey[], time: number): boolean {
    const values = new Values().bytes(this.fields.bytes).u64(time).u32(trustRoots.length);
    for (const root of trustRoots) values.bytes(root.serialize());
    return call('SenderCertificate_Validate', values, (fields) => fields.flag());
  }
}

/** The id, if the name is one. */
export function aciOf(name: string): Aci | null {
  try {
    return Aci.parseFromServiceIdString(name);
  } catch {
    return null;
  }
}
