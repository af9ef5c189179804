import type { AccountStore } from '../ports/account-store.ts';
import type { DeviceAddress } from '../ports/ids.ts';
import type { PrekeySet, PrekeyStore, TakenPrekeys } from '../ports/prekey-store.ts';
import { type HarnessMaker, hex, suite } from './harness.ts';
import type { Runner } from './runner.ts';
import { ecPrekey, signedPrekey, someAccount, someBytes, someDevice } from './samples.ts';

interface Stores {
  readonly prekeys: PrekeyStore;
  readonly accounts: AccountStore;
}

const limit = 200;

async function registered({ accounts }: Stores, prekeys: PrekeySet): Promise<DeviceAddress> {
  const account = someAccount({ prekeys });
  await accounts.register(account);
  return account.device;
}

function standing(): PrekeySet {
  return { signedPrekey: signedPrekey(1), lastResortKyberPrekey: signedPrekey(1) };
}

function oneTime(from: number, count: number): Required<Pick<PrekeySet, 'prekeys' | 'kyberPrekeys'>> {
  const ids = Array.from({ length: count }, (_, index) => from + index);
  return { prekeys: ids.map(ecPrekey), kyberPrekeys: ids.map((id) => signedPrekey(id)) };
}

function ids(taken: TakenPrekeys | undefined): unknown[] {
  return [taken?.signedPrekey.id, taken?.prekey?.id, taken?.kyberPrekey.id];
}

