import type { NewAccount } from '../ports/account-store.ts';
import type { NewDevice } from '../ports/device-store.ts';
import type { DeviceAddress } from '../ports/ids.ts';
import type { RelayStores } from '../ports/relay-stores.ts';
import { type HarnessMaker, hex, refusalOf, suite } from './harness.ts';
import { listOf, someJoin } from './join-samples.ts';
import { day, mail, roomy } from './mail-samples.ts';
import type { Runner } from './runner.ts';
import { ecPrekey, signedPrekey, someAccount, someBytes, someDevice, someEnding, start } from './samples.ts';

type Stores = Pick<RelayStores, 'accounts' | 'control' | 'devices' | 'tokens' | 'prekeys' | 'mailbox'>;

const today = start - (start % day);

function rotation(refresh: Uint8Array) {
  return { refresh, next: someBytes(32), access: someBytes(32), accessExpiresAt: start + 1000, now: start };
}

/** What every `DeviceStore` must hold, together with the stores that change with it. */
export function deviceStoreConformance(runner: Runner, maker: HarnessMaker<Stores>): void {
  const { expect } = runner;

  async function joined(stores: Stores): Promise<{ account: NewAccount; join: NewDevice }> {
    const account = someAccount();
    await stores.accounts.register(account);
    const join = someJoin(account);
    expect(await stores.devices.join(join)).toBe('joined');
    return { account, join };
  }

  async function standings({ accounts }: Stores, account: NewAccount) {
    return (await accounts.deviceList(account.userId))?.devices.map(({ standing }) => standing);
  }

  suite(runner, 'DeviceStore', maker, ({ check, checkWith }) => {
    check('a device joins with list, mailbox, prekeys and token at once', async ({ stores }) => {
      const { account, join } = await joined(stores);
      const list = await stores.accounts.deviceList(account.userId);
      expect(list?.devices).toEqual(join.deviceList.devices);
      expect(hex(list?.signed)).toBe(hex(join.deviceList.signed));
      expect(await stores.prekeys.left(join.device)).toEqual({ ec: 2, kyber: 1 });
      expect((await stores.prekeys.take(join.device))?.signedPrekey.id).toBe(1);
      expect(await stores.tokens.rotate(rotation(join.refreshTokenHash))).toEqual({
        status: 'rotated',
        device: join.device,
      });
      await stores.mailbox.append(mail(join.device), roomy);
      expect((await stores.mailbox.usage(join.device)).count).toBe(1);
      const found = await stores.devices.joined(join.idempotencyKey);
      expect(found?.device).toEqual(join.device);
      expect(hex(found?.requestHash)).toBe(hex(join.requestHash));
      // The others keep what they had.
      expect(await stores.prekeys.left(account.device)).toEqual({ ec: 3, kyber: 2 });
      expect((await stores.tokens.rotate(rotation(account.refreshTokenHash))).status).toBe('rotated');
    });

    check('the same request again is known; the key with another is not', async ({ stores }) => {
      const { account, join } = await joined(stores);
      expect(await stores.devices.join(join)).toBe('repeated');
      const other = { ...someJoin(account), idempotencyKey: join.idempotencyKey };
      expect(await stores.devices.join(other)).toBe('idempotency-mismatch');
      expect(await stores.devices.joined(someBytes(16))).toBe(undefined);
    });

    check('a list that is not the next one changes nothing  [security: device-injection]', async ({ stores }) => {
      const { account, join } = await joined(stores);
      for (const version of [1, 2, 4]) {
        const late = someJoin(account, {
          device: someDevice(3, account.userId),
          deviceList: listOf(account, version, [2, 3]),
        });
        expect(await stores.devices.join(late)).toBe('conflict');
        expect(await stores.devices.joined(late.idempotencyKey)).toBe(undefined);
        expect(await stores.tokens.rotate(rotation(late.refreshTokenHash))).toEqual({ status: 'unknown' });
      }
      expect(hex((await stores.accounts.deviceList(account.userId))?.signed)).toBe(hex(join.deviceList.signed));
      expect(await stores.devices.join(someJoin(someAccount()))).toBe('unknown');
    });

    check('of parallel devices one takes the next version', async ({ stores }) => {
      const account = someAccount();
      await stores.accounts.register(account);
      const joins = Array.from({ length: 10 }, () => someJoin(account));
      const outcomes = await Promise.all(joins.map((join) => stores.devices.join(join)));
      expect(outcomes.filter((outcome) => outcome === 'joined').length).toBe(1);
      expect(outcomes.filter((outcome) => outcome === 'conflict').length).toBe(9);
      const list = await stores.accounts.deviceList(account.userId);
      expect(hex(list?.signed)).toBe(hex(joins[outcomes.indexOf('joined')]?.deviceList.signed));
    });

    check('a used refresh token or prekeys of one id change nothing', async ({ stores }) => {
      const account = someAccount();
      await stores.accounts.register(account);
      const used = someJoin(account, { refreshTokenHash: account.refreshTokenHash });
      expect(await refusalOf(stores.devices.join(used))).toBe('request-malformed');
      const twice = someJoin(account);
      const clash = { ...twice, prekeys: { ...twice.prekeys, prekeys: [ecPrekey(1), ecPrekey(1)] } };
      expect(await refusalOf(stores.devices.join(clash))).toBe('prekey-conflict');
      expect((await stores.accounts.deviceList(account.userId))?.version).toBe(1);
      expect(await stores.devices.join(someJoin(account))).toBe('joined');
    });

    check('a device that is taken off the list is not known by its request any more', async ({ stores }) => {
      const { account, join } = await joined(stores);
      const { accounts, devices } = stores;
      expect(await accounts.replaceDeviceList(account.userId, listOf(account, 3, []))).toBe('stored');
      expect(await devices.joined(join.idempotencyKey)).toBe(undefined);
      expect(await devices.join(join)).toBe('conflict');
      const end = { status: 'ended', reason: 'revoked' };
      expect(await stores.tokens.rotate(rotation(join.refreshTokenHash))).toEqual(end);
    });

    check('the end of an account ends what is known of its devices', async ({ stores }) => {
      const { account, join } = await joined(stores);
      const owner = { userId: account.userId, listHash: join.deviceList.hash };
      expect(await stores.control.end({ ...someEnding(account), ...owner })).toBe('ended');
      expect(await stores.devices.joined(join.idempotencyKey)).toBe(undefined);
      expect(await stores.devices.sightings(account.userId)).toEqual([]);
      expect(await stores.devices.join(join)).toBe('unknown');
    });

    check(
      'another identity key ends the prekeys of all devices but the one that brings its own',
      async ({ stores }) => {
        const { account, join } = await joined(stores);
        const { accounts, prekeys } = stores;
        const taken = await prekeys.take(account.device);
        expect(taken?.prekey?.id).toBe(1);
        const next = { ...join.deviceList, version: 3, identityKey: someBytes(33), signed: someBytes(100) };
        const renewed = {
          signedPrekey: signedPrekey(7),
          lastResortKyberPrekey: signedPrekey(8),
          prekeys: [ecPrekey(9)],
          kyberPrekeys: [],
        };
        const clash = { deviceId: 1, prekeys: { ...renewed, prekeys: [ecPrekey(1)] } };
        expect(await refusalOf(accounts.replaceDeviceList(account.userId, next, clash))).toBe('prekey-conflict');
        expect((await accounts.deviceList(account.userId))?.version).toBe(2);
        expect(await prekeys.left(account.device)).toEqual({ ec: 2, kyber: 1 });

        const renewal = { deviceId: 1, prekeys: renewed };
        expect(await accounts.replaceDeviceList(account.userId, next, renewal)).toBe('stored');
        expect(await standings(stores, account)).toEqual([undefined, 'keyless']);
        expect(await prekeys.take(join.device)).toBe(undefined);
        expect(await prekeys.left(join.device)).toEqual({ ec: 0, kyber: 0 });
        expect(await prekeys.left(account.device)).toEqual({ ec: 1, kyber: 0 });
        const bundle = await prekeys.take(account.device);
        expect([bundle?.signedPrekey.id, bundle?.prekey?.id, bundle?.kyberPrekey.id]).toEqual([7, 9, 8]);
        // Mail for it is kept, and its session goes on.
        await stores.mailbox.append(mail(join.device), roomy);
        expect((await stores.mailbox.usage(join.device)).count).toBe(1);
        expect((await stores.tokens.rotate(rotation(join.refreshTokenHash))).status).toBe('rotated');
      },
    );

    check('keys under the identity key before are not stored, and new ones end keylessness', async ({ stores }) => {
      const { account, join } = await joined(stores);
      const { accounts, prekeys } = stores;
      const { identityKey: before } = account.deviceList;
      const identityKey = someBytes(33);
      await accounts.replaceDeviceList(account.userId, { ...join.deviceList, version: 3, identityKey });
      const standing = { signedPrekey: signedPrekey(7), lastResortKyberPrekey: signedPrekey(8) };
      expect(await prekeys.put(join.device, standing, 10, before)).toBe('outdated');
      expect(await prekeys.take(join.device)).toBe(undefined);
      expect(await prekeys.put(join.device, { prekeys: [ecPrekey(9)] }, 10, identityKey)).toBe('stored');
      expect(await standings(stores, account)).toEqual(['keyless', 'keyless']);
      expect(await prekeys.put(join.device, standing, 10, identityKey)).toBe('stored');
      expect(await standings(stores, account)).toEqual(['keyless', undefined]);
      expect((await prekeys.take(join.device))?.prekey?.id).toBe(9);
    });

    check('days of devices are kept where there are several, and idle ones are marked once', async ({ stores }) => {
      const { account, join } = await joined(stores);
      const alone = someAccount();
      await stores.accounts.register(alone);
      const { devices } = stores;
      const seen = (lastSeenDay: number | undefined, deviceId: number) => ({ deviceId, lastSeenDay });
      expect(await devices.sightings(account.userId)).toEqual([seen(today, 1), seen(today, 2)]);
      expect(await devices.heard([alone.device, someDevice()], start)).toEqual([]);
      expect(await devices.sightings(alone.userId)).toEqual([seen(undefined, 1)]);

      expect(await devices.markIdle(start)).toEqual([]);
      expect(await devices.heard([join.device], start + 2 * day)).toEqual([]);
      expect(await devices.sightings(account.userId)).toEqual([seen(today, 1), seen(today + 2 * day, 2)]);
      // The clock went back: what was seen stays seen.
      await devices.heard([join.device], start);
      expect(await devices.markIdle(today + 2 * day)).toEqual([]);
      expect(await standings(stores, account)).toEqual([undefined, undefined]);
      expect(await devices.markIdle(today + 3 * day)).toEqual([join.device]);
      expect(await devices.markIdle(today + 3 * day)).toEqual([]);
      expect(await standings(stores, account)).toEqual([undefined, 'idle']);

      expect(await devices.heard([account.device, join.device], start + 4 * day)).toEqual([join.device]);
      expect(await standings(stores, account)).toEqual([undefined, undefined]);
      expect(await devices.heard([join.device], start + 4 * day)).toEqual([]);
    });

    check('who comes to be the primary is not idle, and alone has no day', async ({ stores }) => {
      const { account, join } = await joined(stores);
      await stores.devices.markIdle(start + 9 * day);
      const devices = join.deviceList.devices.filter(({ deviceId }) => deviceId === 2);
      await stores.accounts.replaceDeviceList(account.userId, { ...join.deviceList, version: 3, devices });
      expect(await standings(stores, account)).toEqual([undefined]);
      expect(await stores.devices.sightings(account.userId)).toEqual([{ deviceId: 2, lastSeenDay: undefined }]);
    });

    checkWith('reopen', 'joins, days and standings outlive a restart', async (harness) => {
      const { account, join } = await joined(harness.stores);
      await harness.stores.devices.markIdle(start + 9 * day);
      await harness.reopen();
      const { devices } = harness.stores;
      expect(await devices.join(join)).toBe('repeated');
      expect(await standings(harness.stores, account)).toEqual([undefined, 'idle']);
      const found: DeviceAddress | undefined = (await devices.joined(join.idempotencyKey))?.device;
      expect(found).toEqual(join.device);
      expect((await devices.sightings(account.userId)).map(({ lastSeenDay }) => lastSeenDay)).toEqual([today, today]);
    });
  });
}
