import { type Content, SignedDeviceList } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { PrivateKey } from '#libsignal';
import { openExecutor } from '../../test/open-executor.ts';
import { firstIdentity } from '../crypto/identity-trust.ts';
import { defaultPlatform } from '../platform/platform.node.ts';
import type { DeviceId, UserId } from '../ports/ids.ts';
import { acceptDeviceList } from './accept-device-list.ts';
import { type NewDeviceList, signDeviceList } from './device-list.ts';
import { noteNamedList, tellingForks } from './named-list.ts';

const { sha256 } = defaultPlatform();
const userId = '11111111-1111-4111-8111-111111111111' as UserId;
const rootKey = PrivateKey.generate();
const publicKey = () => PrivateKey.generate().getPublicKey().serialize();
const identityKey = publicKey();
const forked = expect.objectContaining({ code: 'device-list-forked', retryable: true });

function listOf(version: number, before?: Uint8Array, devices = 1, key = identityKey): Uint8Array {
  const list: NewDeviceList = {
    userId,
    version,
    previousHash: before === undefined ? new Uint8Array() : hashOf(before),
    createdAt: 1_800_000_000_000,
    identityKey: key,
    devices: Array.from({ length: devices }, (_, at) => ({
      deviceId: (at + 1) as DeviceId,
      registrationId: 77,
      deviceKey: publicKey(),
    })),
  };
  return signDeviceList(list, rootKey);
}

const hashOf = (signed: Uint8Array) => sha256(SignedDeviceList.decode(signed).list);
const [first, otherFirst] = [listOf(1), listOf(1, undefined, 2)];
const [second, otherSecond] = [listOf(2, first), listOf(2, first, 2)];
const third = listOf(3, second);

async function scene() {
  const { executor, store } = await openExecutor();
  await executor.run([], (overlay) => overlay.put('identity', firstIdentity(userId, identityKey, 1)));
  const accept = (signed: Uint8Array) =>
    tellingForks(executor, userId, () =>
      executor.run([userId], (overlay) => acceptDeviceList(overlay, signed, userId, sha256)),
    );
  const names = (version: number, hash: Uint8Array, key = identityKey) =>
    executor.run([userId], (overlay) =>
      noteNamedList(overlay, userId, { deviceListVersion: version, deviceListHash: hash } as Content, key),
    );
  const named = () => store.get('namedList', { userId });
  const events = async () => (await store.events(0, 100)).map(({ fact }) => fact.type);
  const known = async () => (await store.get('deviceList', { userId }))?.version;
  return { accept, names, named, events, known };
}

describe('a device list that its owner names  [security: device-injection]', () => {
  it('is nothing to note when it is the known one, an older one, or none', async () => {
    const { accept, names, named, events } = await scene();
    await accept(second);
    await names(2, hashOf(second));
    await names(1, hashOf(otherFirst));
    await names(0, hashOf(otherSecond));
    await names(3, new Uint8Array(31));
    expect(await named()).toBeUndefined();
    expect(await events()).toEqual([]);
  });

  it('must be the one that the relay shows, at first sight too', async () => {
    const { accept, names, named, events, known } = await scene();
    await names(1, hashOf(first));
    await expect(accept(otherFirst)).rejects.toEqual(forked);
    expect([await known(), await events(), await named()]).toMatchObject([
      undefined,
      ['device-list.forked'],
      { version: 1, forked: true },
    ]);
    await accept(first);
    expect([await known(), await named()]).toEqual([1, undefined]);
  });

  it('is not taken back to an older one, which is told once, and ends when it is shown', async () => {
    const { accept, names, named, events, known } = await scene();
    await accept(first);
    await names(2, hashOf(second));
    expect(await named()).toMatchObject({ version: 2, forked: false });
    await expect(accept(first)).rejects.toEqual(forked);
    await expect(accept(first)).rejects.toEqual(forked);
    await names(1, hashOf(first));
    expect(await events()).toEqual(['device-list.forked']);
    await expect(accept(otherSecond)).rejects.toEqual(forked);
    await accept(second);
    expect([await known(), await named()]).toEqual([2, undefined]);
  });

  it('may be followed by a later one, which has to follow it', async () => {
    const { accept, names, named, known } = await scene();
    await accept(first);
    await names(2, hashOf(otherSecond));
    await expect(accept(third)).rejects.toEqual(forked);
    await names(3, hashOf(third));
    await accept(third);
    expect([await known(), await named()]).toEqual([3, undefined]);
  });

  it('is told at once when it is another one of the known version', async () => {
    const { accept, names, named, events } = await scene();
    await accept(first);
    await names(1, hashOf(otherFirst));
    await names(1, hashOf(otherFirst));
    expect([await events(), await named()]).toMatchObject([['device-list.forked'], { version: 1, forked: true }]);
    await expect(accept(first)).rejects.toEqual(forked);
  });

  it('is not one far above the known one', async () => {
    const { accept, names, named } = await scene();
    await accept(first);
    await names(0xff_ff_ff_ff, hashOf(second));
    await names(1_002, hashOf(second));
    expect(await named()).toBeUndefined();
    await names(1_001, hashOf(second));
    expect(await named()).toMatchObject({ version: 1_001 });
  });

  it('is named no more by who had the key before: a list with a new one ends it', async () => {
    const { accept, names, named, known } = await scene();
    await accept(first);
    await names(900, new Uint8Array(32));
    const recovered = listOf(2, first, 1, publicKey());
    await expect(accept(second)).rejects.toEqual(forked);
    await accept(recovered);
    expect([await known(), await named()]).toEqual([2, undefined]);
  });

  describe('when the list that revokes a device is kept back', () => {
    const newKey = publicKey();
    const revoking = listOf(3, second, 1, newKey);

    async function revokedScene() {
      const all = await scene();
      await all.accept(first);
      await all.names(3, hashOf(revoking), newKey);
      return all;
    }

    it('is not unsaid by a late message under the former key', async () => {
      const { accept, names, named } = await revokedScene();
      await names(2, hashOf(second));
      expect(await named()).toMatchObject({ version: 3, hash: hashOf(revoking) });
      await expect(accept(second)).rejects.toEqual(forked);
    });

    it('is not ended by a list in between, under the former key', async () => {
      const { accept, named, known } = await revokedScene();
      await expect(accept(second)).rejects.toEqual(forked);
      expect([await known(), await named()]).toMatchObject([1, { version: 3, forked: true }]);
      await accept(revoking);
      expect([await known(), await named()]).toEqual([3, undefined]);
    });

    it('is not ended by one in between that takes the key of a liar who named a higher one', async () => {
      const { accept, names, named } = await revokedScene();
      const between = listOf(2, first, 1, publicKey());
      await names(900, new Uint8Array(32));
      await expect(accept(between)).rejects.toEqual(forked);
      expect(await named()).toMatchObject({ version: 900, forked: true });
    });
  });
});
