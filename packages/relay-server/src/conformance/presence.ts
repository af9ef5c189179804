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
  });
}
