import type { Presence } from '../ports/presence.ts';
import { type HarnessMaker, suite } from './harness.ts';
import type { Runner } from './runner.ts';
import { someDevice } from './samples.ts';

/** What every `Presence` must hold. */
export function presenceConformance(runner: Runner, maker: HarnessMaker<{ readonly presence: Presence }>): void {
  const { expect } = runner;
  suite(runner, 'Presence', maker, ({ check }) => {
    check('gives the holder of a device, and nobody for another', async ({ stores: { presence } }) => {
      const device = someDevice();
      const { epoch, previous } = await presence.claim(device, 'one');
      expect(previous).toBe(undefined);
      expect(await presence.holder(device)).toEqual({ node: 'one', epoch });
      expect(await presence.holder(someDevice(2, device.userId))).toBe(undefined);
      expect(await presence.holder(someDevice())).toBe(undefined);
    });

    check('a take-over names who held it before', async ({ stores: { presence } }) => {
      const device = someDevice();
      const first = await presence.claim(device, 'one');
      const second = await presence.claim(device, 'two');
      expect(second.previous).toEqual({ node: 'one', epoch: first.epoch });
      expect(await presence.holder(device)).toEqual({ node: 'two', epoch: second.epoch });
    });

    check('no epoch is repeated, by the same node neither', async ({ stores: { presence } }) => {
      const device = someDevice();
      const claims = await Promise.all(Array.from({ length: 50 }, () => presence.claim(device, 'one')));
      expect(new Set(claims.map(({ epoch }) => epoch)).size).toBe(50);
    });

    check('an old epoch releases nothing', async ({ stores: { presence } }) => {
      const device = someDevice();
      const first = await presence.claim(device, 'one');
      const second = await presence.claim(device, 'one');
      await presence.release(device, first.epoch);
      expect(await presence.holder(device)).toEqual({ node: 'one', epoch: second.epoch });
      await presence.release(someDevice(), second.epoch);
      expect(await presence.holder(device)).toEqual({ node: 'one', epoch: second.epoch });
    });

    check('a lost entry: release is harmless, and a new claim has a new epoch', async ({ stores: { presence } }) => {
      const device = someDevice();
      const first = await presence.claim(device, 'one');
      await presence.release(device, first.epoch);
      expect(await presence.holder(device)).toBe(undefined);
      await presence.release(device, first.epoch);
      const second = await presence.claim(device, 'one');
      expect([second.previous, second.epoch === first.epoch]).toEqual([undefined, false]);
      await presence.release(device, first.epoch);
      expect(await presence.holder(device)).toEqual({ node: 'one', epoch: second.epoch });
    });

    check('an entry is kept by its epoch, and another claim is left alone', async ({ stores: { presence } }) => {
      const [one, two, never] = [someDevice(), someDevice(), someDevice()];
      const first = await presence.claim(one, 'one');
      const lost = await presence.claim(two, 'one');
      const claims = [
        { device: one, epoch: first.epoch },
        { device: two, epoch: lost.epoch },
      ];
      expect(await presence.keep('one', claims)).toEqual(['kept', 'kept']);
      const taker = await presence.claim(two, 'two');
      expect(await presence.keep('one', claims)).toEqual(['kept', 'taken']);
      expect(await presence.holder(one)).toEqual({ node: 'one', epoch: first.epoch });
      expect(await presence.holder(two)).toEqual({ node: 'two', epoch: taker.epoch });
      expect(await presence.keep('one', [])).toEqual([]);
      expect(await presence.holder(never)).toBe(undefined);
    });

    check('an entry that was lost is restored, under its epoch, unless another came', async ({ stores }) => {
      const { presence } = stores;
      const [one, two] = [someDevice(), someDevice()];
      const claims = [];
      for (const device of [one, two]) {
        const { epoch } = await presence.claim(device, 'one');
        claims.push({ device, epoch });
        await presence.release(device, epoch);
      }
      const taker = await presence.claim(two, 'two');
      expect(await presence.keep('one', claims)).toEqual(['restored', 'taken']);
      expect(await presence.holder(one)).toEqual({ node: 'one', epoch: claims[0]?.epoch });
      expect(await presence.holder(two)).toEqual({ node: 'two', epoch: taker.epoch });
      expect(await presence.keep('one', claims)).toEqual(['kept', 'taken']);
    });

    check('thousands are kept at once, each told apart', async ({ stores: { presence } }) => {
      const devices = Array.from({ length: 2_500 }, () => someDevice());
      const claims = await Promise.all(
        devices.map(async (device) => ({ device, epoch: (await presence.claim(device, 'one')).epoch })),
      );
      for (const index of [0, 999, 1_000, 2_499]) {
        const { device, epoch } = claims[index] ?? { device: someDevice(), epoch: '' };
        if (index === 999) await presence.claim(device, 'two');
        else await presence.release(device, epoch);
      }
      const kept = await presence.keep('one', claims);
      const changed = kept.flatMap((keeping, index) => (keeping === 'kept' ? [] : [`${index} ${keeping}`]));
      expect(changed).toEqual(['0 restored', '999 taken', '1000 restored', '2499 restored']);
    });
  });
}
