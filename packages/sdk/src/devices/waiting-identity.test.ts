import { fromBase64Url } from '@sotto/proto';
import { expect, it } from 'vitest';
import { IdentityKeyPair, PrivateKey } from '#libsignal';
import { logger, randomness, sha256, testDevice } from '../../test/test-device.ts';
import { rootKeyOf } from '../accounts/recovery-key.ts';
import { rootSecretOf } from '../accounts/standing.ts';
import { asBuffer } from '../crypto/as-buffer.ts';
import { peerLock } from '../crypto/ratchet.ts';
import type { DeviceId } from '../ports/ids.ts';
import { acceptDeviceList } from './accept-device-list.ts';
import { type CheckedDeviceList, type ListedDevice, signDeviceList, verifyDeviceList } from './device-list.ts';
import { nextList } from './next-list.ts';
import { OwnDevices } from './own-devices.ts';

const another = (deviceId: number): ListedDevice => ({
  deviceId: deviceId as DeviceId,
  registrationId: 9,
  deviceKey: PrivateKey.generate().getPublicKey().serialize(),
});

const publicOf = (pair: Uint8Array) => IdentityKeyPair.deserialize(asBuffer(pair)).publicKey.serialize();

/** A phone that has taken a device off, and was stopped before it could take the new identity key over. */
async function revoking() {
  const phone = await testDevice();
  const { account, executor, store, clock } = phone;
  const { userId } = account;
  const one = verifyDeviceList(account.deviceList, userId, sha256);
  const devices = [...one.devices, another(2), another(3)];
  const deviceList = signDeviceList(nextList(one, { devices, createdAt: 5 }), rootKeyOf(rootSecretOf(account)));
  await executor.run([peerLock(userId)], async (overlay) => {
    overlay.put('account', { ...account, deviceList });
    await acceptDeviceList(overlay, deviceList, userId, sha256);
  });
  let isStopped = true;
  const own = new OwnDevices({
    executor: {
      run: (locks, act, options) =>
        isStopped && options?.after === 'device-list.taken-over'
          ? Promise.reject(new Error('stopped'))
          : executor.run(locks, act, options),
    } as typeof executor,
    queries: store,
    http: {
      authorized: async ({ body }) => ({ deviceList: fromBase64Url(JSON.parse(String(body)).deviceList) }) as never,
    },
    clock,
    randomness,
    sha256,
    logger,
    tracer: { reached: () => undefined },
    learnDevices: async () => undefined,
    onAccount: async () => undefined,
    onTakenOver: () => undefined,
  });
  const change = own.change((before) => ({ devices: before.devices.slice(0, 2), newIdentity: true }));
  await expect(change).rejects.toThrow('stopped');
  expect((await store.get('account', {}))?.identityKeyPair).toEqual(account.identityKeyPair);
  isStopped = false;
  const waiting = verifyDeviceList(
    (await store.get('deviceList', { userId }))?.signed ?? new Uint8Array(),
    userId,
    sha256,
  );
  return { account, store, own, waiting };
}

it.each([
  ['a device is renamed', ({ devices }: CheckedDeviceList) => ({ devices, newIdentity: false })],
  [
    'another one is revoked',
    (before: CheckedDeviceList) => ({ devices: before.devices.slice(0, 1), newIdentity: true }),
  ],
])(
  'a new identity key that is not taken over yet is not lost when %s  [security: device-injection]',
  async (_, then) => {
    const { account, store, own, waiting } = await revoking();
    const { userId } = account;
    await own.change(then);
    await own.settle();
    const now = await store.get('account', {});
    if (now === undefined) throw new Error('the account is gone');
    const pair = IdentityKeyPair.deserialize(asBuffer(now.identityKeyPair));
    expect(pair.publicKey.serialize()).toEqual(verifyDeviceList(now.deviceList, userId, sha256).identityKey);
    expect(pair.privateKey.getPublicKey().serialize()).toEqual(pair.publicKey.serialize());
    // Others have written under the one that waited, too, since they knew of its list.
    const has = [now.identityKeyPair, ...now.formerIdentities.map(({ identityKeyPair }) => identityKeyPair)].map(
      publicOf,
    );
    expect(has).toContainEqual(waiting.identityKey);
    expect(has).toContainEqual(publicOf(account.identityKeyPair));
    expect(await store.get('listIntent', {})).toBeUndefined();
  },
);

it('a device that is linked meanwhile is given the new identity key, which its list names', async () => {
  const { account, own } = await revoking();
  const given: { list: Uint8Array; pair: Uint8Array }[] = [];
  await own.invite(
    ({ devices }) => ({ devices: [...devices, another(4)], newIdentity: false }),
    async (list, { identityKeyPair: pair }) => {
      given.push({ list, pair });
    },
  );
  const [only] = given;
  if (only === undefined) throw new Error('nothing was given');
  const { publicKey } = IdentityKeyPair.deserialize(asBuffer(only.pair));
  expect(publicKey.serialize()).toEqual(verifyDeviceList(only.list, account.userId, sha256).identityKey);
});
