import type { TicketStore } from '../ports/ticket-store.ts';
import { type HarnessMaker, suite } from './harness.ts';
import type { Runner } from './runner.ts';
import { someBytes, someDevice, start } from './samples.ts';

/** What every `TicketStore` must hold. */
export function ticketStoreConformance(runner: Runner, maker: HarnessMaker<{ readonly tickets: TicketStore }>): void {
  const { expect } = runner;
  suite(runner, 'TicketStore', maker, ({ check }) => {
    check('a ticket works once, for its device', async ({ stores: { tickets } }) => {
      const [ticket, device] = [someBytes(32), someDevice(3)];
      await tickets.put(ticket, device, start + 30_000);
      expect(await tickets.redeem(someBytes(32), start)).toBe(undefined);
      expect(await tickets.redeem(ticket, start)).toEqual(device);
      expect(await tickets.redeem(ticket, start)).toBe(undefined);
    });

    check('whose it is is told as it was named, with an incarnation too', async ({ stores: { tickets } }) => {
      const [ticket, device] = [someBytes(32), { ...someDevice(3), incarnation: 'the third' }];
      await tickets.put(ticket, device, start + 30_000);
      expect(await tickets.redeem(ticket, start)).toEqual(device);
    });

    check('of parallel redemptions one wins', async ({ stores: { tickets } }) => {
      const ticket = someBytes(32);
      await tickets.put(ticket, someDevice(), start + 30_000);
      const won = await Promise.all(Array.from({ length: 20 }, () => tickets.redeem(ticket, start)));
      expect(won.filter((device) => device !== undefined).length).toBe(1);
    });

    check('ends to the millisecond', async ({ stores: { tickets } }) => {
      const [first, second] = [someBytes(32), someBytes(32)];
      await tickets.put(first, someDevice(), start + 30_000);
      await tickets.put(second, someDevice(), start + 30_000);
      expect((await tickets.redeem(first, start + 29_999)) === undefined).toBe(false);
      expect(await tickets.redeem(second, start + 30_000)).toBe(undefined);
    });

    check('those of a device are revoked, or those of an account, and no others', async ({ stores: { tickets } }) => {
      const [device, stranger] = [someDevice(1), someDevice(1)];
      const sibling = someDevice(2, device.userId);
      const put = async (owner: typeof device) => {
        const ticket = someBytes(32);
        await tickets.put(ticket, owner, start + 30_000);
        return ticket;
      };
      const [first, second] = [await put(device), await put(device)];
      const [others, kept] = [await put(sibling), await put(sibling)];
      const foreign = await put(stranger);
      await tickets.revoke(device.userId, 1);
      expect(await tickets.redeem(first, start)).toBe(undefined);
      expect(await tickets.redeem(second, start)).toBe(undefined);
      expect(await tickets.redeem(kept, start)).toEqual(sibling);
      await tickets.revoke(device.userId);
      expect(await tickets.redeem(others, start)).toBe(undefined);
      expect(await tickets.redeem(foreign, start)).toEqual(stranger);
    });

    check('later tickets leave earlier ones that still live', async ({ stores: { tickets }, clock }) => {
      const [first, device] = [someBytes(32), someDevice()];
      await tickets.put(first, device, start + 30_000);
      clock.set(start + 20_000);
      for (let count = 0; count < 10; count++) await tickets.put(someBytes(32), someDevice(), start + 50_000);
      expect(await tickets.redeem(first, start + 20_000)).toEqual(device);
    });
  });
}