/** What every `PrekeyStore` must hold, together with the `AccountStore` that lists its devices. */
export function prekeyStoreConformance(runner: Runner, maker: HarnessMaker<Stores>): void {
  const { expect } = runner;
  suite(runner, 'PrekeyStore', maker, ({ check, checkWith }) => {
    check('gives one-time keys once, lowest id first, then the last-resort key', async ({ stores }) => {
      const keys = { ...standing(), ...oneTime(10, 2) };
      const device = await registered(stores, keys);
      expect(await stores.prekeys.left(device)).toEqual({ ec: 2, kyber: 2 });
      const first = await stores.prekeys.take(device);
      expect(ids(first)).toEqual([1, 10, 10]);
      expect(ids(await stores.prekeys.take(device))).toEqual([1, 11, 11]);
      expect(await stores.prekeys.left(device)).toEqual({ ec: 0, kyber: 0 });
      for (let count = 0; count < 3; count++) {
        const last = await stores.prekeys.take(device);
        expect(ids(last)).toEqual([1, undefined, 1]);
        expect(hex(last?.kyberPrekey.publicKey)).toBe(hex(keys.lastResortKyberPrekey?.publicKey));
      }
    });

    check('keys and signatures come back byte for byte', async ({ stores }) => {
      const keys = {
        ...standing(),
        prekeys: [ecPrekey(16_777_215)],
        kyberPrekeys: [{ ...signedPrekey(7), publicKey: someBytes(1569) }],
      };
      const taken = await stores.prekeys.take(await registered(stores, keys));
      expect([taken?.signedPrekey.publicKey, taken?.signedPrekey.signature].map(hex)).toEqual(
        [keys.signedPrekey?.publicKey, keys.signedPrekey?.signature].map(hex),
      );
      expect([taken?.prekey?.id, hex(taken?.prekey?.publicKey)]).toEqual([16_777_215, hex(keys.prekeys[0]?.publicKey)]);
      expect([taken?.kyberPrekey.publicKey, taken?.kyberPrekey.signature].map(hex)).toEqual(
        [keys.kyberPrekeys[0]?.publicKey, keys.kyberPrekeys[0]?.signature].map(hex),
      );
    });

    check('200 concurrent takes: no key twice, and the bundle is valid after exhaustion', async ({ stores }) => {
      const device = await registered(stores, { ...standing(), ...oneTime(1, 100) });
      const taken = await Promise.all(Array.from({ length: 200 }, () => stores.prekeys.take(device)));
      const ec = taken.flatMap((keys) => keys?.prekey?.id ?? []);
      expect([ec.length, new Set(ec).size]).toEqual([100, 100]);
      const kyber = new Map<string | undefined, number>();
      for (const keys of taken) {
        const key = hex(keys?.kyberPrekey.publicKey);
        kyber.set(key, (kyber.get(key) ?? 0) + 1);
      }
      expect([...kyber.values()].sort((one, other) => one - other)).toEqual([...Array(100).fill(1), 100]);
      expect(taken.every((keys) => keys?.signedPrekey.id === 1)).toBe(true);
    });

    check('the two kinds run out by themselves', async ({ stores }) => {
      const device = await registered(stores, { ...standing(), prekeys: [], kyberPrekeys: [signedPrekey(5)] });
      expect(ids(await stores.prekeys.take(device))).toEqual([1, undefined, 5]);
      await stores.prekeys.put(device, { prekeys: [ecPrekey(8)] }, limit);
      expect(ids(await stores.prekeys.take(device))).toEqual([1, 8, 1]);
    });

    check('one-time keys are added, standing ones are replaced, the rest stays', async ({ stores }) => {
      const device = await registered(stores, { ...standing(), ...oneTime(1, 1) });
      expect(await stores.prekeys.put(device, oneTime(2, 3), limit)).toBe('stored');
      expect(await stores.prekeys.left(device)).toEqual({ ec: 4, kyber: 4 });
      expect(await stores.prekeys.put(device, { signedPrekey: signedPrekey(2) }, limit)).toBe('stored');
      expect(ids(await stores.prekeys.take(device))).toEqual([2, 1, 1]);
      expect(await stores.prekeys.put(device, {}, limit)).toBe('stored');
    });

    check('an upload is idempotent by id', async ({ stores }) => {
      const device = await registered(stores, standing());
      const keys = {
        ...standing(),
        signedPrekey: signedPrekey(3),
        lastResortKyberPrekey: signedPrekey(3),
        ...oneTime(1, 5),
      };
      for (let count = 0; count < 3; count++) expect(await stores.prekeys.put(device, keys, limit)).toBe('stored');
      expect(await stores.prekeys.left(device)).toEqual({ ec: 5, kyber: 5 });
      const doubled = { prekeys: [...keys.prekeys, ...keys.prekeys] };
      expect(await stores.prekeys.put(device, doubled, limit)).toBe('stored');
      expect((await stores.prekeys.left(device)).ec).toBe(5);
    });

    check('a repeated upload does not bring back keys that were given away', async ({ stores }) => {
      const device = await registered(stores, standing());
      const keys = oneTime(1, 3);
      await stores.prekeys.put(device, keys, limit);
      expect(ids(await stores.prekeys.take(device))).toEqual([1, 1, 1]);
      expect(await stores.prekeys.put(device, keys, limit)).toBe('stored');
      expect(await stores.prekeys.left(device)).toEqual({ ec: 2, kyber: 2 });
      expect(ids(await stores.prekeys.take(device))).toEqual([1, 2, 2]);
    });

    check('another key under a known id is a conflict, and nothing of the set is stored', async ({ stores }) => {
      const device = await registered(stores, { ...standing(), ...oneTime(1, 2) });
      await stores.prekeys.take(device);
      const conflicts: PrekeySet[] = [
        { prekeys: [ecPrekey(9), ecPrekey(1)] },
        { prekeys: [ecPrekey(9), ecPrekey(2)] },
        { prekeys: [ecPrekey(9), ecPrekey(9)] },
        { prekeys: [ecPrekey(9)], kyberPrekeys: [signedPrekey(1)] },
        { prekeys: [ecPrekey(9)], kyberPrekeys: [signedPrekey(2)] },
        { prekeys: [ecPrekey(9)], signedPrekey: signedPrekey(1) },
        { prekeys: [ecPrekey(9)], lastResortKyberPrekey: signedPrekey(1) },
      ];
      for (const keys of conflicts) expect(await stores.prekeys.put(device, keys, limit)).toBe('conflict');
      expect(await stores.prekeys.left(device)).toEqual({ ec: 1, kyber: 1 });
      expect(ids(await stores.prekeys.take(device))).toEqual([1, 2, 2]);
    });

    check('more than the limit of a kind is refused whole; what is known does not count twice', async ({ stores }) => {
      const device = await registered(stores, standing());
      const keys = oneTime(1, 10);
      expect(await stores.prekeys.put(device, keys, 10)).toBe('stored');
      expect(await stores.prekeys.put(device, keys, 10)).toBe('stored');
      expect(await stores.prekeys.put(device, { prekeys: [ecPrekey(11)] }, 10)).toBe('full');
      const mixed = { signedPrekey: signedPrekey(2), kyberPrekeys: [signedPrekey(11)] };
      expect(await stores.prekeys.put(device, mixed, 10)).toBe('full');
      expect(ids(await stores.prekeys.take(device))).toEqual([1, 1, 1]);
      expect(await stores.prekeys.put(device, { prekeys: [ecPrekey(11)] }, 10)).toBe('stored');
    });

    check('a device that no account lists has no prekeys and takes none', async ({ stores: { prekeys } }) => {
      const device = someDevice();
      expect(await prekeys.put(device, standing(), limit)).toBe('unknown');
      expect(await prekeys.take(device)).toBe(undefined);
      expect(await prekeys.left(device)).toEqual({ ec: 0, kyber: 0 });
    });

    check('a device that has no signed prekey gives nothing, and loses nothing', async ({ stores }) => {
      const device = await registered(stores, oneTime(1, 2));
      expect(await stores.prekeys.take(device)).toBe(undefined);
      expect(await stores.prekeys.left(device)).toEqual({ ec: 2, kyber: 2 });
    });

    checkWith('reopen', 'what was given away stays so over a restart', async (harness) => {
      const keys = { ...standing(), ...oneTime(1, 3) };
      const device = await registered(harness.stores, keys);
      await harness.stores.prekeys.take(device);
      await harness.reopen();
      expect(await harness.stores.prekeys.put(device, keys, limit)).toBe('stored');
      expect(await harness.stores.prekeys.left(device)).toEqual({ ec: 2, kyber: 2 });
      expect(ids(await harness.stores.prekeys.take(device))).toEqual([1, 2, 2]);
    });
  });
}
