import type { ProtocolAddress } from './address.ts';
import { CiphertextMessage } from './ciphertext-message.ts';
import { operate } from './library.ts';
import type { SenderKeyDistributionMessage } from './sender-key-distribution.ts';
import { answersOf } from './store-answers.ts';
import type { SenderKeyStore } from './stores.ts';
import { type Uuid, uuidBytes } from './uuid.ts';
import { type Bytes, Values } from './wire.ts';

/** Keeps the chain that a device gave. @throws {LibSignalErrorBase} */
export async function processSenderKeyDistributionMessage(
  sender: ProtocolAddress,
  message: SenderKeyDistributionMessage,
  store: SenderKeyStore,
): Promise<void> {
  const values = sender.under(new Values()).bytes(message.serialize());
  await operate('SenderKeyDistributionMessage_Process', values, answersOf({ senderKeys: store }), () => undefined);
}

/** Encrypts for all who were given the own chain. @throws {LibSignalErrorBase} */
export async function groupEncrypt(
  sender: ProtocolAddress,
  distributionId: Uuid,
  store: SenderKeyStore,
  message: Uint8Array,
): Promise<CiphertextMessage> {
  const values = sender.under(new Values()).bytes(uuidBytes(distributionId)).bytes(message);
  return operate('GroupCipher_EncryptMessage', values, answersOf({ senderKeys: store }), (fields) => {
    const kind = fields.u32();
    return CiphertextMessage.ofLibrary(kind, fields.bytes());
  });
}

/** Decrypts what a device sent on its chain. @throws {LibSignalErrorBase} */
export async function groupDecrypt(
  sender: ProtocolAddress,
  store: SenderKeyStore,
  message: Uint8Array,
): Promise<Bytes> {
  const values = sender.under(new Values()).bytes(message);
  return operate('GroupCipher_DecryptMessage', values, answersOf({ senderKeys: store }), (fields) => fields.bytes());
}
