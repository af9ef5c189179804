import { ReceiptKind, uuidToBytes } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { type GroupPerson, GroupWorld } from '../../test/group-world.ts';
import { messageRecord } from '../../test/message-record.ts';
import { messageIdOf } from '../../test/numbered-uuid.ts';
import { delivered, receivingDevice } from '../../test/receiving-device.ts';
import { meetDevice } from '../../test/test-device.ts';
import { settled } from '../../test/turn-of-events.ts';
import { Conversation } from '../chats/conversation.ts';
import type { MessageRecord } from '../ports/message-record.ts';
import { Expiry, graceAfterExpiry } from './expiry.ts';

const { RECEIPT_KIND_DELIVERED: has, RECEIPT_KIND_READ: read } = ReceiptKind;

/** Alice has written to the others, who have said nothing of it yet. */
async function written(count: number): Promise<{ readonly world: GroupWorld; readonly message: MessageRecord }> {
  const world = await GroupWorld.of(count);
  const [alice] = world.people as [GroupPerson];
  for (const other of world.people.slice(1)) {
    await meetDevice(alice.device, other.device);
    await meetDevice(other.device, alice.device);
  }
  await world.connect(alice);
  await world.write(alice, 'who reads this?');
  await world.run();
  const [message] = await world.messages(alice);
  if (message === undefined) throw new Error('there is no message');
  return { world, message };
}

function receipt(from: GroupPerson, to: GroupPerson, kind: ReceiptKind, ...messages: readonly MessageRecord[]) {
  const messageIds = messages.map(({ id }) => uuidToBytes(id));
  return delivered(from.device, to.device, { receipt: { kind, messageIds, at: 1 } });
}

async function stateOf({ device }: GroupPerson, { id }: MessageRecord): Promise<string | undefined> {
  return (await device.store.get('message', { id }))?.state;
}

const says = ({ device }: GroupPerson, state: string) => `${device.account.userId} ${state}`;

async function peopleOf(chat: Conversation, message: MessageRecord): Promise<ReadonlySet<string>> {
  const { people } = await chat.progress(message);
  return new Set(people.map(({ userId, state }) => `${userId} ${state}`));
}

const told = ({ device }: GroupPerson, type: string) =>
  device.published.flat().filter(({ fact }) => fact.type === type).length;

