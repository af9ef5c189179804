import { randomBytes } from 'node:crypto';
import {
  CiphertextKind,
  type ClientFrameFields,
  type GroupAppendRequest,
  GroupRecord,
  RecipientStatus,
  toBase64Url,
} from '@sotto/proto';
import type { LoadAccount } from './load-account.ts';
import type { LoadStream } from './load-stream.ts';

/** A group of accounts with their streams; the first one sends. */
export interface LoadGroup {
  readonly groupId: Uint8Array;
  readonly accounts: readonly LoadAccount[];
  readonly streams: readonly LoadStream[];
}

const keyBytes = 32;
const sealedBytes = 400;
const commonMembers = 1_000;

/** Makes a group of these accounts, by records that the relay can't read anyway. @returns its id on the wire */
export async function makeLoadGroup(url: string, accounts: readonly LoadAccount[]): Promise<Uint8Array> {
  const groupId = randomBytes(keyBytes);
  const [owner] = accounts;
  if (owner === undefined) throw new RangeError('a group has members');
  const keyCommitment = randomBytes(keyBytes);
  for (let from = 0, revision = 1; from < accounts.length; from += commonMembers, revision++) {
    const ciphertext = randomBytes(sealedBytes);
    const record = GroupRecord.encode({ groupId, revision, keyEpoch: 1, keyCommitment, ciphertext });
    const added = accounts.slice(from, from + commonMembers).map(({ userId }) => userId);
    const body: GroupAppendRequest = { record: toBase64Url(record), added, removed: [] };
    const answer = await fetch(`${url}/v1/groups/${toBase64Url(groupId)}/records`, {
      method: 'POST',
      headers: { authorization: `Bearer ${owner.accessToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`the group was not made: ${answer.status} ${await answer.text()}`);
  }
  return groupId;
}

/**
 * Sends messages of one shared ciphertext to all other members, who are online and ack what comes; resolves when each has had each.
 * @param window sends without a result that the sender allows itself
 * @throws {Error} when the relay refused one, or something came twice
 */
export function fanOut(group: LoadGroup, count: number, ciphertextBytes: number, window: number): Promise<void> {
  const [sender, ...receivers] = group.streams;
  if (sender === undefined) throw new RangeError('nobody sends');
  const ciphertext = randomBytes(ciphertextBytes);
  const recipients = group.accounts.slice(1).map(recipientOf);
  const everybody = recipients.length;
  return new Promise<void>((resolve, reject) => {
    const lane = randomBytes(8);
    let [sent, accepted, received] = [0, 0, 0];
    const check = () => {
      if (received > count * everybody) reject(new Error('something came twice'));
      if (accepted === count && received === count * everybody) resolve();
    };
    const send = () => sender.send([frameOf(group.groupId, recipients, ciphertext, lane, ++sent)]);
    for (const stream of group.streams) stream.onEnd = () => reject(new Error('a member lost its connection'));
    for (const receiver of receivers) {
      receiver.onFrames = (frames) => {
        const deliveryIds = frames.flatMap(({ deliver }) => (deliver?.deliveryId ? [deliver.deliveryId] : []));
        if (deliveryIds.length === 0) return;
        receiver.send([{ ack: { deliveryIds } }]);
        received += deliveryIds.length;
        check();
      };
    }
    sender.onFrames = (frames) => {
      for (const { sendResult } of frames) {
        if (!sendResult) continue;
        const refused = sendResult.recipients?.find(
          ({ status }) => status !== RecipientStatus.RECIPIENT_STATUS_ACCEPTED,
        );
        if (sendResult.refused || refused) {
          reject(new Error(`a send was not accepted: ${sendResult.refused?.code ?? refused?.status}`));
          return;
        }
        accepted++;
        if (sent < count) send();
      }
      check();
    };
    while (sent < Math.min(window, count)) send();
  });
}

function recipientOf({ userBytes, registrationId, accessKey }: LoadAccount) {
  const kind = CiphertextKind.CIPHERTEXT_KIND_SENDER_KEY;
  return { userId: userBytes, deviceListVersion: 1, accessKey, devices: [{ deviceId: 1, registrationId, kind }] };
}

function frameOf(
  groupId: Uint8Array,
  recipients: readonly ReturnType<typeof recipientOf>[],
  sharedCiphertext: Uint8Array,
  lane: Uint8Array,
  laneNo: number,
): ClientFrameFields {
  const sendId = randomBytes(16);
  sendId.writeUIntBE(Date.now(), 0, 6);
  return {
    send: {
      sendId,
      lane,
      laneNo,
      messageId: randomBytes(16),
      attempt: 1,
      suite: 1,
      urgent: true,
      groupId,
      groupEpoch: 1,
      sharedCiphertext,
      recipients: [...recipients],
    },
  };
}
