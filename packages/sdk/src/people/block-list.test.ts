import { describe, expect, it } from 'vitest';
import { userIdOf } from '../../test/numbered-uuid.ts';
import { delivered } from '../../test/receiving-device.ts';
import { type SendingDevice, sendingDevice } from '../../test/sending-device.ts';
import { meetDevice, randomness, type TestDevice, testDevice } from '../../test/test-device.ts';
import { settled } from '../../test/turn-of-events.ts';
import { type TwoSided, twoSided } from '../../test/two-sided.ts';
import { addHiddenContent, addHiddenRow } from '../outbox/hidden-row.ts';
import type { GroupId, MessageId, UserId } from '../ports/ids.ts';
import { RetryAnswerer } from '../repair/retry-answer.ts';
import { BlockList } from './block-list.ts';
import { newUser } from './blocked.ts';

interface Blocking extends TwoSided {
  readonly list: BlockList;
  readonly userId: UserId;
  /** How often a rotation was asked for. */
  readonly rotations: () => number;
  readonly nextProfileKey: () => Promise<Uint8Array | undefined>;
}

function listOf({ executor, store, clock, origin }: TestDevice, { outbox }: SendingDevice, onRotationDue: () => void) {
  return new BlockList({ executor, store, outbox, origin, clock, randomness, onRotationDue });
}

async function blocking(): Promise<Blocking> {
  const sides = await twoSided();
  const { bob, sender, alice } = sides;
  let rotations = 0;
  const list = listOf(bob, sender, () => rotations++);
  return {
    ...sides,
    list,
    userId: alice.account.userId,
    rotations: () => rotations,
    nextProfileKey: async () => (await bob.store.get('account', {}))?.nextProfileKey,
  };
}

describe('what somebody who is blocked sends', () => {
  it('is acked, counted and forgotten, and the session goes on', async () => {
    const { alice, bob, userId, sender, list, inbox, hear, hearTexts, waiting, facts } = await blocking();
    await sender.chat(userId).accept();
    await hearTexts(1, 1);
    await list.block(userId);
    const before = facts('message.received', 'chat.read', 'envelope.held').length;
    await hearTexts(2, 40);
    await hear({ receipt: { kind: 1, messageIds: [new Uint8Array(16)], at: 1 } });
    expect(facts('message.received', 'chat.read', 'envelope.held')).toHaveLength(before);
    expect(inbox.acked).toHaveLength(1 + 39 + 1);
    expect(inbox.inbox.dropped).toBe(40);
    expect(await inbox.heldReasons()).toEqual([]);
    expect(await waiting()).toEqual([]);
    await list.unblock(userId);
    await hearTexts(41, 41);
    expect(await inbox.texts(alice)).toEqual(['1', '41']);
    expect(await bob.store.get('user', { id: userId })).toMatchObject({ blockedAt: undefined });
    expect(facts('contact.blocked', 'contact.unblocked').map(({ type }) => type)).toEqual([
      'contact.blocked',
      'contact.unblocked',
    ]);
  });

  it('is not held when it can not be opened, and what was held of them goes', async () => {
    const { alice, bob, userId, list, inbox, facts } = await blocking();
    const broken = async () => {
      const tampering = { plaintext: new Uint8Array(160) };
      return delivered(alice, bob, { seq: 1, text: { body: 'x' } }, tampering);
    };
    await inbox.deliver(await broken());
    expect(await inbox.heldReasons()).toEqual(['malformed-content']);
    await list.block(userId);
    expect(await inbox.heldReasons()).toEqual([]);
    expect(facts('envelope.dropped')).toMatchObject([{ reason: 'malformed-content' }]);
    await inbox.deliver(await broken());
    expect(await inbox.heldReasons()).toEqual([]);
    expect(inbox.inbox.dropped).toBe(1);
  });

  it('a request to send again among it, is not answered', async () => {
    const { alice, bob, userId, sender, list } = await blocking();
    const message = await sender.chat(userId).send('hello');
    await list.block(userId);
    const answerer = new RetryAnswerer({ store: bob.store, receipts: sender.receipts, origin: bob.origin });
    const request = { messageId: message.id, deviceId: bob.account.deviceId, ratchetKey: undefined, number: 1 };
    const answer = await bob.executor.run([], (overlay) =>
      answerer.answer(overlay, alice.address, request as never, { now: bob.clock.now(), relayNow: bob.clock.now() }),
    );
    expect(answer).toBe('blocked');
  });
});

