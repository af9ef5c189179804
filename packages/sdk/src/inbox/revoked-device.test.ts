import { describe, expect, it } from 'vitest';
import { IdentityKeyPair, PrivateKey } from '#libsignal';
import { certificateMaker } from '../../test/certificate-maker.ts';
import { delivered, receivingDevice } from '../../test/receiving-device.ts';
import { randomness, sha256, startSession, type TestDevice, testDevice } from '../../test/test-device.ts';
import { rootKeyOf } from '../accounts/recovery-key.ts';
import { rootSecretOf } from '../accounts/standing.ts';
import { meetListedIdentity } from '../crypto/identity-trust.ts';
import { peerLock } from '../crypto/ratchet.ts';
import { serverKeyMs } from '../crypto/sealed-certificate.ts';
import { acceptDeviceList } from '../devices/accept-device-list.ts';
import { type CheckedDeviceList, signDeviceList, verifyDeviceList } from '../devices/device-list.ts';
import { nextList } from '../devices/next-list.ts';
import type { DeviceId } from '../ports/ids.ts';
import type { IdentityPolicy } from '../ports/key-records.ts';

const hour = 3_600_000;
/** When the tablet wrote for the first time; when its owner took it off, and Bob learned of that. */
const [hello, revoked] = [serverKeyMs * 690 + hour, serverKeyMs * 690 + 2 * hour];
const maker = certificateMaker();

/** Alice's list with a tablet, then without: the tablet has kept all that it had. */
async function stolenTablet(policy: IdentityPolicy = 'accept', relayAhead = 0) {
  const [alice, other] = [await testDevice(), await testDevice()];
  const { userId } = alice.account;
  const bob = receivingDevice(await testDevice(), [maker.root], relayAhead);
  const root = rootKeyOf(rootSecretOf(alice.account));
  const sign = (before: CheckedDeviceList, change: Parameters<typeof nextList>[1]) =>
    verifyDeviceList(signDeviceList(nextList(before, change), root), userId, sha256);
  const learns = ({ signed }: CheckedDeviceList, at: number) =>
    bob.device.executor.run([peerLock(userId)], async (overlay) => {
      const { identityKey } = await acceptDeviceList(overlay, signed, userId, sha256);
      await meetListedIdentity(overlay, userId, identityKey, policy, at);
    });
  const one = verifyDeviceList(alice.account.deviceList, userId, sha256);
  const key = PrivateKey.generate();
  const listed = { deviceId: 2 as DeviceId, registrationId: 77, deviceKey: key.getPublicKey().serialize() };
  const two = sign(one, { devices: [...one.devices, listed], createdAt: 5 });
  const account = {
    ...other.account,
    userId,
    deviceId: listed.deviceId,
    registrationId: listed.registrationId,
    identityKeyPair: alice.account.identityKeyPair,
    devicePrivateKey: key.serialize(),
    rootSecret: undefined,
    deviceList: two.signed,
    profileKey: alice.account.profileKey,
  };
  const origin = { account, returnsReceipts: true, sha256, randomness };
  const address = { userId, deviceId: listed.deviceId };
  const tablet: TestDevice = { ...other, account, address, origin: () => origin };
  await learns(two, hello);
  await startSession(tablet, bob.device);
  const certificate = maker.make(account, hello);
  let seq = 0;
  /** With the certificate that it had: good for 24 hours. */
  const text = (body: string, acceptedAt: number, words = {}) => {
    const fields = { seq: ++seq, sentAt: 1, text: { body }, ...words };
    return delivered(tablet, bob.device, fields, { certificate, envelope: { acceptedAt } });
  };
  await bob.deliver(await text('hello', hello));
  const identityKey = IdentityKeyPair.generate().publicKey.serialize();
  const three = sign(two, { devices: one.devices, identityKey, createdAt: 5 });
  await learns(three, revoked);
  return { alice, bob, text, learns, sign, three, userId };
}

describe('a device that was taken off the list of its account', () => {
  it.each(['accept', 'block'] as const)(
    'is not heard by whoever knew that when it wrote, though its certificate lives on: with the policy %s  [security: device-injection]',
    async (policy) => {
      const { alice, bob, text } = await stolenTablet(policy);
      await bob.deliver(await text('send me money', revoked + 2 * hour));
      expect(await bob.texts(alice)).toEqual(['hello']);
      expect([await bob.heldReasons(), bob.failures]).toEqual([[], []]);
    },
  );

  it("had its say before, and is not heard after, by a clock that is hours behind the relay's or was set on since  [security: device-injection]", async () => {
    const late = await stolenTablet('accept', 3 * hour);
    await late.bob.deliver(await late.text('from before', revoked + 3 * hour - 1));
    await late.bob.deliver(await late.text('send me money', revoked + 5 * hour));
    expect(await late.bob.texts(late.alice)).toEqual(['hello', 'from before']);
    // Its clock was set on after it had learned of that.
    const early = await stolenTablet('accept', -3 * hour);
    await early.bob.deliver(await early.text('from before', revoked - 1));
    await early.bob.deliver(await early.text('send me money', revoked + 2 * hour));
    expect(await early.bob.texts(early.alice)).toEqual(['hello', 'from before']);
  });

  it('had its say before: what comes late is shown, and what it says of the account is over  [security: device-injection]', async () => {
    const { alice, bob, text, learns, sign, three, userId } = await stolenTablet();
    const words = {
      deviceListVersion: 900,
      deviceListHash: randomness.bytes(32),
      profileKey: randomness.bytes(32),
    };
    await bob.deliver(await text('on its way for long', revoked - 1, words));
    expect(await bob.texts(alice)).toEqual(['hello', 'on its way for long']);
    expect((await bob.device.store.get('user', { id: userId }))?.profileKey).toEqual(alice.account.profileKey);
    expect(await bob.device.store.get('namedList', { userId })).toBeUndefined();
    // Nothing stands in the way of Alice's next lists.
    await learns(sign(three, { devices: three.devices, createdAt: 6 }), revoked + hour);
    expect((await bob.device.store.get('deviceList', { userId }))?.version).toBe(4);
  });
});
