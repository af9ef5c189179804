import type { ProtocolAddress } from './address.ts';
import type { PublicKey } from './ec-keys.ts';
import { call, operate } from './library.ts';
import { type ChainFields, chain, chainFields } from './sender-key-message.ts';
import { answersOf } from './store-answers.ts';
import type { SenderKeyStore } from './stores.ts';
import { type Uuid, uuidBytes } from './uuid.ts';
import { type Bytes, Values } from './wire.ts';

/** A chain as it is given to others: what is sent on it from now on can be opened with it. */
export class SenderKeyDistributionMessage {
  private readonly fields: ChainFields;

  private constructor(fields: ChainFields) {
    this.fields = fields;
  }

  /** The own chain as it stands; it is made when there is none. @throws {LibSignalErrorBase} */
  static async create(
    sender: ProtocolAddress,
    distributionId: Uuid,
    store: SenderKeyStore,
  ): Promise<SenderKeyDistributionMessage> {
    const values = sender.under(new Values()).bytes(uuidBytes(distributionId));
    const fields = await operate(
      'SenderKeyDistributionMessage_Create',
      values,
      answersOf({ senderKeys: store }),
      chainFields,
    );
    return new SenderKeyDistributionMessage(fields);
  }

  static _new(
    messageVersion: number,
    distributionId: Uuid,
    chainId: number,
    iteration: number,
    chainKey: Uint8Array,
    signatureKey: PublicKey,
  ): SenderKeyDistributionMessage {
    const values = chain(messageVersion, distributionId, chainId, iteration).bytes(chainKey);
    values.bytes(signatureKey.serialize());
    return new SenderKeyDistributionMessage(call('SenderKeyDistributionMessage_New', values, chainFields));
  }

  /** @throws {LibSignalErrorBase} */
  static deserialize(bytes: Uint8Array): SenderKeyDistributionMessage {
    const values = new Values().bytes(bytes);
    return new SenderKeyDistributionMessage(call('SenderKeyDistributionMessage_Deserialize', values, chainFields));
  }

  serialize(): Bytes {
    return this.fields.bytes.slice();
  }

  chainKey(): Bytes {
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
}
