import { Content, type ContentFields, Envelope, ReceiptKind, uuidToBytes } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { messageRecord } from '../../test/message-record.ts';
import { chatIdOf, messageIdOf, userIdOf } from '../../test/numbered-uuid.ts';
import { type TestDevice, testDevice } from '../../test/test-device.ts';
import type { DeviceId, MessageId } from '../ports/ids.ts';
import type { Applied } from './arrival.ts';
import { applyOf } from './kinds.ts';

const { RECEIPT_KIND_DELIVERED: delivered, RECEIPT_KIND_READ: read } = ReceiptKind;
const peer = { userId: userIdOf(7), deviceId: 1 as DeviceId };
const chatId = chatIdOf(7);
let made = 100;

/** Applies a content as if it had come from the peer, in an operation of its own. */
function apply(
  device: TestDevice,
  fields: ContentFields | Uint8Array,
  messageId: MessageId = messageIdOf(++made),
): Promise<Applied> {
  const encoded =
    fields instanceof Uint8Array ? fields : Content.encode({ messageNonce: new Uint8Array(16), ...fields });
  const content = Content.decode(encoded);
  const envelope = Envelope.decode(Envelope.encode({ acceptedAt: 50, expiresAt: 60 }));
  const now = device.clock.now();
  const { account } = device;
  return device.executor.run([], (overlay) =>
    applyOf(content)({
      overlay,
      account,
      sender: peer,
      messageId,
      envelope,
      content,
      encoded,
      newIdentity: false,
      origin: device.origin(),
      group: undefined,
      locks: [],
      queries: device.store,
      now,
      takenAt: now,
    }),
  );
}

function ids(...messageIds: readonly MessageId[]): Uint8Array[] {
  return messageIds.map((id) => uuidToBytes(id));
}

/** A device that has written to the peer (1), to somebody else (2), and was written to by the peer (3). */
async function deviceWithHistory(): Promise<TestDevice> {
  const device = await testDevice();
  const { userId } = device.account;
  const own = { senderId: userId, state: 'sent' } as const;
  await device.executor.run([], (overlay) => {
    overlay.put('message', messageRecord({ ...own, id: messageIdOf(1), chatId, receiverId: peer.userId }));
    overlay.put('message', messageRecord({ ...own, id: messageIdOf(2), receiverId: userIdOf(8), chatId: chatIdOf(8) }));
    overlay.put(
      'message',
      messageRecord({ id: messageIdOf(3), chatId, senderId: peer.userId, receiverId: userId, state: 'received' }),
    );
  });
  return device;
}

async function statesOf({ store }: TestDevice): Promise<readonly (string | undefined)[]> {
  const messages = await Promise.all([1, 2, 3].map((number) => store.get('message', { id: messageIdOf(number) })));
  return messages.map((message) => message?.state);
}

describe('a receipt', () => {
  it('moves own messages to its sender up, once, whatever the order', async () => {
    const device = await deviceWithHistory();
    await apply(device, { receipt: { kind: read, messageIds: ids(messageIdOf(1)), at: 1 } });
    await apply(device, { receipt: { kind: delivered, messageIds: ids(messageIdOf(1)), at: 2 } });
    expect(await statesOf(device)).toEqual(['read', 'sent', 'received']);
    expect(device.published.flat().map(({ fact }) => fact)).toEqual([
      { type: 'message.read', messageId: messageIdOf(1), chatId, userId: peer.userId, at: device.clock.now() },
    ]);
  });

  it.each([
    ['an id that nobody knows', messageIdOf(99)],
    ['a message to somebody else', messageIdOf(2)],
    ['a message of its own sender', messageIdOf(3)],
  ])('changes nothing for %s, and is never answered', async (_, id) => {
    const device = await deviceWithHistory();
    const commits = device.store.commits.length;
    for (const kind of [delivered, read]) {
      expect(await apply(device, { receipt: { kind, messageIds: ids(id), at: 1 } })).toMatchObject({
        receiptDue: false,
      });
    }
    expect(await statesOf(device)).toEqual(['sent', 'sent', 'received']);
    expect(device.store.commits).toHaveLength(commits);
  });

  it('takes the good ones of 256 ids, and is held with more, none, or malformed ones', async () => {
    const device = await deviceWithHistory();
    const many = Array.from({ length: 255 }, (_, at) => messageIdOf(1_000 + at));
    const bad = [
      { kind: read, messageIds: ids(...many, messageIdOf(1), messageIdOf(5)), at: 1 },
      { kind: read, messageIds: [], at: 1 },
      { kind: read, messageIds: [new Uint8Array(15)], at: 1 },
      { kind: read, messageIds: [...ids(messageIdOf(1)), new Uint8Array(17)], at: 1 },
      { kind: 0, messageIds: ids(messageIdOf(1)), at: 1 },
      { kind: 3 as ReceiptKind, messageIds: ids(messageIdOf(1)), at: 1 },
    ];
    for (const receipt of bad)
      await expect(apply(device, { receipt })).rejects.toMatchObject({ reason: 'content-invalid' });
    expect(await statesOf(device)).toEqual(['sent', 'sent', 'received']);
    await apply(device, { receipt: { kind: delivered, messageIds: ids(...many, messageIdOf(1)), at: 1 } });
    expect(await statesOf(device)).toEqual(['delivered', 'sent', 'received']);
  });
});

