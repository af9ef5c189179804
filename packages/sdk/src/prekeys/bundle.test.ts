import { describe, expect, it } from 'vitest';
import { IdentityKeyPair, KEMKeyPair, PrivateKey } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import { signDeviceList } from '../devices/device-list.ts';
import { defaultPlatform } from '../platform/platform.node.ts';
import type { DeviceId, UserId } from '../ports/ids.ts';
import type { FetchedBundles, FetchedDeviceBundle } from '../transport/prekey-calls.ts';
import { checkBundles } from './bundle.ts';

const { sha256 } = defaultPlatform();
const userId = '11111111-1111-4111-8111-111111111111' as UserId;
const identity = IdentityKeyPair.generate();
const publicKey = () => PrivateKey.generate().getPublicKey().serialize();
const signedBy = (publicBytes: Uint8Array, id: number, key = identity) => ({
  id,
  publicKey: publicBytes,
  signature: key.privateKey.sign(asBuffer(publicBytes)),
});

function bundle(deviceId: number): FetchedDeviceBundle {
  return {
    deviceId,
    registrationId: 100 + deviceId,
    signedPrekey: signedBy(publicKey(), 1),
    prekey: { id: 2, publicKey: publicKey() },
    kyberPrekey: signedBy(KEMKeyPair.generate().getPublicKey().serialize(), 3),
  };
}

const deviceList = signDeviceList(
  {
    userId,
    version: 1,
    previousHash: new Uint8Array(),
    createdAt: 1,
    identityKey: identity.publicKey.serialize(),
    devices: [1, 2].map((id) => ({ deviceId: id as DeviceId, registrationId: 100 + id, deviceKey: publicKey() })),
  },
  PrivateKey.generate(),
);
const good: FetchedBundles = { deviceList, bundles: [bundle(2), bundle(1)] };
const check = (fetched: FetchedBundles, device?: number) =>
  checkBundles(fetched, userId, sha256, device as DeviceId | undefined);
const invalid = expect.objectContaining({ code: 'bundle-invalid' });

describe('checkBundles', () => {
  it('gives one bundle for each device, or for the one asked for', () => {
    const { bundles, list, signed } = check(good);
    expect(bundles.map(({ deviceId, registrationId }) => [deviceId, registrationId])).toEqual([
      [1, 101],
      [2, 102],
    ]);
    expect(bundles[0]?.bundle.identityKey().equals(identity.publicKey)).toBe(true);
    expect(list.version).toBe(1);
    expect(signed).toBe(deviceList);
    expect(check({ deviceList, bundles: [bundle(2)] }, 2).bundles).toHaveLength(1);
    const withoutOneTime = { ...bundle(2), prekey: undefined };
    expect(check({ deviceList, bundles: [withoutOneTime] }, 2).bundles[0]?.bundle.preKeyId()).toBeNull();
  });

  const [one, two] = [bundle(1), bundle(2)];
  it.each([
    ['a device without a bundle', [one]],
    ['a device twice', [one, one]],
    ['a device that is not on the list', [one, bundle(3)]],
    ['one too many', [one, two, bundle(3)]],
    ['another registration', [one, { ...two, registrationId: 9 }]],
    [
      'a prekey that another key signed',
      [one, { ...two, signedPrekey: signedBy(publicKey(), 1, IdentityKeyPair.generate()) }],
    ],
    [
      'signatures in the wrong place',
      [one, { ...two, signedPrekey: { ...two.signedPrekey, signature: two.kyberPrekey.signature } }],
    ],
    ['an EC key for a Kyber key', [one, { ...two, kyberPrekey: signedBy(publicKey(), 3) }]],
    ['a Kyber key for an EC key', [one, { ...two, signedPrekey: signedBy(two.kyberPrekey.publicKey, 1) }]],
    ['a one-time key that is none', [one, { ...two, prekey: { id: 1, publicKey: new Uint8Array(33) } }]],
  ])('refuses %s', (_, bundles) => {
    expect(() => check({ deviceList, bundles })).toThrow(invalid);
  });

  it('refuses a device that the list does not name', () => {
    expect(() => check({ deviceList, bundles: [bundle(3)] }, 3)).toThrow(invalid);
  });

  it('refuses every changed bit of signed keys, their signatures and the list  [security: forged-bundle]', () => {
    const accepted: string[] = [];
    const tryFlips = (what: string, bytes: Uint8Array, answerOf: (forged: Uint8Array) => unknown) => {
      for (const [at, byte] of bytes.entries()) {
        // Of long ones one bit of each eighth byte.
        for (const bit of bytes.length <= 300 ? [0, 1, 2, 3, 4, 5, 6, 7] : at % 8 === 0 ? [(at / 8) % 8] : []) {
          try {
            answerOf(bytes.with(at, byte ^ (1 << bit)));
            accepted.push(`${what}: byte ${at}, bit ${bit}`);
          } catch (error) {
            expect(error).toMatchObject({ code: what === 'list' ? 'device-list-invalid' : 'bundle-invalid' });
          }
        }
      }
    };
    for (const name of ['signedPrekey', 'kyberPrekey'] as const) {
      const { publicKey: key, signature, id } = one[name];
      const answer = (prekey: typeof one.kyberPrekey) =>
        check({ deviceList, bundles: [{ ...one, [name]: prekey }, two] });
      tryFlips(`key of ${name}`, key, (forged) => answer({ id, signature, publicKey: forged }));
      tryFlips(`signature of ${name}`, signature, (forged) => answer({ id, publicKey: key, signature: forged }));
    }
    tryFlips('list', deviceList, (forged) => check({ deviceList: forged, bundles: [one, two] }));
    expect(accepted).toEqual([]);
  });
});