describe('to somebody who is blocked', () => {
  it('nothing is sent: what waits fails, what is new is refused', async () => {
    const { bob, userId, sender, list, hearTexts, facts } = await blocking();
    const chat = sender.chat(userId);
    await hearTexts(1, 1);
    const message = await chat.send('waits');
    await list.block(userId);
    expect(await bob.store.outboxChats()).toEqual([]);
    expect((await chat.history()).messages.at(-1)).toMatchObject({ state: 'failed', failure: 'blocked' });
    expect(facts('message.failed')).toMatchObject([{ messageId: message.id, code: 'blocked' }]);
    await expect(chat.send('new')).rejects.toMatchObject({ code: 'blocked' });
    await expect(chat.accept()).rejects.toMatchObject({ code: 'blocked' });
    const [first] = (await chat.history()).messages;
    if (first) await chat.markRead(first);
    expect(await bob.store.outboxChats()).toEqual([]);
    // Should anything be queued all the same, it does not leave.
    await bob.executor.run([], (overlay) => addHiddenContent(overlay, bob.origin(), userId, {}, 1));
    await sender.connect();
    await sender.run();
    expect(sender.relay.stored).toEqual([]);
    expect(await bob.store.outboxChats()).toEqual([]);
  });

  it('nothing is sent when another own device has blocked them: what waits here fails', async () => {
    const { bob, userId, sender, facts } = await blocking();
    const message = await sender.chat(userId).send('waits');
    // As the word of another device is applied.
    await bob.executor.run([], async (overlay) => {
      const user = (await overlay.get('user', { id: userId })) ?? newUser(userId, 1);
      overlay.put('user', { ...user, blockedAt: 1 });
    });
    await sender.connect();
    await sender.run();
    expect(sender.relay.stored).toEqual([]);
    expect(await bob.store.outboxChats()).toEqual([]);
    expect(await bob.store.get('message', message)).toMatchObject({ state: 'failed', failure: 'blocked' });
    expect(facts('message.failed')).toMatchObject([{ messageId: message.id, code: 'blocked' }]);
  });

  it('what was sealed before does not leave again with the next connection', async () => {
    const { alice, bob, userId, sender } = await blocking();
    await sender.connect();
    await sender.chat(userId).send('on its way');
    await settled();
    expect(sender.relay.stored).toHaveLength(1);
    // Started anew, it finds what was sealed, and sends it as it is.
    const again = sendingDevice(bob, sender.relay, () => meetDevice(bob, alice));
    await again.connect();
    await settled();
    expect(again.relay.stream?.sends).toHaveLength(1);
    await listOf(bob, again, () => undefined).block(userId);
    again.disconnect();
    await again.connect();
    await again.run();
    expect(again.relay.stream?.sends).toEqual([]);
    expect(again.failures).toEqual([]);
  });

  it('what serves a group that both are in still goes', async () => {
    const { bob, userId, list } = await blocking();
    const groupId = userIdOf(77) as string as GroupId;
    const row = { kind: 'content', messageId: userIdOf(5) as string as MessageId, content: new Uint8Array(8) } as const;
    await bob.executor.run([], (overlay) => {
      const hidden = addHiddenRow(overlay, userId, row, 1);
      overlay.put('outbox', { ...hidden, groupId });
    });
    await list.block(userId);
    expect(await bob.store.outbox(userId as never, 0, 10)).toHaveLength(1);
  });
});

describe('the profile key', () => {
  it('is to be another one when they may know it, and is the same one until it is in use', async () => {
    const { bob, userId, sender, list, rotations, nextProfileKey } = await blocking();
    await sender.chat(userId).send('hello');
    await list.block(userId);
    const next = await nextProfileKey();
    expect(next).toHaveLength(32);
    expect(next).not.toEqual(bob.account.profileKey);
    expect(rotations()).toBe(1);
    await list.block(userId);
    expect(rotations()).toBe(1);
    const other = await testDevice();
    await sender.chat(other.account.userId).send('hello');
    await list.block(other.account.userId);
    expect(await nextProfileKey()).toEqual(next);
  });

  it('stays when they never got it', async () => {
    const { userId, list, hearTexts, nextProfileKey } = await blocking();
    await hearTexts(1, 1);
    await list.block(userId);
    expect(await nextProfileKey()).toBeUndefined();
  });

  it('is no business of a device without the root key', async () => {
    const { bob, userId, sender, list, nextProfileKey } = await blocking();
    await bob.executor.run([], (overlay) => overlay.put('account', { ...bob.account, rootSecret: undefined }));
    await sender.chat(userId).send('hello');
    await list.block(userId);
    expect(await nextProfileKey()).toBeUndefined();
  });
});

describe('the list', () => {
  it('has them all, the last one first, also people who never wrote', async () => {
    const { bob, list } = await blocking();
    for (const number of [1, 2, 3]) {
      bob.clock.advance(1);
      await list.block(userIdOf(number));
    }
    await list.unblock(userIdOf(2));
    expect((await list.list()).map(({ userId }) => userId)).toEqual([userIdOf(3), userIdOf(1)]);
  });

  it('takes neither the own id nor what is none', async () => {
    const { bob, list } = await blocking();
    await expect(list.block(bob.account.userId)).rejects.toMatchObject({ code: 'recipient-invalid' });
    await expect(list.block('somebody' as never)).rejects.toMatchObject({ code: 'argument-invalid' });
    await expect(list.unblock(7 as never)).rejects.toMatchObject({ code: 'argument-invalid' });
    expect(await list.list()).toEqual([]);
  });
});
