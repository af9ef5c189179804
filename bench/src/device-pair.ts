import { randomBytes } from 'node:crypto';
import {
  CiphertextKind,
  type ClientFrameFields,
  ClientFrames,
  Envelope,
  RecipientStatus,
  type ServerFrame,
  uuidToBytes,
} from '@sotto/proto';
import type { Packing, RawDevice } from './raw-device.ts';

/** The times at which a message was to be sent, and did arrive. */
export interface Passage {
  /** When it was due, by `performance.now()`. */
  readonly due: number;
  /** When its sender had the result. */
  result: number;
  /** When its recipient had it. */
  delivered: number;
}

/** Two devices, one of which sends to the other. */
export class DevicePair {
  private readonly sender: RawDevice;
  private readonly recipient: RawDevice;
  private readonly ciphertext: Uint8Array;
  private readonly lane = randomBytes(8);
  private readonly underWay = new Map<number, Passage>();
  private nextNumber = 0;
  private onResult: () => void = () => undefined;
  private onDone: (passage: Passage) => void = () => undefined;

  /** @param bytes of each ciphertext */
  constructor(sender: RawDevice, recipient: RawDevice, bytes: number) {
    this.sender = sender;
    this.recipient = recipient;
    this.ciphertext = randomBytes(bytes);
    sender.onFrames = (frames) => this.senderHeard(frames);
    recipient.onFrames = (frames) => this.recipientHeard(frames);
  }

  pack(packing: Packing): void {
    this.sender.packing = packing;
    this.recipient.packing = packing;
  }

  /** How many bytes one Send takes by itself. */
  get bytesOfSend(): number {
    return ClientFrames.encode({ frames: [this.frameOf(0, 1)] }).length;
  }

  /** Sends so many, at most `window` of them without a result; resolves when all were acked by the recipient and have their results. */
  run(count: number, window: number): Promise<void> {
    return new Promise((resolve) => {
      let sent = 0;
      let done = 0;
      const send = () => {
        if (sent === count) return;
        sent++;
        this.send(performance.now());
      };
      this.onResult = send;
      this.onDone = () => {
        if (++done === count) resolve();
      };
      for (let number = 0; number < window; number++) send();
    });
  }

  /** Sends one that was due at a time; `onDone` hears of it when it has arrived and its result is there. */
  send(due: number): void {
    const number = this.nextNumber++;
    this.underWay.set(number, { due, result: 0, delivered: 0 });
    this.sender.send([this.frameOf(number, number + 1)]);
  }

  /** Has each finished passage told to somebody. */
  follow(onDone: (passage: Passage) => void): void {
    this.onResult = () => undefined;
    this.onDone = onDone;
  }

  private frameOf(number: number, laneNo: number): ClientFrameFields {
    const { userId, registrationId, accessKey } = this.recipient.account.keys;
    return {
      send: {
        sendId: numbered(number),
        lane: this.lane,
        laneNo,
        messageId: numbered(number),
        attempt: 1,
        suite: 1,
        urgent: true,
        recipients: [
          {
            userId: uuidToBytes(userId),
            deviceListVersion: 1,
            accessKey,
            devices: [
              {
                deviceId: 1,
                registrationId,
                kind: CiphertextKind.CIPHERTEXT_KIND_WHISPER,
                ciphertext: this.ciphertext,
              },
            ],
          },
        ],
      },
    };
  }

  private senderHeard(frames: readonly ServerFrame[]): void {
    const now = performance.now();
    for (const { sendResult } of frames) {
      if (!sendResult) continue;
      const status = sendResult.recipients?.[0]?.status;
      if (status !== RecipientStatus.RECIPIENT_STATUS_ACCEPTED) {
        throw new Error(`a send was not accepted: ${sendResult.refused?.code ?? status}`);
      }
      this.note(sendResult.sendId ?? new Uint8Array(), (passage) => {
        passage.result = now;
      });
      this.onResult();
    }
  }

  private recipientHeard(frames: readonly ServerFrame[]): void {
    const now = performance.now();
    const deliveryIds: Uint8Array[] = [];
    for (const { deliver } of frames) {
      if (!deliver) continue;
      deliveryIds.push(deliver.deliveryId ?? new Uint8Array());
      const { messageId } = Envelope.decode(deliver.envelope ?? new Uint8Array());
      this.note(messageId, (passage) => {
        passage.delivered = now;
      });
    }
    if (deliveryIds.length === 0) return;
    if (this.recipient.packing === 'batched') this.recipient.send([{ ack: { deliveryIds } }]);
    else this.recipient.send(deliveryIds.map((id) => ({ ack: { deliveryIds: [id] } })));
  }

  private note(id: Uint8Array, set: (passage: Passage) => void): void {
    const number = numberOf(id);
    const passage = this.underWay.get(number);
    if (passage === undefined) throw new Error('something came twice, or was never sent');
    set(passage);
    if (passage.result === 0 || passage.delivered === 0) return;
    this.underWay.delete(number);
    this.onDone(passage);
  }
}

const prefix = randomBytes(8);

/** An id of 16 bytes with a number in it. */
function numbered(number: number): Uint8Array {
  const id = Buffer.alloc(16);
  id.set(prefix);
  id.writeUIntBE(number, 10, 6);
  return id;
}

function numberOf(id: Uint8Array): number {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).readUIntBE(10, 6);
}
