import { fromBase64Url } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { PrivateKey } from '#libsignal';
import { logger, randomness, reopened, sha256, type TestDevice, testDevice } from '../../test/test-device.ts';
import { rootKeyOf } from '../accounts/recovery-key.ts';
import { rootSecretOf } from '../accounts/standing.ts';
import type { DeviceId } from '../ports/ids.ts';
import { SottoError } from '../sotto-error.ts';
import type { AuthorizedClient } from '../transport/http-client.ts';
import { type CheckedDeviceList, type ListedDevice, signDeviceList, verifyDeviceList } from './device-list.ts';
import { openDeviceName, sealDeviceName } from './device-name.ts';
import { Devices } from './devices.ts';
import { formatLink } from './link-code.ts';
import { nextList } from './next-list.ts';
import { OwnDevices } from './own-devices.ts';

/** A relay that stores every list that it is asked to, as long as it is there. */
class ListRelay {
  isAway = false;
  readonly lists: Uint8Array[] = [];
  readonly http: AuthorizedClient = {
    authorized: async ({ path, body }) => {
      if (path === '/v1/devices/codes') return { code: randomness.bytes(32), expiresInMs: 120_000 } as never;
      if (path !== '/v1/devices') return undefined as never;
      if (this.isAway) throw new SottoError('relay-unreachable', 'away', { retryable: true });
      const deviceList = fromBase64Url(JSON.parse(String(body)).deviceList);
      this.lists.push(deviceList);
      return { deviceList } as never;
    },
  };
}

/** A phone, whose account has two more devices with names. */
async function phone(): Promise<TestDevice> {
  const made = await testDevice();
  const { account, executor } = made;
  const before = verifyDeviceList(account.deviceList, account.userId, sha256);
  const named = (deviceId: number, name: string): ListedDevice => ({
    deviceId: deviceId as DeviceId,
    registrationId: 9,
    deviceKey: PrivateKey.generate().getPublicKey().serialize(),
    sealedName: sealDeviceName(name, account.profileKey, randomness),
  });
  const devices = [...before.devices, named(2, 'Tablet'), named(3, 'Laptop')];
  const deviceList = signDeviceList(nextList(before, { devices, createdAt: 5 }), rootKeyOf(rootSecretOf(account)));
  const grown = { ...account, deviceList };
  await executor.run([], (overlay) => overlay.put('account', grown));
  return { ...made, account: grown };
}

function ownDevices(
  { executor, store, clock }: TestDevice,
  relay: ListRelay,
  learnDevices = async (): Promise<void> => undefined,
): OwnDevices {
  return new OwnDevices({
    executor,
    queries: store,
    http: relay.http,
    clock,
    randomness,
    sha256,
    logger,
    tracer: { reached: () => undefined },
    learnDevices,
    onAccount: async () => undefined,
    onTakenOver: () => undefined,
  });
}

const without = (deviceId: number) => (before: CheckedDeviceList) => ({
  devices: before.devices.filter((device) => device.deviceId !== deviceId),
  newIdentity: true,
});

async function keysOf({ store }: TestDevice) {
  const account = await store.get('account', {});
  return { profileKey: account?.profileKey, nextProfileKey: account?.nextProfileKey };
}

describe('a revocation', () => {
  it('makes another profile key in the commit of its list: no crash has one without the other  [security: sealed-sends]', async () => {
    const owner = await phone();
    const relay = new ListRelay();
    relay.isAway = true;
    const { commits } = owner.store;
    await expect(ownDevices(owner, relay).change(without(3))).rejects.toMatchObject({ code: 'relay-unreachable' });
    const made = commits.findIndex((commit) => commit.some(({ kind }) => kind === 'listIntent'));
    expect(commits[made]?.map(({ kind }) => kind)).toContain('account');
    const kept = await reopened(owner);
    const { profileKey, nextProfileKey } = await keysOf(kept);
    expect(profileKey).toEqual(owner.account.profileKey);
    expect(nextProfileKey).toHaveLength(32);

    // Opened again it goes on with the same list and key.
    relay.isAway = false;
    await ownDevices(kept, relay).settle();
    expect(await keysOf(kept)).toEqual({ profileKey, nextProfileKey });
    const stored = verifyDeviceList(relay.lists.at(-1) ?? new Uint8Array(), owner.account.userId, sha256);
    expect(stored.devices.map(({ deviceId }) => deviceId)).toEqual([1, 2]);
    const nameUnder = (key: Uint8Array = new Uint8Array(32)) => openDeviceName(stored.devices[1]?.sealedName, key);
    expect([nameUnder(profileKey), nameUnder(nextProfileKey)]).toEqual(['', 'Tablet']);
  });

  it('that is not written down leaves the key as it is', async () => {
    const owner = await phone();
    owner.disk.full = true;
    await expect(ownDevices(owner, new ListRelay()).change(without(3))).rejects.toMatchObject({
      code: 'store-unavailable',
    });
    owner.disk.full = false;
    expect(await keysOf(owner)).toEqual({ profileKey: owner.account.profileKey, nextProfileKey: undefined });
    expect(await owner.store.get('listIntent', {})).toBeUndefined();
  });

  it('after another one keeps the key that nobody was told of yet, and the names that are under it', async () => {
    const owner = await phone();
    const relay = new ListRelay();
    const own = ownDevices(owner, relay);
    await own.change(without(3));
    const first = await keysOf(owner);
    await own.change((before) => ({ ...without(9)(before), newIdentity: true }));
    expect(await keysOf(owner)).toEqual(first);
    const { list } = await own.list();
    expect(openDeviceName(list.devices[1]?.sealedName, first.nextProfileKey ?? new Uint8Array(32))).toBe('Tablet');
  });
});

