import { describe, expect, it } from 'vitest';
import { IdentityKeyPair, PrivateKey } from '#libsignal';
import { randomness, sha256, startSession, type TestDevice, testDevice } from '../../test/test-device.ts';
import { rootKeyOf } from '../accounts/recovery-key.ts';
import { rootSecretOf, usableAccount } from '../accounts/standing.ts';
import { asBuffer } from '../crypto/as-buffer.ts';
import { peerLock, Ratchet } from '../crypto/ratchet.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { DeviceId } from '../ports/ids.ts';
import { acceptDeviceList } from './accept-device-list.ts';
import { type CheckedDeviceList, type ListedDevice, signDeviceList, verifyDeviceList } from './device-list.ts';
import { openDeviceName, sealDeviceName } from './device-name.ts';
import { freshDeviceId, nextList, primaryOf } from './next-list.ts';
import { takeOverOwnList } from './own-list.ts';
import { openIdentity, sealIdentity } from './sealed-identity.ts';

const listOf = (account: AccountRecord) => verifyDeviceList(account.deviceList, account.userId, sha256);

function another(deviceId: number, more: Partial<ListedDevice> = {}): ListedDevice {
  return {
    deviceId: deviceId as DeviceId,
    registrationId: 9,
    deviceKey: PrivateKey.generate().getPublicKey().serialize(),
    ...more,
  };
}

/** Accepts a list that follows the own one, as if the relay had shown it, and takes it over. */
async function takesOver(
  { executor, store, account, clock }: TestDevice,
  change: { readonly devices: readonly ListedDevice[]; readonly identityKey?: Uint8Array },
  before: CheckedDeviceList = listOf(account),
) {
  const signed = signDeviceList(nextList(before, { ...change, createdAt: 5 }), rootKeyOf(rootSecretOf(account)));
  const { userId } = account;
  await executor.run([peerLock(userId)], (overlay) => acceptDeviceList(overlay, signed, userId, sha256));
  const parts = { queries: store, now: clock.now(), randomness, sha256 };
  const taken = await executor.run(['account'], (overlay) => takeOverOwnList(overlay, parts), {
    alone: true,
  });
  return { taken, list: verifyDeviceList(signed, userId, sha256) };
}

describe('takeOverOwnList', () => {
  it('tells which devices came and went, by their names', async () => {
    const phone = await testDevice();
    const { account, published } = phone;
    const sealedName = sealDeviceName('Tablet', account.profileKey, randomness);
    const tablet = another(2, { sealedName });
    const own = listOf(account).devices;
    const first = await takesOver(phone, { devices: [...own, tablet] });
    expect(first.taken).toEqual({ changed: true, removed: false, revoked: false, identity: 'kept' });
    const second = await takesOver(phone, { devices: own }, first.list);
    expect(second.taken).toEqual({ changed: true, removed: true, revoked: false, identity: 'kept' });
    expect(published.flat().map(({ fact }) => fact)).toEqual([
      { type: 'device.linked', deviceId: 2, name: 'Tablet' },
      { type: 'device.removed', deviceId: 2, name: 'Tablet' },
    ]);
    expect((await phone.store.get('account', {}))?.deviceList).toEqual(second.list.signed);
  });

  it('takes a new identity key over that the list seals for this device, with new prekeys, and sends on no session of before', async () => {
    const [tablet, bob] = [await testDevice(), await testDevice()];
    await startSession(tablet, bob);
    const pair = IdentityKeyPair.generate();
    const devices = listOf(tablet.account).devices.map((device) => ({
      ...device,
      sealedIdentity: sealIdentity(pair.serialize(), device),
    }));
    const former = await tablet.store.prekeys();
    const change = { devices, identityKey: pair.publicKey.serialize() };
    expect((await takesOver(tablet, change)).taken).toEqual({
      changed: true,
      removed: false,
      revoked: false,
      identity: 'replaced',
    });
    const parts = { queries: tablet.store, now: tablet.clock.now(), randomness, sha256 };
    const again = tablet.executor.run(['account'], (overlay) => takeOverOwnList(overlay, parts), { alone: true });
    expect(await again).toEqual({ changed: false, removed: false, revoked: false, identity: 'kept' });
    const account = await tablet.store.get('account', {});
    expect(account?.identityKeyPair).toEqual(pair.serialize());
    const ids = new Set(former.map(({ kind, id }) => `${kind} ${id}`));
    const all = await tablet.store.prekeys();
    const now = all.filter(({ replacedAt }) => replacedAt === undefined);
    expect(now.filter(({ kind, id, uploaded }) => ids.has(`${kind} ${id}`) || uploaded)).toEqual([]);
    // For what was begun with them and has not come yet.
    expect(all.length - now.length).toBe(former.length);
    expect(account?.formerIdentities).toEqual([
      { identityKeyPair: tablet.account.identityKeyPair, replacedAt: tablet.clock.now() },
    ]);
    expect(now.filter(({ kind }) => kind === 'signed' || kind === 'last-resort')).toHaveLength(2);
    const canSend = (own: AccountRecord) =>
      tablet.executor.run([], (overlay) =>
        new Ratchet(own, overlay, tablet.clock.now()).canSend(bob.address, bob.account.registrationId),
      );
    expect(await canSend(tablet.account)).toBe(true);
    expect(account && (await canSend(account))).toBe(false);
  });

  it('ends the session of the device that the root key has taken off, whatever the relay says  [security: device-injection]', async () => {
    const tablet = await testDevice();
    const pair = IdentityKeyPair.generate();
    const phone = another(2);
    const { taken, list } = await takesOver(tablet, {
      devices: [{ ...phone, sealedIdentity: sealIdentity(pair.serialize(), phone) }],
      identityKey: pair.publicKey.serialize(),
    });
    expect(taken).toEqual({ changed: true, removed: false, revoked: true, identity: 'kept' });
    const account = await tablet.store.get('account', {});
    expect(account).toMatchObject({ ended: true, endReason: 'device-revoked', deviceList: list.signed });
    expect(account?.identityKeyPair).toEqual(tablet.account.identityKeyPair);
    expect(() => usableAccount(account)).toThrow(expect.objectContaining({ endReason: 'device-revoked' }));
    // The same place under another registration id is another device, too.
    const phoneAgain = await testDevice();
    const [own] = listOf(phoneAgain.account).devices;
    const again = await takesOver(phoneAgain, { devices: [{ ...(own ?? another(1)), registrationId: 16_000 }] });
    expect(again.taken.revoked).toBe(true);
  });

  it('keeps what it has when the list brings a key that nobody sealed for this device  [security: device-injection]', async () => {
    const phone = await testDevice();
    const pair = IdentityKeyPair.generate();
    const { taken } = await takesOver(phone, {
      devices: listOf(phone.account).devices,
      identityKey: pair.publicKey.serialize(),
    });
    expect(taken.identity).toBe('missing');
    expect((await phone.store.get('account', {}))?.identityKeyPair).toEqual(phone.account.identityKeyPair);
  });

  it.each([
    [
      'adds a device',
      (own: CheckedDeviceList) => nextList(own, { devices: [...own.devices, another(2)], createdAt: 5 }),
    ],
    ['is older than this one', (own: CheckedDeviceList) => ({ ...own, devices: [another(1)] })],
  ])(
    'is refused when the relay shows an own list that %s and the root key did not sign  [security: device-injection]',
    async (_, forge) => {
      const phone = await testDevice();
      const { userId } = phone.account;
      await takesOver(phone, { devices: listOf(phone.account).devices });
      const known = await phone.store.get('deviceList', { userId });
      const forged = [signDeviceList(forge(listOf(phone.account)), PrivateKey.generate()), phone.account.deviceList];
      for (const signed of forged) {
        const accept = phone.executor.run([peerLock(userId)], (overlay) =>
          acceptDeviceList(overlay, signed, userId, sha256),
        );
        await expect(accept).rejects.toMatchObject({ code: 'device-list-invalid' });
      }
      expect(await phone.store.get('deviceList', { userId })).toEqual(known);
    },
  );
});