describe('a text', () => {
  it('opens a chat, counts as unread, and is receipted only when the chat was accepted', async () => {
    const device = await testDevice();
    expect(await apply(device, { seq: 1, sentAt: 5, text: { body: 'hi' } }, messageIdOf(1))).toMatchObject({
      receiptDue: false,
    });
    expect(await device.store.get('chat', { id: chatId })).toMatchObject({
      accepted: false,
      unread: 1,
      lastMessageId: messageIdOf(1),
    });
    const chat = await device.store.get('chat', { id: chatId });
    await device.executor.run([], (overlay) => chat && overlay.put('chat', { ...chat, accepted: true }));
    expect(await apply(device, { seq: 3, sentAt: 6, text: { body: 'three' } }, messageIdOf(3))).toMatchObject({
      receiptDue: true,
    });
    await apply(device, { seq: 2, sentAt: 7, text: { body: 'two' } }, messageIdOf(2));
    const history = await device.store.messages({ chatId, limit: 10, after: undefined });
    expect(history.map(({ text, late, state }) => [text, late, state])).toEqual([
      ['hi', false, 'received'],
      ['two', true, 'received'],
      ['three', false, 'received'],
    ]);
    expect(await device.store.get('chat', { id: chatId })).toMatchObject({ unread: 3, lastMessageId: messageIdOf(3) });
    expect(device.published.flat().map(({ fact }) => fact.type)).toEqual([
      'chat.created',
      ...Array(3).fill('message.received'),
    ]);
  });

  it('with the same id changes nothing', async () => {
    const device = await testDevice();
    await apply(device, { seq: 1, text: { body: 'hi' } }, messageIdOf(1));
    const commits = device.store.commits.length;
    await apply(device, { seq: 2, text: { body: 'again' } }, messageIdOf(1));
    expect(device.store.commits).toHaveLength(commits);
  });

  it.each([
    ['empty', { seq: 1, text: { body: '' } }],
    ['with NUL', { seq: 1, text: { body: 'a\0' } }],
    ['too long', { seq: 1, text: { body: 'a'.repeat(65_537) } }],
    ['without a number', { seq: 0, text: { body: 'a' } }],
  ])('that is %s is held', async (_, content) => {
    const device = await testDevice();
    await expect(apply(device, content)).rejects.toMatchObject({ reason: 'content-invalid' });
    expect(await device.store.get('chat', { id: chatId })).toBeUndefined();
  });
});

describe('a kind that is not known yet', () => {
  it('is kept whole when people see it, and passed over when not', async () => {
    const device = await testDevice();
    // Field 40, a message: some kind to come.
    const later = Uint8Array.of(...Content.encode({ messageNonce: new Uint8Array(16), seq: 1 }), 0xc2, 2, 2, 8, 1);
    await apply(device, later, messageIdOf(1));
    const message = await device.store.get('message', { id: messageIdOf(1) });
    expect(message).toMatchObject({ text: '', seq: 1, state: 'received', unknownContent: later });
    const commits = device.store.commits.length;
    await apply(device, { seq: 0 });
    expect(device.store.commits).toHaveLength(commits);
  });
});

describe('an announced hole', () => {
  async function gapsOf(device: TestDevice) {
    const stream = await device.store.get('stream', { chatId, ...peer });
    return stream && { highest: stream.highest, gaps: stream.gaps.map(({ from, to }) => [from, to]) };
  }

  it('closes gaps that are there, and those that would come', async () => {
    const device = await testDevice();
    await apply(device, { seqHole: { seqs: [1] } });
    expect(await gapsOf(device)).toBeUndefined();
    await apply(device, { seq: 5, text: { body: 'five' } });
    await apply(device, { seqHole: { seqs: [2, 3, 7] } });
    expect(await gapsOf(device)).toEqual({
      highest: 7,
      gaps: [
        [1, 1],
        [4, 4],
        [6, 6],
      ],
    });
    await apply(device, { seq: 8, text: { body: 'eight' } });
    await apply(device, { seq: 6, text: { body: 'six' } });
    await apply(device, { seq: 4, text: { body: 'four' } });
    expect(await gapsOf(device)).toEqual({ highest: 8, gaps: [[1, 1]] });
    const history = await device.store.messages({ chatId, limit: 10, after: undefined });
    expect(history.map(({ text }) => text)).toEqual(['four', 'five', 'six', 'eight']);
  });

  it.each([[[]], [Array.from({ length: 257 }, (_, at) => at + 1)]])(
    'is held when it has none or too many',
    async (seqs) => {
      const device = await testDevice();
      await expect(apply(device, { seqHole: { seqs } })).rejects.toMatchObject({ reason: 'content-invalid' });
    },
  );
});
