import type { PrivateKey, PublicKey } from './ec-keys.ts';
import { call } from './library.ts';
import { type Uuid, uuidBytes, uuidText } from './uuid.ts';
import { type Bytes, type Fields, Values } from './wire.ts';

/** What names a chain, and what is said under it. */
export interface ChainFields {
  readonly distributionId: Uuid;
  readonly chainId: number;
  readonly iteration: number;
  /** The ciphertext of a message; the key of a distribution. */
  readonly content: Bytes;
  readonly bytes: Bytes;
}

/** What the library says of a message or of a distribution. */
export function chainFields(fields: Fields): ChainFields {
  const distributionId = uuidText(fields.bytes());
  const chainId = fields.u32();
  const iteration = fields.u32();
  const content = fields.bytes();
  return { distributionId, chainId, iteration, content, bytes: fields.bytes() };
}

/** The arguments that name a chain. */
export function chain(messageVersion: number, distributionId: Uuid, chainId: number, iteration: number): Values {
  return new Values().u32(messageVersion).bytes(uuidBytes(distributionId)).u32(chainId).u32(iteration);
}

/** A message for all who were given a chain. */
export class SenderKeyMessage {
  private readonly fields: ChainFields;

  private constructor(fields: ChainFields) {
    this.fields = fields;
  }

  static _new(
    messageVersion: number,
    distributionId: Uuid,
    chainId: number,
    iteration: number,
    ciphertext: Uint8Array,
    signatureKey: PrivateKey,
  ): SenderKeyMessage {
    const values = chain(messageVersion, distributionId, chainId, iteration).bytes(ciphertext);
    values.bytes(signatureKey.serialize());
    return new SenderKeyMessage(call('SenderKeyMessage_New', values, chainFields));
  }

  /** @throws {LibSignalErrorBase} */
  static deserialize(bytes: Uint8Array): SenderKeyMessage {
    return new SenderKeyMessage(call('SenderKeyMessage_Deserialize', new Values().bytes(bytes), chainFields));
  }

  serialize(): Bytes {
    return this.fields.bytes.slice();
  }

  ciphertext(): Bytes {
    return this.fields.content.slice();
  }

  iteration(): number {
    return this.fields.iteration;
  }

  chainId(): number {
    return this.fields.chainId;
  }

  distributionId(): Uuid {
    return this.fields.distributionId;
  }

  verifySignature(key: PublicKey): boolean {
    const values = new Values().bytes(this.fields.bytes).bytes(key.serialize());
    return call('SenderKeyMessage_VerifySignature', values, (fields) => fields.flag());
  }
}
