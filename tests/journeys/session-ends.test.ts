import type { SessionEnd } from '@sotto/sdk';
import { describe, expect, it } from 'vitest';
import { JourneyWorld } from './journey-world.ts';
import { anotherDevice } from './linked-person.ts';
import { failureOf, type Person } from './person.ts';

/** What whoever holds a device learns of the end of its session: by the event, by errors, and by errors after a restart. */
async function learns(world: JourneyWorld, device: Person): Promise<readonly (SessionEnd | string | undefined)[]> {
  const end = () =>
    device.events.flatMap((event) =>
      event.type === 'connection.changed' && event.state === 'ended' ? [event.reason] : [],
    );
  await world.watch.until(() => end().length > 0 && device.client.account === undefined);
  const now = await failureOf(device.client.profile.set({ username: 'Me' }));
  expect([device.client.connection, device.client.endReason]).toEqual(['ended', now.endReason]);
  const { client } = device;
  await device.stop();
  expect(client.connection).toBe('stopped');
  await device.open();
  // As no empty store looks, without a call that throws.
  expect([device.client.account, device.client.connection, device.client.endReason]).toEqual([
    undefined,
    'ended',
    now.endReason,
  ]);
  const later = await failureOf(device.client.profile.set({ username: 'Me' }));
  for (const { code } of [now, later]) expect(code).toBe('session-ended');
  expect(later.message).toBe(now.message);
  return [...end(), now.endReason, later.endReason];
}

describe('why a session has ended, as its device is told', () => {
  it.each(['connected', 'away'])('it was revoked while it was %s', async (where) => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const alice = await world.person();
    const tablet = await anotherDevice(world, alice, 'Tablet');
    const { deviceId } = tablet.client.account ?? {};
    if (deviceId === undefined) throw new Error('the tablet has no account');
    if (where === 'away') await tablet.stop();
    await alice.client.devices.revoke(deviceId);
    if (where === 'away') await tablet.open();
    expect(await learns(world, tablet)).toEqual(['device-revoked', 'device-revoked', 'device-revoked']);
    await tablet.client.linkDevice({
      name: 'Tablet',
      onCode: (code) => void alice.client.devices.link(code, { confirm: () => true }),
    });
    await tablet.live();
    expect(tablet.client.endReason).toBeUndefined();
  });

  it.each(['another account', 'the account of before'])('the number was registered anew, for %s', async (whose) => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const alice = await world.person();
    const recoveryKey = alice.client.recoveryKey();
    const next = await world.nextPhone(alice);
    await next.register(whose === 'another account' ? {} : { recoveryKey });
    expect(await learns(world, alice)).toEqual(['account-replaced', 'account-replaced', 'account-replaced']);
  });

  it('the account was deleted: the device that did it, and another one of it', async () => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const alice = await world.person();
    const tablet = await anotherDevice(world, alice, 'Tablet');
    await alice.client.deleteAccount();
    for (const device of [alice, tablet])
      expect(await learns(world, device)).toEqual(['account-deleted', 'account-deleted', 'account-deleted']);
  });
});
