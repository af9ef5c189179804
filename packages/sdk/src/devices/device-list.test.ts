import { DeviceList, SignedDeviceList, signedBytesOfDeviceList, uuidToBytes } from '@sotto/proto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PrivateKey } from '#libsignal';
import { openExecutor } from '../../test/open-executor.ts';
import { asBuffer } from '../crypto/as-buffer.ts';
import { defaultPlatform } from '../platform/platform.node.ts';
import type { DeviceId, UserId } from '../ports/ids.ts';
import { acceptDeviceList } from './accept-device-list.ts';
import { type NewDeviceList, signDeviceList, verifyDeviceList } from './device-list.ts';

const { sha256 } = defaultPlatform();
const userId = '11111111-1111-4111-8111-111111111111' as UserId;
const rootKey = PrivateKey.generate();
const publicKey = () => PrivateKey.generate().getPublicKey().serialize();
const first: NewDeviceList = {
  userId,
  version: 1,
  previousHash: new Uint8Array(),
  createdAt: 1_800_000_000_000,
  identityKey: publicKey(),
  devices: [{ deviceId: 1 as DeviceId, registrationId: 77, deviceKey: publicKey() }],
};
const device = (deviceId: number, registrationId = 5) => ({ deviceId, registrationId, deviceKey: publicKey() });
const invalid = expect.objectContaining({ code: 'device-list-invalid' });

/** Signs whatever it is given. */
function signRaw(list: Parameters<typeof DeviceList.encode>[0], key = rootKey): Uint8Array {
  const encoded = DeviceList.encode(list);
  const signature = key.sign(asBuffer(signedBytesOfDeviceList(encoded)));
  return SignedDeviceList.encode({ list: encoded, signature, rootKey: key.getPublicKey().serialize() });
}

const raw = { ...first, userId: uuidToBytes(userId), devices: [...first.devices] };

describe('verifyDeviceList', () => {
  it('reads what was signed', () => {
    const signed = signDeviceList(first, rootKey);
    const list = verifyDeviceList(signed, userId, sha256);
    expect(list).toMatchObject({ ...first, rootKey: rootKey.getPublicKey().serialize(), signed });
    expect(list.hash).toEqual(sha256(SignedDeviceList.decode(signed).list));
  });

  it.each([
    ['of somebody else', { ...raw, userId: new Uint8Array(16) }],
    ['of nobody', { ...raw, userId: new Uint8Array() }],
    ['without devices', { ...raw, devices: [] }],
    ['with a device twice', { ...raw, devices: [device(1), device(1)] }],
    ['with device 0', { ...raw, devices: [device(0)] }],
    ['with device 128', { ...raw, devices: [device(128)] }],
    ['with registration id 0', { ...raw, devices: [device(1, 0)] }],
    ['with registration id 16381', { ...raw, devices: [device(1, 16_381)] }],
    ['with a device key that is none', { ...raw, devices: [{ ...device(1), deviceKey: new Uint8Array(33) }] }],
    ['with an identity key that is none', { ...raw, identityKey: new Uint8Array(32) }],
    ['of version 0', { ...raw, version: 0 }],
    ['of version 1 with a predecessor', { ...raw, previousHash: new Uint8Array(32) }],
    ['of version 2 without one', { ...raw, version: 2 }],
  ])('refuses one %s', (_, list) => {
    expect(() => verifyDeviceList(signRaw(list), userId, sha256)).toThrow(invalid);
  });

  it('refuses every changed byte, and whatever else comes', () => {
    const signed = signDeviceList(first, rootKey);
    fc.assert(
      fc.property(fc.nat(signed.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = signed.with(at, (signed[at] ?? 0) ^ flip);
        expect(() => verifyDeviceList(changed, userId, sha256)).toThrow(invalid);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => verifyDeviceList(bytes, userId, sha256)).toThrow(invalid);
      }),
    );
  });
});

describe('acceptDeviceList', () => {
  const next = (before: Uint8Array, more: Partial<NewDeviceList> = {}): NewDeviceList => ({
    ...first,
    version: 2,
    previousHash: sha256(SignedDeviceList.decode(before).list),
    ...more,
  });

  async function seen(...lists: readonly Uint8Array[]) {
    const { executor, store } = await openExecutor();
    const accept = (signed: Uint8Array) =>
      executor.run(['x'], (overlay) => acceptDeviceList(overlay, signed, userId, sha256));
    for (const list of lists) await accept(list);
    return { accept, stored: () => store.get('deviceList', { userId }), commits: store.commits };
  }

  const one = signDeviceList(first, rootKey);
  const two = signDeviceList(next(one), rootKey);

  it('pins the root key, and follows the chain', async () => {
    const { accept, stored, commits } = await seen(one);
    expect(await stored()).toMatchObject({ version: 1, rootKey: rootKey.getPublicKey().serialize(), signed: one });
    await accept(one);
    expect(commits).toHaveLength(1);
    await accept(two);
    expect(await stored()).toMatchObject({ version: 2, signed: two });
    const five = signDeviceList(next(two, { version: 5 }), rootKey);
    await accept(five);
    expect(await stored()).toMatchObject({ version: 5 });
  });

  it('knows who has begun anew from who has revoked a device', async () => {
    const [kept] = first.devices;
    if (kept === undefined) throw new Error('the list is empty');
    const revoked = signDeviceList(next(one, { identityKey: publicKey() }), rootKey);
    const begunAnew = { identityKey: publicKey(), devices: [{ ...kept, deviceKey: publicKey() }] };
    const anew = signDeviceList(next(revoked, { version: 3, ...begunAnew }), rootKey);
    const { accept, stored } = await seen(one, two);
    expect(await stored()).toMatchObject({ begunAnew: false });
    const other = await seen(one, revoked);
    expect(await other.stored()).toMatchObject({ begunAnew: false });
    await other.accept(anew);
    expect(await other.stored()).toMatchObject({ begunAnew: true });
    await other.accept(signDeviceList(next(anew, { version: 4, ...begunAnew, identityKey: publicKey() }), rootKey));
    expect(await other.stored()).toMatchObject({ version: 4, begunAnew: true });
    // Whose list was not known before has not changed anything.
    expect(await (await seen(anew)).stored()).toMatchObject({ begunAnew: false });
    await accept(signDeviceList(next(two, { version: 5, ...begunAnew, identityKey: first.identityKey }), rootKey));
    expect(await stored()).toMatchObject({ version: 5, begunAnew: false });
  });

  it.each([
    ['a list that was replaced', [one, two], one],
    ['another list of the same version', [one], signDeviceList({ ...first, createdAt: 1 }, rootKey)],
    ['a list with another predecessor', [one], signDeviceList(next(two), rootKey)],
    ['a list that another root key signed', [one], signDeviceList(next(one), PrivateKey.generate())],
    ['the same list, signed by another root key', [one], signDeviceList(first, PrivateKey.generate())],
  ])('refuses %s, and keeps what it knew', async (_, before, refused) => {
    const { accept, stored } = await seen(...before);
    const known = await stored();
    await expect(accept(refused)).rejects.toMatchObject({ code: 'device-list-invalid' });
    expect(await stored()).toEqual(known);
  });
});