describe('the next list', () => {
  it('gives no id twice, and leaves the primary the lowest', async () => {
    const own = listOf((await testDevice()).account);
    expect(freshDeviceId({ devices: own.devices, lastDeviceId: 5 })).toBe(6);
    const full = { devices: [another(3), another(126)], lastDeviceId: 127 };
    expect(freshDeviceId(full)).toBe(4);
    expect(primaryOf(full)).toBe(3);
    const all = Array.from({ length: 127 }, (_, at) => another(at + 1));
    expect(() => freshDeviceId({ devices: all, lastDeviceId: 127 })).toThrow(
      expect.objectContaining({ code: 'argument-invalid' }),
    );
  });

  it('carries what devices are, and the highest id that there ever was', async () => {
    const { account } = await testDevice();
    const own = listOf(account);
    const rootKey = rootKeyOf(rootSecretOf(account));
    const sign = (before: CheckedDeviceList, devices: readonly ListedDevice[], createdAt: number) =>
      verifyDeviceList(signDeviceList(nextList(before, { devices, createdAt }), rootKey), account.userId, sha256);
    const two = sign(own, [...own.devices, another(2, { sealedName: new Uint8Array([1, 2]) })], 50);
    const three = sign(two, two.devices, 60);
    expect(three.devices).toEqual(two.devices);
    expect(three.devices.map(({ addedAt }) => addedAt)).toEqual([own.createdAt, 50]);
    expect(freshDeviceId(sign(three, own.devices, 70))).toBe(3);
  });
});

describe('what is sealed for own devices', () => {
  it('is a name that the profile key alone opens, of one length', () => {
    const key = randomness.bytes(32);
    const [short, long] = ['T', 'A tablet in the kitchen'].map((name) => sealDeviceName(name, key, randomness));
    expect(short).toHaveLength(long?.length ?? 0);
    expect([openDeviceName(short, key), openDeviceName(long, key)]).toEqual(['T', 'A tablet in the kitchen']);
    for (const wrong of [undefined, new Uint8Array(), new Uint8Array(92), long?.with(20, 1)]) {
      expect(openDeviceName(wrong, key)).toBe('');
    }
    expect(openDeviceName(long, randomness.bytes(32))).toBe('');
  });

  it('is an identity key that the device alone opens, and only as the list names it', () => {
    const [mine, theirs] = [PrivateKey.generate(), PrivateKey.generate()];
    const pair = IdentityKeyPair.generate();
    const device = another(2, { deviceKey: mine.getPublicKey().serialize() });
    const devices = [{ ...device, sealedIdentity: sealIdentity(pair.serialize(), device) }];
    const identityKey = pair.publicKey.serialize();
    const open = (key: PrivateKey, named = identityKey) =>
      openIdentity({ devices, identityKey: named }, { deviceId: 2, devicePrivateKey: key.serialize() });
    expect(open(mine)).toEqual(pair.serialize());
    expect(open(theirs)).toBeUndefined();
    expect(open(mine, IdentityKeyPair.generate().publicKey.serialize())).toBeUndefined();
    expect(asBuffer(pair.serialize())).toHaveLength(pair.serialize().length);
  });
});
