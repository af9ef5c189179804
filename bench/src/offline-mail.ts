import { randomBytes } from 'node:crypto';
import { CiphertextKind, type ClientFrameFields, RecipientStatus } from '@sotto/proto';
import type { LoadAccount } from './load-account.ts';
import { LoadStream, sourceAddress } from './load-stream.ts';

/** What one message of a load is. */
export interface MailShape {
  readonly ciphertextBytes: number;
  /** Sends without a result that a sender allows itself. */
  readonly window: number;
}

/**
 * Sends messages, one after the other to each recipient, by several senders at once; resolves when every one has been accepted.
 *
 * Send ids are as clients make them: six bytes of the time, ten random ones.
 * @throws {Error} when the relay refused one
 */
export async function storeMail(
  senders: readonly LoadStream[],
  recipients: readonly LoadAccount[],
  count: number,
  { ciphertextBytes, window }: MailShape,
): Promise<void> {
  const ciphertext = randomBytes(ciphertextBytes);
  let sent = 0;
  await Promise.all(
    senders.map((sender, at) => {
      const share = Math.floor(count / senders.length) + (at < count % senders.length ? 1 : 0);
      return new Promise<void>((resolve, reject) => {
        const lane = randomBytes(8);
        let [mine, accepted] = [0, 0];
        const send = () => {
          const recipient = recipients[sent++ % recipients.length];
          if (recipient === undefined) throw new RangeError('nobody to send to');
          sender.send([frameOf(recipient, ciphertext, lane, ++mine)]);
        };
        sender.onFrames = (frames) => {
          for (const { sendResult } of frames) {
            if (!sendResult) continue;
            const status = sendResult.recipients?.[0]?.status;
            if (status !== RecipientStatus.RECIPIENT_STATUS_ACCEPTED) {
              reject(new Error(`a send was not accepted: ${sendResult.refused?.code ?? status}`));
              return;
            }
            accepted++;
            if (mine < share) send();
          }
          if (accepted === share) resolve();
        };
        sender.onEnd = () => reject(new Error('a sender lost its connection'));
        if (share === 0) resolve();
        while (mine < Math.min(window, share)) send();
      });
    }),
  );
}

/** What a recipient found. */
export interface Drained {
  /** Different messages. */
  readonly messages: number;
  /** What came more than once. */
  readonly repeated: number;
}

/** Connects devices, a few at a time, each of which acks what it is given until the relay says that there is no more. */
export async function drainMail(url: string, recipients: readonly LoadAccount[], atOnce: number): Promise<Drained> {
  const waiting = [...recipients.entries()];
  const ids = new Set<string>();
  let deliveries = 0;
  const drainNext = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [number, account] = next;
      const stream = await LoadStream.open(url, account, sourceAddress(number));
      await drainStream(stream, (id) => {
        deliveries++;
        ids.add(Buffer.from(id).toString('latin1'));
      });
      stream.close();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, drainNext));
  return { messages: ids.size, repeated: deliveries - ids.size };
}

/** Acks what an open stream delivers; resolves at `QueueEmpty`. */
export function drainStream(stream: LoadStream, note: (deliveryId: Uint8Array) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.onEnd = () => reject(new Error('the connection ended before the mailbox was empty'));
    stream.onFrames = (frames) => {
      const deliveryIds: Uint8Array[] = [];
      let isEmpty = false;
      for (const { deliver, queueEmpty } of frames) {
        if (queueEmpty) isEmpty = true;
        if (!deliver?.deliveryId) continue;
        note(deliver.deliveryId);
        deliveryIds.push(deliver.deliveryId);
      }
      if (deliveryIds.length > 0) stream.send([{ ack: { deliveryIds } }]);
      if (isEmpty) {
        stream.onEnd = () => undefined;
        resolve();
      }
    };
  });
}

function frameOf(recipient: LoadAccount, ciphertext: Uint8Array, lane: Uint8Array, laneNo: number): ClientFrameFields {
  return {
    send: {
      sendId: sendIdNow(),
      lane,
      laneNo,
      messageId: randomBytes(16),
      attempt: 1,
      suite: 1,
      urgent: true,
      recipients: [
        {
          userId: recipient.userBytes,
          deviceListVersion: 1,
          accessKey: recipient.accessKey,
          devices: [
            {
              deviceId: 1,
              registrationId: recipient.registrationId,
              kind: CiphertextKind.CIPHERTEXT_KIND_WHISPER,
              ciphertext,
            },
          ],
        },
      ],
    },
  };
}

function sendIdNow(): Uint8Array {
  const id = randomBytes(16);
  id.writeUIntBE(Date.now(), 0, 6);
  return id;
}
