import { type ContentFields, Envelope, type EnvelopeFields, type SealedContextFields, uuidToBytes } from '@sotto/proto';
import type { SenderCertificate } from '#libsignal';
import { Requests } from '../src/chats/requests.ts';
import { pad } from '../src/crypto/padding.ts';
import { peerLock, Ratchet } from '../src/crypto/ratchet.ts';
import { Inbox } from '../src/inbox/inbox.ts';
import { EnvelopeReceiver } from '../src/inbox/receive-envelope.ts';
import { contentForDevice, newContent } from '../src/messages/outgoing-content.ts';
import { ReceiptQueue } from '../src/outbox/receipt-queue.ts';
import type { DeviceAddress, GroupId } from '../src/ports/ids.ts';
import { HeldKeeper } from '../src/repair/held-keeper.ts';
import { RetryAnswerer } from '../src/repair/retry-answer.ts';
import { logger, randomness, sha256, type TestDevice } from './test-device.ts';

/** A device with its inbox. */
export interface ReceivingDevice {
  readonly device: TestDevice;
  readonly receiver: EnvelopeReceiver;
  readonly receipts: ReceiptQueue;
  readonly inbox: Inbox;
  /** The first byte of each delivery id that was acked, in order. */
  readonly acked: number[];
  readonly failures: unknown[];
  readonly receiptsTo: Pick<DeviceAddress, 'userId'>[];
  /** Groups whose logs are to be looked at. */
  readonly groups: GroupId[];
  /** Groups that wait for the own device list. */
  readonly behind: GroupId[];
  /** Takes envelopes as deliveries 0, 1, 2 …; resolves when nothing is in hand. */
  deliver(...envelopes: readonly Uint8Array[]): Promise<void>;
  /** Why what is held is held, oldest first. */
  heldReasons(): Promise<readonly string[]>;
  texts(from: TestDevice): Promise<readonly string[]>;
}

/**
 * Puts an inbox onto a device.
 * @param relayAhead by how much the relay's clock is ahead of the device's, in milliseconds
 */
export function receivingDevice(
  device: TestDevice,
  roots: readonly Uint8Array[] = [],
  relayAhead = 0,
): ReceivingDevice {
  const { executor, store, clock, steps } = device;
  const receipts = new ReceiptQueue(device.origin);
  const answerer = new RetryAnswerer({ store, receipts, origin: device.origin });
  const account = () => device.account;
  const { origin } = device;
  const trustRoots = async () => roots;
  const relayNow = () => clock.now() + relayAhead;
  const given = { executor, account, origin, clock, sha256, logger, receipts, store, randomness, answerer };
  const parts = { ...given, trustRoots, relayNow };
  const receiver = new EnvelopeReceiver(parts);
  const keeper = new HeldKeeper({ executor, store, clock });
  const acked: number[] = [];
  const failures: unknown[] = [];
  const groups: GroupId[] = [];
  const behind: GroupId[] = [];
  const requests = new Requests({ executor, store, clock, origin });
  let trimmed: Promise<void> = Promise.resolve();
  const receiptsTo: Pick<DeviceAddress, 'userId'>[] = [];
  const inbox = new Inbox({
    receiver,
    store,
    tracer: { reached: (step) => void steps.push(step) },
    logger,
    ack: (ids, handed) => {
      acked.push(...ids.map((id) => id[0] ?? -1));
      handed();
    },
    onApplied: () => undefined,
    onReceipts: (sender) => receiptsTo.push(sender),
    onReceiptsRest: (sender) => receiptsTo.push(sender),
    onRequest: (chatId) => {
      trimmed = trimmed.then(() => requests.trim(chatId));
    },
    onGroup: (groupId) => groups.push(groupId),
    onBehind: (groupId) => behind.push(groupId),
    onHeld: () => keeper.trim(),
    onFailure: (error) => failures.push(error),
  });
  return {
    device,
    receiver,
    receipts,
    inbox,
    acked,
    failures,
    receiptsTo,
    groups,
    behind,
    async deliver(...envelopes) {
      inbox.receive(envelopes.map((envelope, at) => ({ deliveryId: Uint8Array.of(at), envelope })));
      await inbox.idle();
      await trimmed;
    },
    heldReasons: async () => (await store.held(1_000)).map(({ reason }) => reason),
    async texts(from) {
      const page = { chatId: from.account.userId as string as never, limit: 1_000, after: undefined };
      return (await store.messages(page)).map(({ text }) => text);
    },
  };
}

/** What the test may change on the way. */
export interface Tampering {
  readonly nonce?: Uint8Array;
  /** Of the encoded content, before it is padded. */
  readonly content?: (encoded: Uint8Array) => Uint8Array;
  /** In place of the padded content. */
  readonly plaintext?: Uint8Array<ArrayBuffer>;
  readonly envelope?: EnvelopeFields;
  /** Seals the sender, who shows this to the recipient. */
  readonly certificate?: SenderCertificate;
  /** What stands beside the ciphertext in place of what belongs there. */
  readonly context?: SealedContextFields;
}

/** Seals a content from one device to another, as the relay would deliver it. */
export async function delivered(
  from: TestDevice,
  to: TestDevice,
  fields: ContentFields,
  tampering: Tampering = {},
): Promise<Uint8Array> {
  const origin = from.origin();
  const made = newContent(origin, to.account.userId, fields, tampering.nonce);
  const { profileKey = from.account.profileKey, returnsReceipts = origin.returnsReceipts } = fields;
  const { profileKeyAt: at = from.clock.now() } = fields;
  const own = { profileKey: profileKey ?? undefined, at: at ?? 0, returnsReceipts: returnsReceipts ?? false };
  const encoded = contentForDevice(made.encoded, { deviceId: to.account.deviceId, own });
  const plaintext = tampering.plaintext ?? pad(tampering.content?.(encoded) ?? encoded);
  const { certificate, context = { messageId: made.id } } = tampering;
  const { kind, ciphertext } = await from.executor.run([peerLock(to.account.userId)], (overlay) => {
    const ratchet = new Ratchet(from.account, overlay, from.clock.now());
    if (certificate === undefined) return ratchet.seal(to.address, plaintext);
    return ratchet.sealUnnamed(to.address, plaintext, { certificate, context });
  });
  const named = {
    messageId: made.id,
    senderUser: uuidToBytes(from.account.userId),
    senderDevice: from.account.deviceId,
  };
  return Envelope.encode({
    suite: 1,
    kind,
    ciphertext,
    ...(certificate === undefined && named),
    recipientUser: uuidToBytes(to.account.userId),
    recipientDevice: to.account.deviceId,
    acceptedAt: 1,
    expiresAt: 2,
    attempt: 1,
    ...tampering.envelope,
  });
}