it('a device is called by a name under the key that is in use when its list is signed, however long the user thinks', async () => {
  const owner = await phone();
  const relay = new ListRelay();
  const own = ownDevices(owner, relay);
  const devices = new Devices({ own, http: relay.http, randomness, assertRunning: () => undefined });
  const profileKey = randomness.bytes(32);
  const deviceKey = PrivateKey.generate().getPublicKey().serialize();
  const code = {
    linkId: randomness.bytes(16),
    deviceKey,
    registrationId: 7,
    secret: randomness.bytes(16),
    name: 'Phone',
  };
  await devices.link(formatLink(code), {
    confirm: async () => {
      // Meanwhile a new profile key comes into use.
      await owner.executor.run([], (overlay) => overlay.put('account', { ...owner.account, profileKey }));
      return true;
    },
  });
  const intent = await owner.store.get('listIntent', {});
  const list = verifyDeviceList(intent?.signed ?? new Uint8Array(), owner.account.userId, sha256);
  expect(openDeviceName(list.devices[3]?.sealedName, profileKey)).toBe('Phone');
  // And under the one that waits, where one does: names are not sealed anew once it is in use.
  const nextProfileKey = randomness.bytes(32);
  await owner.executor.run([], async (overlay) => {
    overlay.put('account', { ...owner.account, profileKey, nextProfileKey });
    overlay.delete('listIntent', {});
  });
  await devices.rename(2 as DeviceId, 'Kitchen');
  const renamed = verifyDeviceList(relay.lists.at(-1) ?? new Uint8Array(), owner.account.userId, sha256);
  expect(openDeviceName(renamed.devices[1]?.sealedName, nextProfileKey)).toBe('Kitchen');
});

it('a change that was begun is finished as it was, and nothing is asked for when none was', async () => {
  const owner = await phone();
  const relay = new ListRelay();
  let asked = 0;
  const own = ownDevices(owner, relay, async () => void asked++);
  await own.finish();
  relay.isAway = true;
  const begun = own.change(({ devices }) => ({ devices: devices.slice(0, 2), newIdentity: true }));
  await expect(begun).rejects.toMatchObject({ code: 'relay-unreachable' });
  const intent = await owner.store.get('listIntent', {});
  relay.isAway = false;
  await own.finish();
  expect(relay.lists).toEqual([intent?.signed]);
  await own.finish();
  expect([relay.lists.length, asked]).toEqual([1, 0]);
});

it('a list without a new identity key keeps the profile key', async () => {
  const owner = await phone();
  const relay = new ListRelay();
  await ownDevices(owner, relay).change(({ devices }) => ({ devices: devices.slice(0, 2), newIdentity: false }));
  expect(relay.lists).toHaveLength(1);
  expect(await keysOf(owner)).toEqual({ profileKey: owner.account.profileKey, nextProfileKey: undefined });
});

it('the own list is asked for until it was given, then once a minute for each reason: whoever names a later one may lie', async () => {
  const owner = await phone();
  await owner.executor.run([], (overlay) => overlay.put('account', { ...owner.account, rootSecret: undefined }));
  let asked = 0;
  let isAway = true;
  const own = ownDevices(owner, new ListRelay(), async () => {
    asked++;
    if (isAway) throw new SottoError('relay-unreachable', 'away', { retryable: true });
  });
  for (const because of ['due', 'due', 'named'] as const) {
    await expect(own.settle({}, because)).rejects.toMatchObject({ code: 'relay-unreachable' });
  }
  expect(asked).toBe(3);
  isAway = false;
  await own.settle();
  await own.settle();
  expect(asked).toBe(4);
  for (let times = 0; times < 9; times++) await own.settle({}, 'named');
  expect(asked).toBe(5);
  owner.clock.advance(60_000);
  await own.settle({}, 'named');
  expect(asked).toBe(6);
});
