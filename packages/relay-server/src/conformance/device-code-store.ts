import type { DeviceCodeStore } from '../ports/device-code-store.ts';
import { type HarnessMaker, suite } from './harness.ts';
import type { Runner } from './runner.ts';
import { someBytes, someDevice, start } from './samples.ts';

/** What every `DeviceCodeStore` must hold. */
export function deviceCodeStoreConformance(
  runner: Runner,
  maker: HarnessMaker<{ readonly deviceCodes: DeviceCodeStore }>,
): void {
  const { expect } = runner;
  suite(runner, 'DeviceCodeStore', maker, ({ check }) => {
    check('a code belongs to its first claim, which may come again', async ({ stores: { deviceCodes } }) => {
      const [code, device, claim] = [someBytes(32), someDevice(), someBytes(16)];
      await deviceCodes.issue(code, device, start + 120_000);
      expect(await deviceCodes.claim(someBytes(32), claim, start)).toBe(undefined);
      expect(await deviceCodes.claim(code, claim, start)).toEqual(device);
      expect(await deviceCodes.claim(code, claim, start + 1)).toEqual(device);
      expect(await deviceCodes.claim(code, someBytes(16), start)).toBe(undefined);
      expect(await deviceCodes.claim(code, claim, start)).toEqual(device);
    });

    check('of parallel claims one gets it', async ({ stores: { deviceCodes } }) => {
      const [code, device] = [someBytes(32), someDevice()];
      await deviceCodes.issue(code, device, start + 120_000);
      const won = await Promise.all(Array.from({ length: 20 }, () => deviceCodes.claim(code, someBytes(16), start)));
      expect(won.filter((owner) => owner !== undefined).length).toBe(1);
    });

    check('ends to the millisecond, also for who claimed it', async ({ stores: { deviceCodes } }) => {
      const [code, claim] = [someBytes(32), someBytes(16)];
      await deviceCodes.issue(code, someDevice(), start + 120_000);
      expect((await deviceCodes.claim(code, claim, start + 119_999)) === undefined).toBe(false);
      expect(await deviceCodes.claim(code, claim, start + 120_000)).toBe(undefined);
    });

    check('those of a device are revoked, or those of an account, and no others', async ({ stores }) => {
      const { deviceCodes } = stores;
      const [device, stranger] = [someDevice(1), someDevice(1)];
      const sibling = someDevice(2, device.userId);
      const issue = async (owner: typeof device) => {
        const code = someBytes(32);
        await deviceCodes.issue(code, owner, start + 120_000);
        return code;
      };
      const [own, others, kept, foreign] = [
        await issue(device),
        await issue(sibling),
        await issue(sibling),
        await issue(stranger),
      ];
      await deviceCodes.revoke(device.userId, 1);
      expect(await deviceCodes.claim(own, someBytes(16), start)).toBe(undefined);
      expect(await deviceCodes.claim(kept, someBytes(16), start)).toEqual(sibling);
      await deviceCodes.revoke(device.userId);
      expect(await deviceCodes.claim(others, someBytes(16), start)).toBe(undefined);
      expect(await deviceCodes.claim(foreign, someBytes(16), start)).toEqual(stranger);
    });
  });
}
