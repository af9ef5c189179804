import type { NewAccount } from '../ports/account-store.ts';
import type { RelayStores } from '../ports/relay-stores.ts';
import { type HarnessMaker, hex, refusalOf, suite } from './harness.ts';
import type { Runner } from './runner.ts';
import {
  ecPrekey,
  signedPrekey,
  someAccount,
  someBytes,
  someDevice,
  someList,
  someNumber,
  someUser,
  start,
} from './samples.ts';

type Stores = Pick<RelayStores, 'accounts' | 'tokens' | 'prekeys' | 'mailbox'>;

const day = 86_400_000;
const roomy = { count: 100, bytes: 100_000, strangerCount: 100, strangerBytes: 100_000 };

function rotation(refresh: Uint8Array) {
  return { refresh, next: someBytes(32), access: someBytes(32), accessExpiresAt: start + 1000, now: start };
}

/** Mail from one device to another, under a send id. */
function mail(sender: NewAccount['device'], to: NewAccount['device'], sendId: Uint8Array = someBytes(16)) {
  const items = [{ deviceId: to.deviceId, envelope: someBytes(50) }];
  return {
    sender,
    sendId,
    recipients: [{ userId: to.userId, stranger: false, items }],
    acceptedAt: start,
    expiresAt: start + 30 * day,
  };
}

