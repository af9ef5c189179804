import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange, JourneyWorld } from './journey-world.ts';
import { anotherDevice, toldOfDevices } from './linked-person.ts';
import { failureOf, type Person } from './person.ts';
import { TappedSockets } from './tapped-sockets.ts';

let world: JourneyWorld;

beforeAll(async () => {
  world = await JourneyWorld.open({ stores: 'memory' });
});

afterAll(() => world[Symbol.asyncDispose]());

/** A new device that shows its code, and what comes of it. */
async function showing(
  name: string,
): Promise<{ readonly device: Person; readonly code: string; readonly linked: Promise<unknown> }> {
  const device = world.newcomer();
  await device.open();
  const { promise: code, resolve } = Promise.withResolvers<string>();
  const linked = device.client.linkDevice({ name, onCode: resolve });
  return { device, code: await code, linked };
}

describe('a code for linking', () => {
  it('works once: who scans it again is told so, whoever it is  [security: linking-phishing]', async () => {
    const [alice, mallory] = [await world.person(), await world.person()];
    const { device, code, linked } = await showing('Tablet');
    const asked: string[] = [];
    const confirm = ({ name }: { readonly name: string }) => asked.push(name) > 0;
    await alice.client.devices.link(code, { confirm });
    await linked;
    await device.live();
    await world.watch.until(() => toldOfDevices(alice, 'device.linked').includes('Tablet'));
    for (const again of [alice, mallory]) {
      expect(await failureOf(again.client.devices.link(code, { confirm }))).toMatchObject({ code: 'link-expired' });
    }
    expect((await mallory.client.devices.list()).length).toBe(1);
    // The second try of Alice ends before she is asked: the device is hers.
    expect(asked).toEqual(['Tablet', 'Tablet']);
    expect(device.client.account?.userId).toBe(alice.client.account?.userId);
  });

  it('does nothing unless the user says that the device is theirs  [security: linking-phishing]', async () => {
    const alice = await world.person();
    const { device, code, linked } = await showing('Not hers');
    expect(await alice.client.devices.link(code, { confirm: () => false })).toBeUndefined();
    expect((await alice.client.devices.list()).length).toBe(1);
    const typed = failureOf(alice.client.devices.link(code, { confirm: async () => 'yes' as never }));
    expect(await typed).toMatchObject({ code: 'argument-invalid' });
    expect((await alice.client.devices.list()).length).toBe(1);
    await alice.client.devices.link(code, { confirm: () => true });
    await linked;
    await device.live();
  });

  it('that somebody else scans first draws nobody into their account: the new device asks its user  [security: linking-phishing]', async () => {
    const [alice, mallory] = [await world.person(), await world.person()];
    const device = world.newcomer();
    await device.open();
    const asked: unknown[] = [];
    const link = (by: Person) =>
      device.client.linkDevice({
        name: 'Tablet',
        onCode: (code) => void by.client.devices.link(code, { confirm: () => true }),
        confirm: (account) => {
          asked.push(account);
          return account.userId === alice.client.account?.userId;
        },
      });
    expect(await failureOf(link(mallory))).toMatchObject({ code: 'link-declined' });
    const typed = device.client.linkDevice({
      name: 'Tablet',
      onCode: (code) => void alice.client.devices.link(code, { confirm: () => true }),
      confirm: async () => 'no' as never,
    });
    expect(await failureOf(typed)).toMatchObject({ code: 'argument-invalid' });
    expect(device.client.account).toBeUndefined();
    expect((await mallory.client.devices.list()).map(({ deviceId }) => deviceId)).toEqual([1]);
    await link(alice);
    expect(asked).toMatchObject([{ number: mallory.phone }, { number: alice.phone }]);
    expect(asked[1]).toEqual({
      userId: alice.client.account?.userId,
      number: alice.phone,
      username: alice.client.account?.username,
    });
    await device.live();
  });

  it('is refused on a linked device, and when it is none', async () => {
    const alice = await world.person();
    const tablet = await anotherDevice(world, alice, 'Tablet');
    const { code, linked, device } = await showing('Laptop');
    expect(await failureOf(tablet.client.devices.link(code, { confirm: () => true }))).toMatchObject({
      code: 'primary-only',
    });
    expect(await failureOf(alice.client.devices.link('sotto-link:AA', { confirm: () => true }))).toMatchObject({
      code: 'link-invalid',
    });
    for (const call of [tablet.client.deleteAccount(), tablet.client.devices.rename(2 as never, 'Mine')]) {
      expect(await failureOf(call)).toMatchObject({ code: 'primary-only' });
    }
    expect(() => tablet.client.recoveryKey()).toThrow(expect.objectContaining({ code: 'primary-only' }));
    const ended = linked.catch((error: unknown) => error);
    await device.stop();
    expect(await ended).toMatchObject({ code: 'client-stopped' });
  });
});

describe('the devices of somebody change', () => {
  it('between two attempts of one message: one is linked, one revoked, and all who are there get it once', async () => {
    const sockets = new TappedSockets(() => world.watch.changed());
    const alice = await world.person();
    const bob = await world.person({ platform: { sockets: sockets.factory } });
    const laptop = await anotherDevice(world, alice, 'Laptop');
    await exchange(alice, bob);
    sockets.cutOff();
    await world.watch.until(() => bob.client.connection !== 'live');
    await bob.say(alice, 'written before', 'queued');
    const tablet = await anotherDevice(world, alice, 'Tablet');
    await alice.client.devices.revoke(2 as never);
    await world.watch.until(() => laptop.client.connection === 'ended');
    sockets.reach();
    await world.watch.until(() => bob.client.connection === 'live');
    for (const device of [alice, tablet]) await device.received('written before');
    for (const device of [alice, tablet]) {
      expect(device.incoming().filter(({ text }) => text === 'written before')).toHaveLength(1);
    }
    expect(laptop.incoming().map(({ text }) => text)).not.toContain('written before');
    await expect.poll(() => alice.observed.isQuiet()).toBe(true);
  });

  it('and a new one knows people, settings and groups, and is in the groups; a revoked one is out of what follows  [security: removed-member]', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    await exchange(alice, bob);
    const { userId } = await alice.chat(bob);
    await (await alice.chat(bob)).mute('forever');
    const group = await alice.client.groups.create({ title: 'Three', members: [userId] });
    const tablet = await anotherDevice(world, alice, 'Tablet');
    await world.watch.until(() =>
      tablet.events.some((event) => event.type === 'chat.created' && event.chatId === group.id),
    );
    const { chats } = await tablet.client.chats.list();
    expect(chats.find(({ chat }) => chat.id === (userId as string))).toMatchObject({ accepted: true });
    const there = await tablet.client.groups.get(group.groupId);
    await there?.send('from the tablet, to all');
    await bob.received('from the tablet, to all');
    const before = (await alice.observed.store().get('group', { id: group.groupId }))?.state;
    await alice.client.devices.revoke(2 as never);
    await world.watch.until(() => tablet.client.connection === 'ended');
    await world.watch.until(() => bob.events.some(({ type }) => type === 'identity.changed'));
    expect((await alice.observed.store().get('group', { id: group.groupId }))?.state).not.toEqual(before);
  });
});
