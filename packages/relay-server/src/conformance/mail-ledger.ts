import type { DeviceIncarnation } from '../ports/device-incarnation.ts';
import type { LedgerEntry, MailLedger } from '../ports/mail-ledger.ts';
import { type HarnessMaker, refusalOf, suite } from './harness.ts';
import { someIncarnation } from './incarnation-samples.ts';
import { day, quotaOf, roomy } from './mail-samples.ts';
import type { Runner } from './runner.ts';
import { someBytes, someDevice, someUser, start } from './samples.ts';

const nothing = { count: 0, bytes: 0, strangerCount: 0, strangerBytes: 0, oldest: undefined };

function entry(device: DeviceIncarnation, size = 80, change: Partial<LedgerEntry> = {}): LedgerEntry {
  const times = { acceptedAt: start, expiresAt: start + 30 * day };
  return { device, entryId: someBytes(16), size, stranger: false, ...times, ...change };
}

const idsOf = (entries: readonly LedgerEntry[]) => entries.map(({ entryId }) => entryId);
const some = <T>(count: number, make: (at: number) => T) => Array.from({ length: count }, (_, at) => make(at));

/** What every `MailLedger` must hold. */
export function mailLedgerConformance(runner: Runner, maker: HarnessMaker<{ readonly ledger: MailLedger }>): void {
  const { expect } = runner;
  suite(runner, 'MailLedger', maker, ({ check, checkWith }) => {
    check('tells what a device holds, and since when', async ({ stores: { ledger } }) => {
      const device = someIncarnation();
      expect(await ledger.usage(device)).toEqual(nothing);
      const entries = [entry(device, 5, { acceptedAt: start + 1 }), entry(device, 6, { acceptedAt: start + 2 })];
      for (const each of entries) expect(await ledger.reserve([each], roomy)).toEqual(['accepted']);
      expect(await ledger.usage(device)).toEqual({ ...nothing, count: 2, bytes: 11, oldest: start + 1 });
      expect(await ledger.release(device, idsOf(entries.slice(0, 1)))).toBe(1);
      expect(await ledger.usage(device)).toEqual({ ...nothing, count: 1, bytes: 6, oldest: start + 2 });
      expect(await ledger.release(device, idsOf(entries))).toBe(1);
      expect(await ledger.usage(device)).toEqual(nothing);
      await ledger.reserve([entry(device, 1, { acceptedAt: start + 9 })], roomy);
      expect((await ledger.usage(device)).oldest).toBe(start + 9);
    });

    check('tells when what ends first does', async ({ stores: { ledger } }) => {
      const [one, other] = [someIncarnation(), someIncarnation()];
      const ending = (device: DeviceIncarnation, expiresAt: number) => entry(device, 1, { expiresAt });
      const [first, second, third] = [ending(one, start + 100), ending(one, start + 300), ending(other, start + 200)];
      for (const each of [second, first, third]) await ledger.reserve([each], roomy);
      expect(await ledger.nextEnd()).toBe(start + 100);
      await ledger.release(one, idsOf([first]));
      expect(await ledger.nextEnd()).toBe(start + 200);
      expect(await ledger.expire(start + 250, 10)).toBe(1);
      expect(await ledger.nextEnd()).toBe(start + 300);
      await ledger.release(one, idsOf([second]));
      expect(await ledger.nextEnd()).toBe(undefined);
    });

    check('counts the quota by number and by bytes, exactly', async ({ stores: { ledger } }) => {
      const device = someIncarnation();
      const status = async (size: number, count = 100) =>
        (await ledger.reserve([entry(device, size)], quotaOf(count, 100)))[0];
      expect(await status(60)).toBe('accepted');
      expect(await status(41)).toBe('full');
      expect(await status(39, 1)).toBe('full');
      expect(await status(40, 2)).toBe('accepted');
      expect(await status(1)).toBe('full');
      expect(await status(0)).toBe('accepted');
      expect(await status(0, 3)).toBe('full');
      expect(await ledger.usage(device)).toEqual({ ...nothing, count: 3, bytes: 100, oldest: start });
    });

    check('strangers fill their share and no more [security: mailbox-flood]', async ({ stores: { ledger } }) => {
      const device = someIncarnation();
      const quota = { count: 5, bytes: 1_000, strangerCount: 2, strangerBytes: 200 };
      const status = async (size: number, stranger: boolean) =>
        (await ledger.reserve([entry(device, size, { stranger })], quota))[0];
      expect(await status(300, false)).toBe('accepted');
      expect(await status(150, true)).toBe('accepted');
      expect(await status(51, true)).toBe('full');
      expect(await status(50, true)).toBe('accepted');
      expect(await status(0, true)).toBe('full');
      expect(await status(500, false)).toBe('accepted');
      expect(await status(1, false)).toBe('full');
      const held = { count: 4, bytes: 1_000, strangerCount: 2, strangerBytes: 200, oldest: start };
      expect(await ledger.usage(device)).toEqual(held);
    });

    check('several devices at once: each by itself, one after the other', async ({ stores: { ledger } }) => {
      const user = someUser();
      const [one, two, three] = [1, 2, 3].map((deviceId) => someIncarnation(someDevice(deviceId, user)));
      if (one === undefined || two === undefined || three === undefined) return;
      const quota = quotaOf(2, 100);
      await ledger.reserve([entry(two, 30)], quota);
      const entries = [
        entry(one, 60),
        entry(two, 71),
        entry(three, 100),
        entry(one, 41),
        entry(one, 40),
        entry(one, 0),
      ];
      const statuses = await ledger.reserve(entries, quota);
      expect(statuses).toEqual(['accepted', 'full', 'accepted', 'full', 'accepted', 'full']);
      const bytes = await Promise.all([one, two, three].map(async (device) => (await ledger.usage(device)).bytes));
      expect(bytes).toEqual([100, 30, 100]);
    });

    check('entries of several users come back in their order', async ({ stores: { ledger } }) => {
      const devices = some(40, () => someIncarnation());
      const entries = [...devices, ...devices].map((device, at) => entry(device, at));
      const statuses = await ledger.reserve(entries, quotaOf(10, 60));
      const expected = some(80, (at) => (at < 40 || (at <= 60 && at + at - 40 <= 60) ? 'accepted' : 'full'));
      expect(statuses).toEqual(expected);
      expect(await ledger.reserve([], roomy)).toEqual([]);
    });

    check('what came twice under one id counts once, as it did first', async ({ stores: { ledger } }) => {
      const device = someIncarnation();
      const first = entry(device, 70);
      const quota = quotaOf(10, 100);
      expect(await ledger.reserve([first, first], quota)).toEqual(['accepted', 'accepted']);
      expect(await ledger.reserve([{ ...first, size: 90, stranger: true }], quota)).toEqual(['accepted']);
      expect(await ledger.usage(device)).toEqual({ ...nothing, count: 1, bytes: 70, oldest: start });
      const refused = entry(device, 31);
      expect(await ledger.reserve([refused], quota)).toEqual(['full']);
      await ledger.release(device, [first.entryId]);
      expect(await ledger.reserve([refused], quota)).toEqual(['accepted']);
    });

    check('the quota holds under concurrency, and releases make room again', async ({ stores: { ledger } }) => {
      const device = someIncarnation();
      const quota = quotaOf(10, 10_000);
      const fill = async () => {
        const entries = some(30, () => entry(device));
        const statuses = await Promise.all(entries.map(async (each) => (await ledger.reserve([each], quota))[0]));
        return entries.filter((_, at) => statuses[at] === 'accepted');
      };
      const held = await fill();
      expect(held.length).toBe(10);
      expect(await ledger.release(device, idsOf(held.slice(2, 6)))).toBe(4);
      expect((await fill()).length).toBe(4);
      expect((await ledger.usage(device)).count).toBe(10);
    });

    check('an entry is released once, and by its device alone', async ({ stores: { ledger } }) => {
      const device = someIncarnation();
      const entries = some(4, () => entry(device));
      await ledger.reserve(entries, roomy);
      const [first] = idsOf(entries);
      for (const other of [someIncarnation(device), someIncarnation()]) {
        expect(await ledger.release(other, idsOf(entries))).toBe(0);
      }
      for (const length of [0, 1, 16, 32, 33]) expect(await ledger.release(device, [someBytes(length)])).toBe(0);
      expect(await ledger.release(device, [])).toBe(0);
      if (first === undefined) return;
      expect(await ledger.release(device, [first.subarray(0, 15), Uint8Array.of(...first, 0)])).toBe(0);
      expect(await ledger.release(device, [first, first])).toBe(1);
      const counts = await Promise.all(some(20, () => ledger.release(device, idsOf(entries))));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(3);
      expect(await ledger.usage(device)).toEqual(nothing);
    });

    check('ids may be of 1 to 32 bytes, whatever these are', async ({ stores: { ledger } }) => {
      const device = someIncarnation();
      const ids = [
        Uint8Array.of(0),
        new Uint8Array(32),
        new Uint8Array(32).fill(0xff),
        Uint8Array.of(0x0a),
        someBytes(2),
      ];
      await ledger.reserve(
        ids.map((entryId) => entry(device, 1, { entryId })),
        roomy,
      );
      expect((await ledger.usage(device)).count).toBe(5);
      expect(await ledger.release(device, ids)).toBe(5);
    });

    check('refuses what is out of bounds, and counts nothing of the call', async ({ stores: { ledger } }) => {
      const device = someIncarnation();
      const bad: Partial<LedgerEntry>[] = [
        { entryId: new Uint8Array(0) },
        { entryId: new Uint8Array(33) },
        { size: 2 ** 31 },
        { size: -1 },
        { size: 1.5 },
        { acceptedAt: -1 },
        { expiresAt: Number.NaN },
      ];
      for (const change of bad) {
        expect(await refusalOf(ledger.reserve([entry(device), entry(device, 1, change)], roomy))).toBe('internal');
      }
      expect(await ledger.usage(device)).toEqual(nothing);
    });

    check('sizes add up without loss', async ({ stores: { ledger } }) => {
      const device = someIncarnation();
      const most = 2 ** 31 - 1;
      const wide = quotaOf(100, Number.MAX_SAFE_INTEGER);
      const entries = some(5, () => entry(device, most, { stranger: true }));
      expect(new Set(await ledger.reserve(entries, wide))).toEqual(new Set(['accepted']));
      const held = { count: 5, bytes: 5 * most, strangerCount: 5, strangerBytes: 5 * most, oldest: start };
      expect(await ledger.usage(device)).toEqual(held);
      expect(await ledger.reserve([entry(device, 1)], quotaOf(100, 5 * most))).toEqual(['full']);
    });

    check('counts out what has expired, to the millisecond', async ({ stores: { ledger } }) => {
      const [device, other] = [someIncarnation(), someIncarnation()];
      await ledger.reserve([entry(device, 7, { expiresAt: start + 10, stranger: true }), entry(device, 8)], roomy);
      await ledger.reserve([entry(other, 9, { expiresAt: start + 20 })], roomy);
      expect(await ledger.expire(start + 9, 100)).toBe(0);
      expect((await ledger.usage(device)).count).toBe(2);
      expect(await ledger.expire(start + 10, 100)).toBe(1);
      expect(await ledger.usage(device)).toEqual({ ...nothing, count: 1, bytes: 8, oldest: start });
      expect(await ledger.expire(start + 10, 100)).toBe(0);
      expect(await ledger.expire(start + 20, 100)).toBe(1);
      expect(await ledger.usage(other)).toEqual(nothing);
      expect(await ledger.expire(start + 30 * day, 100)).toBe(1);
      expect(await ledger.usage(device)).toEqual(nothing);
    });

    check('what expires counts until it is swept; what was released before is not counted', async ({ stores }) => {
      const { ledger } = stores;
      const device = someIncarnation();
      const quota = quotaOf(2, 1_000);
      const entries = some(2, () => entry(device, 10, { expiresAt: start + 1 }));
      await ledger.reserve(entries, quota);
      expect(await ledger.reserve([entry(device, 10, { acceptedAt: start + 5 })], quota)).toEqual(['full']);
      expect(await ledger.release(device, idsOf(entries.slice(1)))).toBe(1);
      expect(await ledger.expire(start + 5, 100)).toBe(1);
      expect(await ledger.release(device, idsOf(entries))).toBe(0);
      expect(await ledger.usage(device)).toEqual(nothing);
    });

    check('expires in steps of at most the limit', async ({ stores: { ledger } }) => {
      const devices = some(7, () => someIncarnation());
      for (const device of devices) {
        await ledger.reserve(
          some(5, (at) => entry(device, 1, { expiresAt: start + at })),
          roomy,
        );
      }
      const steps: number[] = [];
      for (let last = 8; last === 8; ) {
        last = await ledger.expire(start + 3, 8);
        steps.push(last);
      }
      expect(steps).toEqual([8, 8, 8, 4]);
      for (const device of devices) expect((await ledger.usage(device)).count).toBe(1);
    });

    check('thousands of one device: expired in steps, beside what stays', async ({ stores: { ledger } }) => {
      const device = someIncarnation();
      const all = some(3_000, (at) =>
        entry(device, 3, { acceptedAt: start + at, expiresAt: start + (at % 3 === 0 ? 10 : 20 + at) }),
      );
      for (let at = 0; at < all.length; at += 500) await ledger.reserve(all.slice(at, at + 500), roomy);
      let expired = 0;
      for (let last = 300; last === 300; expired += last) last = await ledger.expire(start + 10, 300);
      expect(expired).toBe(1_000);
      const { count, bytes } = await ledger.usage(device);
      expect([count, bytes]).toEqual([2_000, 6_000]);
      expect(await ledger.release(device, idsOf(all))).toBe(2_000);
      expect(await ledger.usage(device)).toEqual(nothing);
      expect(await ledger.expire(start + 30 * day, 300)).toBe(0);
    });

    check('several sweepers at once count each entry once', async ({ stores: { ledger } }) => {
      const devices = some(20, () => someIncarnation());
      for (const device of devices)
        await ledger.reserve(
          some(30, () => entry(device, 1, { expiresAt: start })),
          roomy,
        );
      const sweep = async () => {
        let expired = 0;
        for (let last = 50; last === 50; expired += last) last = await ledger.expire(start, 50);
        return expired;
      };
      const counts = await Promise.all(some(5, sweep));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(600);
      for (const device of devices) expect(await ledger.usage(device)).toEqual(nothing);
    });

    check('an entry that ends earlier than all others is found, and one that comes later', async ({ stores }) => {
      const { ledger } = stores;
      const device = someIncarnation();
      await ledger.reserve([entry(device, 1, { expiresAt: start + 100 })], roomy);
      await ledger.reserve([entry(device, 1, { expiresAt: start + 50 })], roomy);
      await ledger.reserve([entry(device, 1, { expiresAt: start + 200 })], roomy);
      expect(await ledger.expire(start + 50, 10)).toBe(1);
      await ledger.reserve([entry(device, 1, { expiresAt: start + 70 })], roomy);
      expect(await ledger.expire(start + 99, 10)).toBe(1);
      expect(await ledger.expire(start + 100, 10)).toBe(1);
      expect(await ledger.expire(start + 200, 10)).toBe(1);
      expect(await ledger.usage(device)).toEqual(nothing);
    });

    check('a device that is gone holds nothing, and the next of its id has room', async ({ stores: { ledger } }) => {
      const device = someIncarnation();
      const next = someIncarnation(device);
      const entries = some(3, () => entry(device, 50));
      await ledger.reserve(entries, quotaOf(3, 1_000));
      await ledger.reserve([entry(next, 9)], roomy);
      await ledger.forget(device);
      await ledger.forget(device);
      expect(await ledger.usage(device)).toEqual(nothing);
      expect(await ledger.release(device, idsOf(entries))).toBe(0);
      expect(await ledger.expire(start + 30 * day - 1, 100)).toBe(0);
      expect((await ledger.usage(next)).bytes).toBe(9);
      expect(await ledger.expire(start + 30 * day, 100)).toBe(1);
    });

    check('200 reserves and releases of several devices at once: all add up', async ({ stores: { ledger } }) => {
      const devices = some(3, () => someIncarnation());
      const entries = some(200, (at) => entry(devices[at % 3] ?? someIncarnation(), at, { stranger: at % 2 === 0 }));
      const released = await Promise.all(
        entries.map(async (each) => {
          await ledger.reserve([each], roomy);
          const counts = await Promise.all([
            ledger.release(each.device, [each.entryId]),
            ledger.release(each.device, [each.entryId]),
          ]);
          return counts[0] + counts[1];
        }),
      );
      expect(released).toEqual(entries.map(() => 1));
      for (const device of devices) expect(await ledger.usage(device)).toEqual(nothing);
    });

    checkWith('reopen', 'what devices hold outlives a restart', async (harness) => {
      const device = someIncarnation();
      const entries = [entry(device, 5, { stranger: true }), entry(device, 6)];
      await harness.stores.ledger.reserve(entries, roomy);
      await harness.reopen();
      const { ledger } = harness.stores;
      expect(await ledger.usage(device)).toEqual({
        count: 2,
        bytes: 11,
        strangerCount: 1,
        strangerBytes: 5,
        oldest: start,
      });
      expect(await ledger.release(device, idsOf(entries))).toBe(2);
    });
  });
}
