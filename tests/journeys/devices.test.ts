import type { SottoEvent } from '@sotto/sdk';
import { describe, expect, it } from 'vitest';
import { chatOf, groupOf, hasMembers, idOf, sees } from './group-watch.ts';
import { exchange, JourneyWorld } from './journey-world.ts';
import { anotherDevice, toldOfDevices } from './linked-person.ts';
import { failureOf, type Person } from './person.ts';

const textsWith = async (person: Person, other: Person) =>
  (await person.history(other)).map(({ text, outgoing }) => (outgoing ? `> ${text}` : text));

describe('a second device of somebody', () => {
  it('is linked by a code, and talks: both ways, and each knows what the other has written and read', async () => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const [alice, bob] = [await world.person(), await world.person()];
    await exchange(alice, bob);
    const tablet = await anotherDevice(world, alice, 'Tablet');
    const devices = await alice.client.devices.list();
    expect(devices.map(({ deviceId, name, primary, current }) => [deviceId, name, primary, current])).toEqual([
      [1, '', true, true],
      [2, 'Tablet', false, false],
    ]);
    await bob.say(alice, 'to both of you');
    const onPhone = await alice.received('to both of you');
    const onTablet = await tablet.received('to both of you');
    expect(onPhone.id).toBe(onTablet.id);

    const written = await tablet.say(bob, 'from the tablet', 'delivered');
    await alice.told('message.sent', written);
    await alice.told('message.delivered', written);
    const answered = await alice.say(bob, 'from the phone', 'delivered');
    await tablet.told('message.delivered', answered);
    const texts = ['to both of you', '> from the tablet', '> from the phone'];
    expect(await textsWith(tablet, bob)).toEqual(texts);
    expect((await textsWith(alice, bob)).slice(-3)).toEqual(texts);

    await (await tablet.chat(bob)).markRead(onTablet);
    await world.watch.until(() => alice.events.some(({ type }) => type === 'chat.read'));
    expect(await alice.state(onPhone)).toBe('seen');
    await (await alice.chat(bob)).mute('forever');
    await world.watch.until(() => tablet.events.some(({ type }) => type === 'chat.changed'));
    const { userId } = await alice.chat(bob);
    expect((await tablet.observed.store().get('chat', { id: userId as never }))?.mutedUntil).toBe(
      Number.MAX_SAFE_INTEGER,
    );
    await tablet.client.block(userId);
    await world.watch.until(() => alice.events.some(({ type }) => type === 'contact.blocked'));
    expect((await alice.client.blocked()).map((one) => one.userId)).toEqual([userId]);
  });

  it('is told that a request was declined, and what the stranger says next is a new one on both', async () => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const [alice, bob] = [await world.person(), await world.person()];
    const tablet = await anotherDevice(world, alice, 'Tablet');
    await bob.say(alice, 'buy something');
    for (const device of [alice, tablet]) await device.received('buy something');
    const request = async ({ client }: Person) => (await client.chats.requests()).chats[0]?.chat;
    const found = await request(alice);
    if (found?.type !== 'person') throw new Error('the stranger has no request');
    await found.decline();
    expect(await request(alice)).toBeUndefined();
    await expect.poll(() => request(tablet), { timeout: 10_000 }).toBeUndefined();
    await bob.say(alice, 'again');
    for (const device of [alice, tablet]) {
      await device.received('again');
      const messages = (await (await request(device))?.history())?.messages;
      expect(messages?.map(({ text }) => text)).toEqual(['again']);
    }
  });

  it('accepts a request: the others tell its author of what came to them alone, too', async () => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const [alice, bob] = [await world.person(), await world.person()];
    const written = await bob.say(alice, 'do you have this?');
    await alice.received('do you have this?');
    const tablet = await anotherDevice(world, alice, 'Tablet');
    const { client } = tablet;
    await expect.poll(async () => (await client.chats.requests()).chats.length, { timeout: 10_000 }).toBe(1);
    const [request] = (await client.chats.requests()).chats;
    if (request?.chat.type !== 'person') throw new Error('the tablet knows of no request');
    await request.chat.accept();
    await bob.told('message.delivered', written);
    expect((await request.chat.history()).messages).toEqual([]);
  });

  it('writes into a group: on the others it is an own message, which nobody is notified of, and goes up with receipts', async () => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const [alice, bob] = [await world.person(), await world.person()];
    const group = await groupOf(world, alice, bob);
    const tablet = await anotherDevice(world, alice, 'Tablet');
    await sees(world, tablet, group, hasMembers(2));
    await (await chatOf(bob, group)).accept();
    await (await chatOf(tablet, group)).send('from the tablet');
    const atBob = await bob.received('from the tablet');
    await (await chatOf(bob, group)).markRead(atBob);
    const wasRead = ({ type }: SottoEvent) => type === 'message.read';
    await world.watch.until(() => [alice, tablet].every(({ events }) => events.some(wasRead)));
    for (const device of [alice, tablet]) {
      const chat = await chatOf(device, group);
      const [message] = (await chat.history()).messages;
      expect(message).toMatchObject({ text: 'from the tablet', outgoing: true, state: 'read', senderDevice: 2 });
      const people = [{ userId: idOf(bob), state: 'read', at: expect.any(Number) }];
      expect(await chat.progress({ id: atBob.id })).toEqual({ recipients: 1, delivered: 1, read: 1, people });
      expect(device.events.filter(({ type }) => type === 'message.received')).toEqual([]);
      const summary = (await device.client.chats.list()).chats.find(({ chat: { id } }) => id === group.id);
      expect(summary?.unread).toBe(0);
    }
    await (await chatOf(alice, group)).leave();
    await sees(world, tablet, group, ({ standing }) => standing === 'left');
  });

  it('is revoked: it gets nothing more, the others go on under another identity key, and contacts are told', async () => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const [alice, bob] = [await world.person(), await world.person()];
    await exchange(alice, bob);
    const tablet = await anotherDevice(world, alice, 'Tablet');
    const laptop = await anotherDevice(world, alice, 'Laptop');
    await world.watch.until(() => toldOfDevices(tablet, 'device.linked').includes('Laptop'));
    await bob.say(alice, 'to three of you');
    for (const device of [alice, tablet, laptop]) await device.received('to three of you');
    expect(await failureOf(tablet.client.devices.revoke(3 as never))).toMatchObject({ code: 'primary-only' });

    const before = await bob.observed.store().get('identity', { userId: alice.client.account?.userId as never });
    await alice.client.devices.revoke(3 as never);
    await world.watch.until(() => laptop.client.connection === 'ended');
    for (const device of [alice, tablet]) {
      await world.watch.until(() => toldOfDevices(device, 'device.removed').includes('Laptop'));
    }
    await bob.say(alice, 'to two of you');
    for (const device of [alice, tablet]) await device.received('to two of you');
    await world.watch.until(() => bob.events.some(({ type }) => type === 'identity.changed'));
    const after = await bob.observed.store().get('identity', { userId: alice.client.account?.userId as never });
    expect(after?.key).not.toEqual(before?.key);
    for (const [at, device] of [alice, tablet].entries()) {
      const written = await device.say(bob, `after it, ${at}`, 'delivered');
      const other = device === alice ? tablet : alice;
      await other.told('message.sent', written);
    }
    expect(laptop.incoming().map(({ text }) => text)).not.toContain('to two of you');
  });
});