describe('receipts for a message to a group', () => {
  it('that come together are counted together, each member once', async () => {
    const { world, message } = await written(4);
    const [alice, bob, carol, dave] = world.people as [GroupPerson, GroupPerson, GroupPerson, GroupPerson];
    const chat = new Conversation(world.chatId, alice.out.parts);
    expect(await chat.progress(message)).toEqual({ recipients: 3, delivered: 0, read: 0, people: [] });
    await alice.in.deliver(
      await receipt(bob, alice, has, message),
      await receipt(carol, alice, has, message),
      await receipt(bob, alice, has, message),
    );
    expect(await stateOf(alice, message)).toBe('sent');
    expect(await chat.progress(message)).toMatchObject({ recipients: 3, delivered: 2, read: 0 });
    expect(await peopleOf(chat, message)).toEqual(new Set([says(bob, 'delivered'), says(carol, 'delivered')]));
    await alice.in.deliver(await receipt(dave, alice, read, message), await receipt(bob, alice, read, message));
    expect(await stateOf(alice, message)).toBe('delivered');
    await alice.in.deliver(await receipt(carol, alice, read, message), await receipt(carol, alice, has, message));
    expect(await stateOf(alice, message)).toBe('read');
    expect(await chat.progress(message)).toMatchObject({ recipients: 3, delivered: 3, read: 3 });
    expect(await peopleOf(chat, message)).toEqual(new Set([bob, carol, dave].map((one) => says(one, 'read'))));
    expect([told(alice, 'message.delivered'), told(alice, 'message.read')]).toEqual([2, 3]);
  });

  it('of eight at once, in one batch, are all counted', async () => {
    const { world, message } = await written(9);
    const [alice, ...others] = world.people as [GroupPerson, ...GroupPerson[]];
    await alice.in.deliver(...(await Promise.all(others.map((other) => receipt(other, alice, read, message)))));
    expect(await stateOf(alice, message)).toBe('read');
    expect(told(alice, 'message.read')).toBe(8);
  });

  it('of two at once are counted one after the other, however long the store takes to look', async () => {
    const { world, message } = await written(3);
    const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
    const { store } = alice.device;
    // Whoever asks while it looks has the answer at the same moment.
    let looking: Promise<void> | undefined;
    const receipts: typeof store.receipts = async (messageId) => {
      looking ??= settled(50).finally(() => {
        looking = undefined;
      });
      await looking;
      return store.receipts(messageId);
    };
    alice.in = receivingDevice({ ...alice.device, store: { ...store, receipts } });
    await alice.in.deliver(await receipt(bob, alice, has, message), await receipt(carol, alice, has, message));
    expect(await stateOf(alice, message)).toBe('delivered');
  });

  it('of who came later, and of who was never a member, say nothing  [security: receipt-side-channel]', async () => {
    const { world, message } = await written(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    const [late, outside] = [await world.newcomer(), await world.newcomer()];
    await world.know({ revision: 2, members: [alice, bob, late] }, [alice]);
    for (const other of [late, outside]) {
      await meetDevice(other.device, alice.device);
      await alice.in.deliver(await receipt(other, alice, read, message));
    }
    expect(await stateOf(alice, message)).toBe('sent');
    expect(await alice.device.store.receipts(message.id)).toEqual([]);
  });

  it('of somebody who had left before say nothing  [security: receipt-side-channel]', async () => {
    const world = await GroupWorld.of(3);
    const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
    for (const other of [bob, carol]) {
      await meetDevice(alice.device, other.device);
      await meetDevice(other.device, alice.device);
    }
    await world.connect(alice);
    await world.know({ revision: 2, members: [alice, bob] });
    await world.write(alice, 'who reads this?');
    await world.run();
    const [message] = (await world.messages(alice)) as [MessageRecord];
    await alice.in.deliver(await receipt(carol, alice, read, message));
    expect(await stateOf(alice, message)).toBe('sent');
    expect(await alice.device.store.receipts(message.id)).toEqual([]);
    await alice.in.deliver(await receipt(bob, alice, has, message));
    expect(await stateOf(alice, message)).toBe('delivered');
  });

  it('of somebody who has left since still count', async () => {
    const { world, message } = await written(3);
    const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
    const receipts = [await receipt(bob, alice, has, message), await receipt(carol, alice, has, message)];
    await world.know({ revision: 2, members: [alice, bob] }, [alice]);
    await alice.in.deliver(...receipts);
    expect(await stateOf(alice, message)).toBe('delivered');
  });
});

describe('a message to a group that nobody has confirmed', () => {
  const expiry = ({ device }: GroupPerson) =>
    new Expiry({ executor: device.executor, store: device.store, clock: device.clock });
  const long = Number.MAX_SAFE_INTEGER - graceAfterExpiry;

  it('has expired when a member gives receipts', async () => {
    const { world, message } = await written(3);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    await alice.in.deliver(await delivered(bob.device, alice.device, { seq: 1, text: { body: 'hi' } }));
    await expiry(alice).mark(long);
    expect(await stateOf(alice, message)).toBe('expired');
    expect(told(alice, 'message.expired')).toBe(1);
  });

  it('stays sent when nobody does, and when somebody has it', async () => {
    const quiet = await written(3);
    const [alice] = quiet.world.people as [GroupPerson];
    await expiry(alice).mark(long);
    expect(await stateOf(alice, quiet.message)).toBe('sent');
    const { world, message } = await written(3);
    const [author, bob] = world.people as [GroupPerson, GroupPerson];
    await author.in.deliver(await receipt(bob, author, has, message));
    await expiry(author).mark(long);
    expect(await stateOf(author, message)).toBe('sent');
    expect(await author.device.store.expiring('sent', long, 9)).toEqual([]);
  });
});

it('progress counts one person, too', async () => {
  const { world } = await written(2);
  const [alice, bob] = world.people as [GroupPerson, GroupPerson];
  const own = { senderId: alice.device.account.userId, receiverId: bob.device.account.userId } as const;
  const chat = alice.out.chat(own.receiverId);
  await alice.device.executor.run([], (overlay) => {
    overlay.put('message', messageRecord({ ...own, id: messageIdOf(1), chatId: chat.id, state: 'delivered' }));
    overlay.put('receipt', { messageId: messageIdOf(1), userId: own.receiverId, state: 'delivered', at: 1 });
    overlay.put('message', messageRecord({ ...own, id: messageIdOf(2), chatId: chat.id, state: 'queued', seq: 2 }));
  });
  const people = [{ userId: own.receiverId, state: 'delivered', at: 1 }];
  expect(await chat.progress({ id: messageIdOf(1) })).toEqual({ recipients: 1, delivered: 1, read: 0, people });
  expect(await chat.progress({ id: messageIdOf(2) })).toEqual({ recipients: 0, delivered: 0, read: 0, people: [] });
});
