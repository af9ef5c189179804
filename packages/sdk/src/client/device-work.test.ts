import { fromBase64Url } from '@sotto/proto';
import { expect, it } from 'vitest';
import { PrivateKey } from '#libsignal';
import { randomness, sha256, type TestDevice, testDevice } from '../../test/test-device.ts';
import { rootKeyOf } from '../accounts/recovery-key.ts';
import { rootSecretOf } from '../accounts/standing.ts';
import { signDeviceList, verifyDeviceList } from '../devices/device-list.ts';
import { noteHeard } from '../devices/heard-devices.ts';
import { nextList } from '../devices/next-list.ts';
import { defaultPlatform } from '../platform/platform.node.ts';
import type { DeviceId } from '../ports/ids.ts';
import type { AuthorizedClient } from '../transport/http-client.ts';
import { DeviceWork } from './device-work.ts';

const day = 86_400_000;
const long = 45 * day;

/** A phone whose account has four more devices, all of which the relay calls idle: one linked lately, the others long ago. */
async function phone() {
  const made: TestDevice = await testDevice();
  const { account, executor, clock, store } = made;
  const now = clock.now();
  const before = verifyDeviceList(account.deviceList, account.userId, sha256);
  const linked = (deviceId: number, addedAt: number) => ({
    deviceId: deviceId as DeviceId,
    registrationId: 9,
    deviceKey: PrivateKey.generate().getPublicKey().serialize(),
    addedAt,
  });
  const old = now - 2 * long;
  const devices = [...before.devices, linked(2, old), linked(3, old), linked(4, old), linked(5, now - long + 1)];
  const deviceList = signDeviceList(nextList(before, { devices, createdAt: now }), rootKeyOf(rootSecretOf(account)));
  await executor.run([], (overlay) => overlay.put('account', { ...account, deviceList }));
  const stored: Uint8Array[] = [];
  const stream = { isLive: true };
  const http: AuthorizedClient = {
    authorized: async ({ method, body }) => {
      if (method === 'GET') {
        const standings = devices.map(({ deviceId }) => ({ deviceId, idle: true, keyless: false, lastSeenDay: 0 }));
        return { devices: standings } as never;
      }
      const list = fromBase64Url(JSON.parse(String(body)).deviceList);
      stored.push(list);
      return { deviceList: list } as never;
    },
  };
  const failures: unknown[] = [];
  const work = new DeviceWork({
    platform: { ...defaultPlatform(), clock, randomness },
    store,
    executor,
    http,
    origin: made.origin,
    ended: new AbortController().signal,
    learnDevices: async () => undefined,
    caughtUp: async () => stream.isLive,
    onAccount: async () => undefined,
    onTakenOver: async () => undefined,
    noteInGroups: async () => undefined,
    onQueued: () => undefined,
    onFailure: (error) => void failures.push(error),
  });
  const hear = (deviceId: number, at: number) =>
    executor.run([], (overlay) => noteHeard(overlay, deviceId as DeviceId, at));
  const done = async () => {
    await work.stop();
    expect(failures).toEqual([]);
    return stored.map((list) => verifyDeviceList(list, account.userId, sha256).devices.map(({ deviceId }) => deviceId));
  };
  return { work, hear, done, now, stream };
}

it('takes off of what the relay calls idle only what it has not heard of itself', async () => {
  const { work, hear, done, now } = await phone();
  await hear(2, now - long + 1);
  await hear(3, now - long);
  work.idle();
  expect(await done()).toEqual([[1, 2, 5]]);
});

it('looks once all that they have said is there', async () => {
  const { work, hear, done, now, stream } = await phone();
  stream.isLive = false;
  work.idle();
  expect(await done()).toEqual([]);
  await hear(2, now);
  stream.isLive = true;
  work.drained();
  expect(await done()).toEqual([[1, 2, 5]]);
  work.drained();
  expect(await done()).toHaveLength(1);
});
