import { Content, Envelope, type SyncFields } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { PrivateKey } from '#libsignal';
import { messageIdOf } from '../../test/numbered-uuid.ts';
import { randomness, sha256, type TestDevice, testDevice } from '../../test/test-device.ts';
import { rootKeyOf } from '../accounts/recovery-key.ts';
import { rootSecretOf } from '../accounts/standing.ts';
import { acceptDeviceList } from '../devices/accept-device-list.ts';
import { signDeviceList, verifyDeviceList } from '../devices/device-list.ts';
import { nextList } from '../devices/next-list.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { DeviceId } from '../ports/ids.ts';
import { applySync } from './apply-sync.ts';

/** One of the three devices of an account, the first of which is the primary. */
async function device(deviceId: 1 | 2): Promise<TestDevice> {
  const made = await testDevice();
  const { userId } = made.account;
  const root = rootSecretOf(made.account);
  const before = verifyDeviceList(made.account.deviceList, userId, sha256);
  const others = [2, 3].map((id) => ({
    deviceId: id as DeviceId,
    registrationId: 9,
    deviceKey: PrivateKey.generate().getPublicKey().serialize(),
  }));
  const next = nextList(before, { devices: [...before.devices, ...others], createdAt: 5 });
  const deviceList = signDeviceList(next, rootKeyOf(root));
  const rootSecret = deviceId === 1 ? root : undefined;
  const account: AccountRecord = { ...made.account, deviceId: deviceId as DeviceId, deviceList, rootSecret };
  await made.executor.run([], async (overlay) => {
    overlay.put('account', account);
    await acceptDeviceList(overlay, deviceList, userId, sha256);
  });
  return { ...made, account };
}

/** Another own device tells something. */
async function hears({ executor, account, origin, store, clock }: TestDevice, from: number, sync: SyncFields) {
  const encoded = Content.encode({ messageNonce: new Uint8Array(16), sync });
  const now = clock.now();
  await executor.run(['account'], (overlay) =>
    applySync({
      overlay,
      account,
      origin: origin(),
      sender: { userId: account.userId, deviceId: from as DeviceId },
      messageId: messageIdOf(1),
      envelope: Envelope.decode(new Uint8Array()),
      content: Content.decode(encoded),
      encoded,
      newIdentity: false,
      group: undefined,
      locks: ['account'],
      queries: store,
      now,
      takenAt: now,
    }),
  );
  const { profileKey, nextProfileKey, username } = (await store.get('account', {})) ?? account;
  return { profileKey, nextProfileKey, username };
}

const told = (profileKey: Uint8Array, username = 'Alice') => ({ account: { number: '', username, profileKey } });

describe('what an own device says of the account', () => {
  it('is its profile key when the primary says so, and no other: one that is to be revoked gives nobody a key  [security: sealed-sends]', async () => {
    const tablet = await device(2);
    const { profileKey } = tablet.account;
    const [next, forged] = [randomness.bytes(32), randomness.bytes(32)];
    const nothing = { nextProfileKey: undefined };
    expect(await hears(tablet, 3, told(forged))).toEqual({ profileKey, username: 'Alice', ...nothing });
    expect(await hears(tablet, 1, told(next))).toEqual({ profileKey: next, username: 'Alice', ...nothing });
    expect(await hears(tablet, 1, told(new Uint8Array(), 'Al'))).toEqual({
      profileKey: next,
      username: 'Al',
      ...nothing,
    });
  });

  it('gives the primary no key: it makes another one, since the profile was stored under that, and one alone', async () => {
    const phone = await device(1);
    const { profileKey } = phone.account;
    expect(await hears(phone, 2, told(profileKey))).toMatchObject({ profileKey, nextProfileKey: undefined });
    const stale = randomness.bytes(32);
    const first = await hears(phone, 2, told(stale));
    expect(first).toMatchObject({ profileKey, nextProfileKey: expect.any(Uint8Array) });
    expect(first.nextProfileKey).not.toEqual(stale);
    expect(await hears(phone, 3, told(randomness.bytes(32)))).toEqual(first);
  });
});
