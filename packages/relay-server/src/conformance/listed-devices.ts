import type { NewAccount, StoredDeviceList } from '../ports/account-store.ts';
import type { UserId } from '../ports/ids.ts';
import { type ListedDevices, listedDevice } from '../ports/listed-devices.ts';
import type { RelayStores } from '../ports/relay-stores.ts';
import { type HarnessMaker, suite } from './harness.ts';
import { listOf, someJoin } from './join-samples.ts';
import type { Runner } from './runner.ts';
import { ownerOf, someAccount, someDevice, someEnding, someList, someNumber, someUser, start } from './samples.ts';

type Stores = Pick<RelayStores, 'accounts' | 'control' | 'devices'> & { readonly listed: ListedDevices };

/** The next list of an account with the devices of the one before. */
function nextOf({ deviceList }: NewAccount, version: number, devices = deviceList.devices): StoredDeviceList {
  const { identityKey, rootKey } = deviceList;
  return { ...someList(version, []), identityKey, rootKey, devices };
}

/** What every `ListedDevices` must hold, together with the stores by which lists change. */
export function listedDevicesConformance(runner: Runner, maker: HarnessMaker<Stores>): void {
  const { expect } = runner;

  /** The incarnations of a user's devices by id; the status when there are none. */
  async function incarnations({ listed }: Stores, userId: UserId): Promise<ReadonlyMap<number, string> | string> {
    const user = await listed.of(userId);
    return user.status === 'listed' ? user.incarnations : user.status;
  }

  async function device(stores: Stores, userId: UserId, deviceId: number): Promise<string | undefined> {
    return listedDevice(await stores.listed.of(userId), someDevice(deviceId, userId))?.incarnation;
  }

  async function registered({ accounts }: Stores, change: Partial<NewAccount> = {}): Promise<NewAccount> {
    const account = someAccount(change);
    await accounts.register(account);
    return account;
  }

  suite(runner, 'ListedDevices', maker, ({ check, checkWith }) => {
    check('of who was never registered every device is there, without an incarnation', async ({ stores }) => {
      const userId = someUser();
      expect(await incarnations(stores, userId)).toBe('unknown');
      expect([await device(stores, userId, 1), await device(stores, userId, 77)]).toEqual(['', '']);
      const refused = await registered(stores, { recovers: true });
      expect(await incarnations(stores, refused.userId)).toBe('unknown');
    });

    check('each device has an incarnation of its own, and keeps it while it is listed', async ({ stores }) => {
      const [account, other] = [await registered(stores), await registered(stores)];
      const first = await device(stores, account.userId, 1);
      expect([typeof first, first === '']).toEqual(['string', false]);
      expect(first === (await device(stores, other.userId, 1))).toBe(false);
      expect(await device(stores, account.userId, 2)).toBe(undefined);

      expect(await stores.devices.join(someJoin(account))).toBe('joined');
      const both = await incarnations(stores, account.userId);
      expect(both instanceof Map && [...both.keys()].sort()).toEqual([1, 2]);
      expect(await device(stores, account.userId, 1)).toBe(first);
      const second = await device(stores, account.userId, 2);
      expect([second === first, second === undefined, second === '']).toEqual([false, false, false]);

      // Another identity key, and another profile, are nothing to it.
      const { devices } = listOf(account, 2, []);
      const list = (await stores.accounts.deviceList(account.userId))?.devices ?? devices;
      const rotated = { ...someList(3, []), devices: list };
      expect(await stores.accounts.replaceDeviceList(account.userId, rotated)).toBe('stored');
      expect(await incarnations(stores, account.userId)).toEqual(both);
    });

    check('a device that is taken off the list is gone', async ({ stores }) => {
      const account = await registered(stores);
      await stores.devices.join(someJoin(account));
      const first = await device(stores, account.userId, 1);
      expect((await device(stores, account.userId, 2)) === undefined).toBe(false);
      expect(await stores.accounts.replaceDeviceList(account.userId, nextOf(account, 3))).toBe('stored');
      expect(await device(stores, account.userId, 2)).toBe(undefined);
      expect(await incarnations(stores, account.userId)).toEqual(new Map([[1, first]]));
    });

    check('under another registration a device is another one  [security: device-injection]', async ({ stores }) => {
      const account = await registered(stores);
      const join = someJoin(account);
      await stores.devices.join(join);
      const [first, second] = [await device(stores, account.userId, 1), await device(stores, account.userId, 2)];
      // In one step.
      const again = listOf(account, 3, [2]);
      expect(await stores.accounts.replaceDeviceList(account.userId, again)).toBe('stored');
      const third = await device(stores, account.userId, 2);
      expect([third === second, third === undefined]).toEqual([false, false]);
      // Off the list and back on it, under the registration that it had first.
      await stores.accounts.replaceDeviceList(account.userId, nextOf(account, 4));
      await stores.devices.join(someJoin(account, { deviceList: nextOf(account, 5, join.deviceList.devices) }));
      const fourth = await device(stores, account.userId, 2);
      expect([fourth === second, fourth === third, fourth === undefined]).toEqual([false, false, false]);
      expect(await device(stores, account.userId, 1)).toBe(first);
    });

    check('an account that was taken back has other devices, under the same address too', async ({ stores }) => {
      const account = await registered(stores);
      const { userId, numberMac } = account;
      const first = await device(stores, userId, 1);
      const change = { userId, numberMac, deviceList: { ...account.deviceList, version: 2 }, recovers: true };
      expect(await stores.accounts.register(someAccount(change))).toEqual({ status: 'recovered' });
      const next = await device(stores, userId, 1);
      expect([next === first, next === undefined]).toEqual([false, false]);
    });

    check('an account that its owner ended has ended', async ({ stores }) => {
      const account = await registered(stores);
      expect(await stores.control.end(someEnding(account))).toBe('ended');
      expect(await incarnations(stores, account.userId)).toBe('ended');
      expect(await device(stores, account.userId, 1)).toBe(undefined);
    });

    check('an account whose number another one got has ended, and who got it is listed', async ({ stores }) => {
      const account = await registered(stores);
      const { numberMac } = account;
      const next = await registered(stores, { numberMac });
      expect(await incarnations(stores, account.userId)).toBe('ended');
      expect((await device(stores, next.userId, 1)) === undefined).toBe(false);

      const mover = await registered(stores);
      const before = await incarnations(stores, mover.userId);
      const lock = { secretMac: undefined, now: start, idleMs: 1 };
      const { numberCiphertext } = mover;
      const to = async (mac: NewAccount['numberMac']) =>
        (await stores.control.moveNumber({ ...ownerOf(mover), numberMac: mac, numberCiphertext, lock })).status;
      expect(await to(numberMac)).toBe('moved');
      expect(await incarnations(stores, next.userId)).toBe('ended');
      expect(await to(someNumber())).toBe('moved');
      expect(await incarnations(stores, mover.userId)).toEqual(before);
    });

    check('of many at once each is told as it is', async ({ stores }) => {
      const accounts = await Promise.all(Array.from({ length: 8 }, () => registered(stores)));
      const gone = new Set(accounts.slice(0, 3).map(({ userId }) => userId));
      for (const account of accounts.slice(0, 3)) await stores.control.end(someEnding(account));
      const users = [...accounts.map(({ userId }) => userId), someUser()];
      const found = await Promise.all(users.map(async (userId) => (await stores.listed.of(userId)).status));
      expect(found).toEqual([...accounts.map(({ userId }) => (gone.has(userId) ? 'ended' : 'listed')), 'unknown']);
    });

    checkWith('reopen', 'incarnations outlive a restart, and so do ends', async (harness) => {
      const [account, ended] = [await registered(harness.stores), await registered(harness.stores)];
      const before = await incarnations(harness.stores, account.userId);
      await harness.stores.control.end(someEnding(ended));
      await harness.reopen();
      expect(await incarnations(harness.stores, account.userId)).toEqual(before);
      expect(await incarnations(harness.stores, ended.userId)).toBe('ended');
    });
  });
}