/** What every `AccountStore` must hold, together with the stores that change with it. */
export function accountStoreConformance(runner: Runner, maker: HarnessMaker<Stores>): void {
  const { expect } = runner;

  /** Nothing of a device is left in any store. */
  async function expectGone({ tokens, prekeys, mailbox }: Stores, device: NewAccount['device'], access: Uint8Array) {
    expect(await tokens.session(access, start)).toBe(undefined);
    expect(await prekeys.take(device)).toBe(undefined);
    expect(await prekeys.left(device)).toEqual({ ec: 0, kyber: 0 });
    expect(await mailbox.usage(device)).toEqual({
      count: 0,
      bytes: 0,
      strangerCount: 0,
      strangerBytes: 0,
      oldest: undefined,
    });
    expect(await mailbox.reader(device).next(10, start)).toEqual([]);
  }

  suite(runner, 'AccountStore', maker, ({ check, checkWith }) => {
    check('registration makes account, number, list, prekeys, profile and token at once', async ({ stores }) => {
      const account = someAccount();
      expect(await stores.accounts.register(account)).toEqual({ status: 'registered', replaced: undefined });
      expect(await stores.accounts.byNumbers([account.numberMac])).toEqual([account.userId]);
      const list = await stores.accounts.deviceList(account.userId);
      const { deviceList } = account;
      expect([list?.version, list?.devices]).toEqual([1, deviceList.devices]);
      expect([list?.signed, list?.hash, list?.rootKey, list?.identityKey].map(hex)).toEqual(
        [deviceList.signed, deviceList.hash, deviceList.rootKey, deviceList.identityKey].map(hex),
      );
      expect(hex(await stores.accounts.profile(account.userId))).toBe(hex(account.profile));
      expect(await stores.prekeys.left(account.device)).toEqual({ ec: 3, kyber: 2 });
      const rotated = await stores.tokens.rotate(rotation(account.refreshTokenHash));
      expect(rotated).toEqual({ status: 'rotated', device: account.device });
    });

    check('looks numbers up by position', async ({ stores: { accounts } }) => {
      const [one, other] = [someAccount(), someAccount()];
      for (const account of [one, other]) await accounts.register(account);
      const found = await accounts.byNumbers([someNumber(), other.numberMac, one.numberMac, other.numberMac]);
      expect(found).toEqual([undefined, other.userId, one.userId, other.userId]);
      expect(await accounts.byNumbers([])).toEqual([]);
    });

    check('the same request again is success and changes nothing', async ({ stores }) => {
      const account = someAccount();
      await stores.accounts.register(account);
      await stores.prekeys.take(account.device);
      for (let count = 0; count < 3; count++) {
        expect(await stores.accounts.register(account)).toEqual({ status: 'repeated' });
      }
      expect(await stores.prekeys.left(account.device)).toEqual({ ec: 2, kyber: 1 });
    });

    check('of parallel registrations with one key one registers, the others repeat', async ({ stores }) => {
      const account = someAccount();
      const outcomes = await Promise.all(Array.from({ length: 10 }, () => stores.accounts.register(account)));
      expect(outcomes.filter(({ status }) => status === 'registered').length).toBe(1);
      expect(outcomes.filter(({ status }) => status === 'repeated').length).toBe(9);
    });

    check('an idempotency key is bound to its request', async ({ stores: { accounts } }) => {
      const account = someAccount();
      await accounts.register(account);
      const other = someAccount({ idempotencyKey: account.idempotencyKey });
      expect(await accounts.register(other)).toEqual({ status: 'idempotency-mismatch' });
      expect(await accounts.deviceList(other.userId)).toBe(undefined);
    });

    check('a user id belongs to one account', async ({ stores: { accounts } }) => {
      const account = someAccount();
      await accounts.register(account);
      const other = someAccount({ userId: account.userId });
      expect(await accounts.register(other)).toEqual({ status: 'user-id-taken' });
      expect(await accounts.byNumbers([other.numberMac])).toEqual([undefined]);
      expect(hex(await accounts.profile(account.userId))).toBe(hex(account.profile));
    });

    check('a refused registration leaves nothing, and the number with who had it', async ({ stores }) => {
      const holder = someAccount();
      await stores.accounts.register(holder);
      const { numberMac } = holder;
      const clash = someAccount({ numberMac, prekeys: { prekeys: [ecPrekey(1), ecPrekey(1)] } });
      const kyberClash = someAccount({ numberMac, prekeys: { kyberPrekeys: [signedPrekey(1), signedPrekey(1)] } });
      const stolen = someAccount({ numberMac, refreshTokenHash: holder.refreshTokenHash });
      expect(await refusalOf(stores.accounts.register(clash))).toBe('prekey-conflict');
      expect(await refusalOf(stores.accounts.register(kyberClash))).toBe('prekey-conflict');
      expect(await refusalOf(stores.accounts.register(stolen))).toBe('request-malformed');
      for (const { userId } of [clash, kyberClash, stolen]) {
        expect(await stores.accounts.deviceList(userId)).toBe(undefined);
      }
      expect(await stores.accounts.byNumbers([numberMac])).toEqual([holder.userId]);
      expect((await stores.tokens.rotate(rotation(holder.refreshTokenHash))).status).toBe('rotated');
    });

    check('a replaced number inherits nothing, and the old account has nothing left', async ({ stores }) => {
      const [old, peer] = [someAccount(), someAccount()];
      for (const account of [old, peer]) await stores.accounts.register(account);
      const access = someBytes(32);
      const sent = someBytes(16);
      await stores.tokens.grant(old.device, access, start + 1000);
      await stores.mailbox.append(mail(peer.device, old.device), roomy);
      await stores.mailbox.append(mail(old.device, peer.device, sent), roomy);
      const next = someAccount({ numberMac: old.numberMac });
      expect(await stores.accounts.register(next)).toEqual({ status: 'registered', replaced: old.userId });

      await expectGone(stores, old.device, access);
      const end = { status: 'ended', reason: 'replaced' };
      expect(await stores.tokens.rotate(rotation(old.refreshTokenHash))).toEqual(end);
      expect(await stores.mailbox.recorded(old.device, sent)).toBe(undefined);
      expect(await stores.accounts.deviceList(old.userId)).toBe(undefined);
      expect(await stores.accounts.profile(old.userId)).toBe(undefined);
      expect(await stores.prekeys.put(old.device, { prekeys: [ecPrekey(1)] }, 10)).toBe('unknown');
      expect(await stores.accounts.byNumbers([old.numberMac])).toEqual([next.userId]);
      expect((await stores.mailbox.usage(next.device)).count).toBe(0);
      expect(hex(await stores.accounts.profile(next.userId))).toBe(hex(next.profile));
      // What it had sent to others stays with them.
      expect((await stores.mailbox.usage(peer.device)).count).toBe(1);
    });

    check('the user id of a replaced account is not given out again', async ({ stores: { accounts } }) => {
      const old = someAccount();
      await accounts.register(old);
      await accounts.register(someAccount({ numberMac: old.numberMac }));
      expect(await accounts.register(old)).toEqual({ status: 'user-id-taken' });
      expect(await accounts.register(someAccount({ userId: old.userId }))).toEqual({ status: 'user-id-taken' });
    });

    check('parallel registrations of one number leave one account with it', async ({ stores: { accounts } }) => {
      const numberMac = someNumber();
      const rivals = Array.from({ length: 10 }, () => someAccount({ numberMac }));
      const outcomes = await Promise.all(rivals.map((rival) => accounts.register(rival)));
      expect(outcomes.every(({ status }) => status === 'registered')).toBe(true);
      const lists = await Promise.all(rivals.map(({ userId }) => accounts.deviceList(userId)));
      expect(lists.filter((list) => list !== undefined).length).toBe(1);
      const [holder] = await accounts.byNumbers([numberMac]);
      expect(rivals.findIndex(({ userId }) => userId === holder)).toBe(lists.findIndex((list) => list !== undefined));
    });

    check('a device list is replaced by its next version alone', async ({ stores: { accounts } }) => {
      const { userId, ...account } = someAccount();
      await accounts.register({ ...account, userId });
      const next = { ...someList(2, [2]), devices: [...someList(2, [2]).devices, ...account.deviceList.devices] };
      for (const version of [0, 1, 3])
        expect(await accounts.replaceDeviceList(userId, { ...next, version })).toBe('conflict');
      expect(await accounts.replaceDeviceList(userId, next)).toBe('stored');
      expect(await accounts.replaceDeviceList(userId, next)).toBe('conflict');
      const stored = await accounts.deviceList(userId);
      expect([stored?.version, hex(stored?.signed), hex(stored?.hash)]).toEqual([2, hex(next.signed), hex(next.hash)]);
      expect(stored?.devices.map(({ deviceId }) => deviceId)).toEqual([1, 2]);
      expect(await accounts.replaceDeviceList(someUser(), next)).toBe('unknown');
    });

    check('of parallel next versions one is stored', async ({ stores: { accounts } }) => {
      const account = someAccount();
      await accounts.register(account);
      const lists = Array.from({ length: 10 }, () => ({ ...someList(2, []), devices: account.deviceList.devices }));
      const answers = await Promise.all(lists.map((list) => accounts.replaceDeviceList(account.userId, list)));
      expect(answers.filter((answer) => answer === 'stored').length).toBe(1);
      const stored = await accounts.deviceList(account.userId);
      expect(hex(stored?.signed)).toBe(hex(lists[answers.indexOf('stored')]?.signed));
    });

    check(
      'a device that leaves the list, or changes its registration, loses all; the others nothing',
      async ({ stores }) => {
        const account = someAccount();
        const { userId } = account;
        await stores.accounts.register(account);
        const added = someList(2, [2, 3]);
        const first = account.deviceList.devices;
        await stores.accounts.replaceDeviceList(userId, { ...added, devices: [...first, ...added.devices] });
        const [second, third] = [someDevice(2, userId), someDevice(3, userId)];
        const keys = { signedPrekey: signedPrekey(1), lastResortKyberPrekey: signedPrekey(1), prekeys: [ecPrekey(1)] };
        for (const device of [second, third]) {
          expect(await stores.prekeys.put(device, keys, 10)).toBe('stored');
          await stores.mailbox.append(mail(account.device, device), roomy);
        }
        await stores.mailbox.append(mail(second, account.device), roomy);
        const again = someList(3, [3]);
        const kept = { ...again, devices: [...first, ...again.devices] };
        expect(await stores.accounts.replaceDeviceList(userId, kept)).toBe('stored');
        for (const device of [second, third]) await expectGone(stores, device, someBytes(32));
        expect(await stores.prekeys.put(second, keys, 10)).toBe('unknown');
        expect(await stores.prekeys.put(third, keys, 10)).toBe('stored');
        expect((await stores.tokens.rotate(rotation(account.refreshTokenHash))).status).toBe('rotated');
        expect((await stores.mailbox.usage(account.device)).count).toBe(1);
      },
    );

    check('profiles are replaced, and unknown users have none', async ({ stores: { accounts } }) => {
      const account = someAccount();
      await accounts.register(account);
      const profile = someBytes(4096);
      expect(await accounts.putProfile(account.device, profile)).toBe('stored');
      expect(hex(await accounts.profile(account.userId))).toBe(hex(profile));
      expect(await accounts.putProfile(someDevice(), profile)).toBe('unknown');
      expect(await accounts.putProfile(someDevice(2, account.userId), someBytes(9))).toBe('unknown');
      expect(hex(await accounts.profile(account.userId))).toBe(hex(profile));
      expect(await accounts.profile(someUser())).toBe(undefined);
      expect(await accounts.deviceList(someUser())).toBe(undefined);
    });

    check('an access key hash comes with the account, and is replaced with a profile alone', async ({ stores }) => {
      const { accounts } = stores;
      const [account, older] = [someAccount(), someAccount({ accessKeyHash: undefined })];
      for (const each of [account, older]) await accounts.register(each);
      expect(hex(await accounts.accessKeyHash(account.userId))).toBe(hex(account.accessKeyHash));
      expect(await accounts.accessKeyHash(older.userId)).toBe(undefined);
      expect(await accounts.accessKeyHash(someUser())).toBe(undefined);
      await accounts.putProfile(account.device, someBytes(64));
      expect(hex(await accounts.accessKeyHash(account.userId))).toBe(hex(account.accessKeyHash));
      const next = someBytes(32);
      await accounts.putProfile(account.device, someBytes(64), next);
      expect(hex(await accounts.accessKeyHash(account.userId))).toBe(hex(next));
    });

    checkWith('reopen', 'accounts, lists, profiles and ended ids outlive a restart', async (harness) => {
      const [old, peer] = [someAccount(), someAccount()];
      const next = someAccount({ numberMac: old.numberMac });
      for (const account of [old, peer, next]) await harness.stores.accounts.register(account);
      await harness.reopen();
      const { accounts } = harness.stores;
      expect(await accounts.byNumbers([old.numberMac, peer.numberMac])).toEqual([next.userId, peer.userId]);
      expect(await accounts.register(next)).toEqual({ status: 'repeated' });
      expect(await accounts.register(someAccount({ userId: old.userId }))).toEqual({ status: 'user-id-taken' });
      expect((await accounts.deviceList(peer.userId))?.devices).toEqual(peer.deviceList.devices);
      expect(hex(await accounts.profile(peer.userId))).toBe(hex(peer.profile));
    });
  });
}
