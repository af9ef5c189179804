import SealedSenderMultiRecipientMessage from '@signalapp/libsignal-client/dist/SealedSenderMultiRecipientMessage.js';
import { CiphertextKind, type SendFields, uuidToText } from '@sotto/proto';
import { asBuffer } from '../src/crypto/as-buffer.ts';

/** One message to many as the relay takes it apart: what each device of its recipients gets. */
export function takenApart(send: SendFields): SendFields {
  const message = new SealedSenderMultiRecipientMessage(asBuffer(send.sharedCiphertext ?? new Uint8Array()));
  const byUser = message.recipientsByServiceIdString();
  const recipients = (send.recipients ?? []).map((recipient) => {
    const named = byUser[uuidToText(recipient.userId ?? new Uint8Array())];
    if (named === undefined) throw new Error('a recipient is not named in the message');
    const ciphertext = message.messageForRecipient(named);
    const devices = named.deviceIds.map((deviceId, at) => ({
      deviceId,
      registrationId: named.registrationIds[at] ?? 0,
      kind: CiphertextKind.CIPHERTEXT_KIND_SEALED,
      ciphertext,
    }));
    return { ...recipient, devices };
  });
  return { ...send, sharedCiphertext: new Uint8Array(), recipients };
}
