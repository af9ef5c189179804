import { describe, expect, it } from 'vitest';
import { ModelRelay } from '../../test/model-relay.ts';
import { receivingDevice } from '../../test/receiving-device.ts';
import { noGroups, sendingDevice } from '../../test/sending-device.ts';
import { deliveredOf, meetDevice, testDevice } from '../../test/test-device.ts';
import { twoSided } from '../../test/two-sided.ts';
import { ownWordsTo } from '../outbox/own-words.ts';
import type { AuthorizedClient } from '../transport/http-client.ts';
import { Chats } from './chats.ts';

const offline: AuthorizedClient = { authorized: () => Promise.reject(new Error('there is no relay here')) };

describe('a chat that is muted', () => {
  it('says so in the list and with each message, until the time is over', async () => {
    const { alice, bob, sender, hearTexts, facts } = await twoSided();
    const chats = new Chats({ ...sender.parts, http: offline, groupChat: noGroups });
    const chat = sender.chat(alice.account.userId);
    await chat.accept();
    await chat.mute(bob.clock.now() + 1_000);
    const listed = async () => (await chats.list()).chats[0];
    expect(await listed()).toMatchObject({ muted: true, mutedUntil: bob.clock.now() + 1_000 });
    await hearTexts(1, 1);
    bob.clock.advance(1_000);
    expect(await listed()).toMatchObject({ muted: false, mutedUntil: undefined, unread: 1 });
    await hearTexts(2, 2);
    await chat.mute('forever');
    bob.clock.advance(1_000_000_000_000);
    expect(await listed()).toMatchObject({ muted: true, mutedUntil: 'forever' });
    await hearTexts(3, 3);
    await chat.mute(undefined);
    await chat.mute(undefined);
    expect(await listed()).toMatchObject({ muted: false });
    expect(facts('message.received')).toMatchObject([{ muted: true }, { muted: false }, { muted: true }]);
    expect(facts('chat.changed')).toHaveLength(4);
  });

  it('is not muted until a time that is over, as that of somebody who counts from now', async () => {
    const { alice, bob, sender } = await twoSided();
    const chat = sender.chat(alice.account.userId);
    for (const until of [60, bob.clock.now()]) {
      await expect(chat.mute(until)).rejects.toMatchObject({
        code: 'argument-invalid',
        message: expect.stringContaining('milliseconds since 1970'),
      });
    }
    await chat.mute(bob.clock.now() + 1);
  });

  it.each([[-1], [1.5], [Number.NaN], ['always'], [new Date()]])('is not muted until %j', async (until) => {
    const { alice, sender } = await twoSided();
    const call = () => sender.chat(alice.account.userId).mute(until as never);
    await expect(call()).rejects.toMatchObject({ code: 'argument-invalid' });
  });
});

describe('receipts of a chat', () => {
  it('are not given where it says so, and what is sent says so, too', async () => {
    const { alice, bob, sender, hearTexts, waiting } = await twoSided();
    const chat = sender.chat(alice.account.userId);
    await chat.accept();
    await chat.setReceipts(false);
    await hearTexts(1, 2);
    const [, second] = (await chat.history()).messages;
    if (second) await chat.markRead(second);
    expect(await waiting()).toEqual([]);
    const words = () =>
      bob.executor.run([], (overlay) =>
        ownWordsTo(overlay, { ...bob.origin(), now: 1 }, chat.id, alice.account.userId),
      );
    expect(await words()).toMatchObject({ returnsReceipts: false });
    await chat.setReceipts(undefined);
    await hearTexts(3, 3);
    expect((await waiting()).map(({ receipt }) => receipt?.messageIds?.length)).toEqual([1]);
    expect(await words()).toMatchObject({ returnsReceipts: true });
  });

  it('are given in one chat of a client that gives none', async () => {
    const quiet = await testDevice({ returnsReceipts: false });
    const alice = await testDevice();
    const relay = new ModelRelay();
    const sender = sendingDevice(quiet, relay, () => meetDevice(quiet, alice));
    const chat = sender.chat(alice.account.userId);
    await chat.setReceipts(true);
    await chat.send('hello');
    await sender.connect();
    await sender.run();
    const inbox = receivingDevice(alice);
    await inbox.deliver(...relay.stored.flatMap(({ send }) => deliveredOf(send, quiet.address, 1)));
    expect(await alice.store.get('user', { id: quiet.account.userId })).toMatchObject({ returnsReceipts: true });
  });

  it.each([[null], ['no'], [1]])('are not set to %j', async (receipts) => {
    const { alice, sender } = await twoSided();
    const call = () => sender.chat(alice.account.userId).setReceipts(receipts as never);
    await expect(call()).rejects.toMatchObject({ code: 'argument-invalid' });
  });
});
