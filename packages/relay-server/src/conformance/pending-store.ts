import { randomUUID } from 'node:crypto';
import { dayMs, dayOf } from '../platform/utc-day.ts';
import type { DeviceKey, LaneId } from '../ports/ids.ts';
import { longestPendingMs, type PendingMail, type PendingRow, type PendingStore } from '../ports/pending-store.ts';
import { type HarnessMaker, hex, suite } from './harness.ts';
import type { Runner } from './runner.ts';
import { someBytes, start } from './samples.ts';

const laneA = 'cluster/topic/0' as LaneId;
const laneB = 'cluster/topic/1' as LaneId;
const everything = { after: -1, upTo: Number.MAX_SAFE_INTEGER, limit: 1_000 };

function someKey(): DeviceKey {
  return `${randomUUID()}/1/${randomUUID()}` as DeviceKey;
}

function rowOf(device: DeviceKey, ko: number, change: Partial<PendingRow> = {}): PendingRow {
  const time = change.time ?? start;
  return { device, lane: laneA, ko, time, expiresAt: time + longestPendingMs, envelope: someBytes(40), ...change };
}

function rowsOf(device: DeviceKey, offsets: readonly number[], change: Partial<PendingRow> = {}): PendingRow[] {
  return offsets.map((ko) => rowOf(device, ko, change));
}

function placeOf({ lane, ko, time }: PendingRow) {
  return { lane, ko, day: dayOf(time) };
}

function offsetsOf(mail: readonly PendingMail[]): number[] {
  return mail.map(({ ko }) => ko);
}

/** What every `PendingStore` must hold. */
export function pendingStoreConformance(runner: Runner, maker: HarnessMaker<{ readonly pending: PendingStore }>): void {
  const { expect } = runner;

  async function offsets(pending: PendingStore, device: DeviceKey, lane = laneA, now = start): Promise<number[]> {
    return offsetsOf(await pending.page({ device, lane, ...everything, now }));
  }

  suite(runner, 'PendingStore', maker, ({ check, checkWith }) => {
    check('gives mail back as it was, in the order of the offsets', async ({ stores: { pending } }) => {
      const device = someKey();
      const rows = [7, 3, 2 ** 53 - 2, 12, 0].map((ko) => rowOf(device, ko, { envelope: someBytes(ko % 50) }));
      await pending.spill(rows, start);
      const mail = await pending.page({ device, lane: laneA, ...everything, now: start });
      const sorted = rows.toSorted((one, other) => one.ko - other.ko);
      expect(offsetsOf(mail)).toEqual(offsetsOf(sorted));
      expect(mail.map(({ envelope }) => hex(envelope))).toEqual(sorted.map(({ envelope }) => hex(envelope)));
      expect(mail.map(({ time, expiresAt }) => [time, expiresAt])).toEqual(
        sorted.map(({ time, expiresAt }) => [time, expiresAt]),
      );
    });

    check(
      'a page begins behind its lower bound, ends at its upper one, and has so many at most',
      async ({ stores }) => {
        const { pending } = stores;
        const device = someKey();
        await pending.spill(rowsOf(device, [2, 4, 6, 8, 10]), start);
        const page = async (after: number, upTo: number, limit: number) =>
          offsetsOf(await pending.page({ device, lane: laneA, after, upTo, limit, now: start }));
        expect(await page(4, 8, 10)).toEqual([6, 8]);
        expect(await page(3, 9, 2)).toEqual([4, 6]);
        expect(await page(10, 20, 5)).toEqual([]);
        expect(await page(-1, 2, 1)).toEqual([2]);
        expect(await page(-1, 10, 0)).toEqual([]);
      },
    );

    check(
      'the view bounds what there is, lane by lane, and has nothing of a device without mail',
      async ({ stores }) => {
        const { pending } = stores;
        const device = someKey();
        expect(await pending.view(device)).toEqual({ cursors: [], spans: [] });
        await pending.spill([...rowsOf(device, [5, 9]), rowOf(device, 3, { lane: laneB })], start);
        await pending.spill([rowOf(device, 12, { time: start + 2 * dayMs })], start);
        const { cursors, spans } = await pending.view(device);
        expect(cursors).toEqual([]);
        expect(spans.map(({ lane, last, days }) => [lane, last, days])).toEqual([
          [laneA, 12, [dayOf(start), dayOf(start) + 2]],
          [laneB, 3, [dayOf(start)]],
        ]);
        expect(spans.map(({ lane, first }) => first <= (lane === laneA ? 5 : 3))).toEqual([true, true]);
      },
    );

    check('a repeated spill is one mail', async ({ stores: { pending } }) => {
      const device = someKey();
      const row = rowOf(device, 5);
      await pending.spill([row], start);
      await pending.spill([row, row], start + 1_000);
      await Promise.all(Array.from({ length: 10 }, () => pending.spill([row], start + 2_000)));
      const mail = await pending.page({ device, lane: laneA, ...everything, now: start });
      expect(mail.map(({ ko, envelope }) => [ko, hex(envelope)])).toEqual([[5, hex(row.envelope)]]);
    });

    check('what is acked in order is gone, and nothing above it', async ({ stores: { pending } }) => {
      const device = someKey();
      await pending.spill(rowsOf(device, [1, 2, 3, 4, 5]), start);
      await pending.forgetUpTo(device, laneA, 3);
      expect(await offsets(pending, device)).toEqual([4, 5]);
      expect((await pending.view(device)).cursors).toEqual([{ lane: laneA, ko: 3 }]);
      expect((await pending.view(device)).spans.map(({ last }) => last)).toEqual([5]);
      await pending.forgetUpTo(device, laneA, 5);
      expect(await offsets(pending, device)).toEqual([]);
      expect(await pending.view(device)).toEqual({ cursors: [{ lane: laneA, ko: 5 }], spans: [] });
    });

    check('a late spill below the cursor is never given', async ({ stores: { pending } }) => {
      const device = someKey();
      await pending.spill(rowsOf(device, [10, 11, 12]), start);
      await pending.forgetUpTo(device, laneA, 12);
      await pending.spill([rowOf(device, 9), rowOf(device, 11), rowOf(device, 12)], start + dayMs);
      // Of another day, which no range was deleted in.
      await pending.spill([rowOf(device, 8, { time: start - 3 * dayMs })], start);
      expect(await offsets(pending, device)).toEqual([]);
      for (const { last } of (await pending.view(device)).spans) expect(last <= 12).toBe(true);
      // Nor when what is left of it is deleted once more, or not.
      await pending.forgetUpTo(device, laneA, 12);
      expect(await offsets(pending, device)).toEqual([]);
    });

    check(
      'a late spill above the cursor is given, whatever was deleted in its day',
      async ({ stores: { pending } }) => {
        const device = someKey();
        await pending.spill(rowsOf(device, [10, 11, 12]), start);
        await pending.forgetUpTo(device, laneA, 12);
        // Accepted before all that was deleted, by its time.
        const late = rowOf(device, 13, { time: start - 1_000 });
        await pending.spill([late, rowOf(device, 15)], start + dayMs);
        expect(await offsets(pending, device)).toEqual([13, 15]);
        const { spans } = await pending.view(device);
        expect(spans.map(({ lane, last }) => [lane, last])).toEqual([[laneA, 15]]);
        await pending.spill([rowOf(device, 14)], start + dayMs);
        expect(await offsets(pending, device)).toEqual([13, 14, 15]);
      },
    );

    check('a range delete takes no later mail, of the same day or another, now or afterwards', async ({ stores }) => {
      const { pending } = stores;
      const device = someKey();
      await pending.spill(rowsOf(device, [1, 2, 30]), start);
      await pending.spill(rowsOf(device, [3, 31], { time: start + dayMs }), start);
      for (const upTo of [1, 2, 3, 29]) await pending.forgetUpTo(device, laneA, upTo);
      await pending.spill([rowOf(device, 32), rowOf(device, 33, { time: start + dayMs })], start);
      expect(await offsets(pending, device)).toEqual([30, 31, 32, 33]);
    });

    check('a cursor never goes back, whoever comes last', async ({ stores: { pending } }) => {
      const device = someKey();
      await pending.spill(rowsOf(device, [1, 2, 3, 4, 5, 6]), start);
      await Promise.all([5, 2, 4, 1, 3].map((upTo) => pending.forgetUpTo(device, laneA, upTo)));
      await pending.forgetUpTo(device, laneA, 2);
      expect((await pending.view(device)).cursors).toEqual([{ lane: laneA, ko: 5 }]);
      await pending.spill(rowsOf(device, [3, 4]), start);
      expect(await offsets(pending, device)).toEqual([6]);
      // The first offset there is counts as well.
      await pending.forgetUpTo(device, laneB, 0);
      await pending.spill([rowOf(device, 0, { lane: laneB })], start);
      expect(await offsets(pending, device, laneB)).toEqual([]);
    });

    check('acks out of order, and repeated ones, delete that mail alone', async ({ stores: { pending } }) => {
      const device = someKey();
      const rows = rowsOf(device, [1, 2, 3, 4, 5]);
      await pending.spill(rows, start);
      for (const index of [3, 1, 3]) {
        const row = rows[index];
        if (row !== undefined) await pending.forgetOne(device, placeOf(row));
      }
      expect(await offsets(pending, device)).toEqual([1, 3, 5]);
      expect((await pending.view(device)).cursors).toEqual([]);
      await pending.forgetUpTo(device, laneA, 2);
      expect(await offsets(pending, device)).toEqual([3, 5]);
    });

    check('what was acked does not come back by a spill that is repeated', async ({ stores: { pending } }) => {
      const device = someKey();
      const rows = rowsOf(device, [1, 2, 3, 4]);
      await pending.spill(rows, start);
      await pending.forgetUpTo(device, laneA, 1);
      await pending.forgetOne(device, placeOf(rowOf(device, 3)));
      await pending.spill(rows, start + 20 * dayMs);
      expect(await offsets(pending, device)).toEqual([2, 4]);
      // An ack may come before the spill: the dispatcher did not hear of it.
      await pending.forgetOne(device, placeOf(rowOf(device, 9)));
      await pending.spill(rowsOf(device, [8, 9, 10]), start);
      expect(await offsets(pending, device)).toEqual([2, 4, 8, 10]);
    });

    check('pages are full also when what is between is gone', async ({ stores: { pending } }) => {
      const device = someKey();
      const rows = Array.from({ length: 40 }, (_, ko) =>
        rowOf(device, ko, ko % 3 === 1 ? { expiresAt: start + 1_000 } : {}),
      );
      await pending.spill(rows, start);
      await Promise.all(rows.filter(({ ko }) => ko % 3 === 2).map((row) => pending.forgetOne(device, placeOf(row))));
      const found: number[] = [];
      for (let pages = 0; pages < 5; pages++) {
        const after = found.at(-1) ?? -1;
        const page = await pending.page({ device, lane: laneA, after, upTo: 39, limit: 3, now: start + 1_000 });
        expect(page.length).toBe(pages < 4 ? 3 : 2);
        found.push(...offsetsOf(page));
      }
      expect(found).toEqual(offsetsOf(rows.filter(({ ko }) => ko % 3 === 0)));
    });

    check('two readers see the same, and what one forgets is gone for both', async ({ stores: { pending } }) => {
      const device = someKey();
      await pending.spill(rowsOf(device, [1, 2, 3, 4]), start);
      const both = () => Promise.all([offsets(pending, device), offsets(pending, device)]);
      expect(await both()).toEqual([
        [1, 2, 3, 4],
        [1, 2, 3, 4],
      ]);
      await Promise.all([pending.forgetUpTo(device, laneA, 2), pending.forgetUpTo(device, laneA, 1)]);
      expect(await both()).toEqual([
        [3, 4],
        [3, 4],
      ]);
    });

    check('expires to the millisecond, and what has expired is not taken', async ({ stores: { pending } }) => {
      const device = someKey();
      const expiresAt = start + 5_000;
      await pending.spill([rowOf(device, 1, { expiresAt }), rowOf(device, 2)], start);
      await pending.spill([rowOf(device, 3, { expiresAt })], expiresAt - 1);
      await pending.spill([rowOf(device, 4, { expiresAt })], expiresAt);
      expect(await offsets(pending, device, laneA, expiresAt - 1)).toEqual([1, 2, 3]);
      expect(await offsets(pending, device, laneA, expiresAt)).toEqual([2]);
      expect(await offsets(pending, device, laneA, start + longestPendingMs - 1)).toEqual([2]);
      expect(await offsets(pending, device, laneA, start + longestPendingMs)).toEqual([]);
    });

    check('mail that ends soon takes nothing along that ends later', async ({ stores: { pending } }) => {
      const device = someKey();
      await pending.spill([rowOf(device, 1)], start);
      await pending.spill([rowOf(device, 2, { expiresAt: start + 60_000 })], start);
      await pending.forgetOne(device, placeOf(rowOf(device, 2)));
      expect(await offsets(pending, device)).toEqual([1]);
      expect((await pending.view(device)).spans.map(({ lane, first }) => [lane, first <= 1])).toEqual([[laneA, true]]);
    });

    check('lanes of one device stay apart, and devices do', async ({ stores: { pending } }) => {
      const [one, other] = [someKey(), someKey()];
      const [mine, next] = [rowsOf(one, [1, 2, 3]), rowsOf(one, [1, 2, 3], { lane: laneB })];
      await pending.spill([...mine, ...next, ...rowsOf(other, [1, 2, 3])], start);
      await pending.forgetUpTo(one, laneA, 2);
      await pending.forgetOne(one, { lane: laneB, ko: 3, day: dayOf(start) });
      expect(await offsets(pending, one, laneA)).toEqual([3]);
      expect(await offsets(pending, one, laneB)).toEqual([1, 2]);
      expect(await offsets(pending, other, laneA)).toEqual([1, 2, 3]);
      expect((await pending.view(one)).cursors).toEqual([{ lane: laneA, ko: 2 }]);
      await pending.forgetUpTo(one, laneB, 2);
      expect((await pending.view(one)).cursors).toEqual([
        { lane: laneA, ko: 2 },
        { lane: laneB, ko: 2 },
      ]);
      expect((await pending.view(other)).cursors).toEqual([]);
      const page = await pending.page({ device: one, lane: laneB, ...everything, now: start });
      expect(page.map(({ envelope }) => hex(envelope))).toEqual([]);
    });

    check('offsets go on over midnight, and when the clock of the log goes back over it', async ({ stores }) => {
      const { pending } = stores;
      const device = someKey();
      const midnight = (dayOf(start) + 1) * dayMs;
      const times = [midnight - 2, midnight - 1, midnight, midnight + 1, midnight - 1, midnight + 2, midnight - 1];
      const rows = times.map((time, ko) => rowOf(device, ko, { time }));
      await pending.spill(rows, start);
      expect(await offsets(pending, device)).toEqual([0, 1, 2, 3, 4, 5, 6]);
      expect((await pending.view(device)).spans).toEqual([
        { lane: laneA, first: 0, last: 6, days: [dayOf(start), dayOf(start) + 1] },
      ]);
      const pages: number[][] = [];
      for (let after = -1; after < 6; after = pages.at(-1)?.at(-1) ?? 6) {
        const page = await pending.page({ device, lane: laneA, after, upTo: 6, limit: 2, now: start });
        pages.push(offsetsOf(page));
      }
      expect(pages).toEqual([[0, 1], [2, 3], [4, 5], [6]]);
      await pending.forgetUpTo(device, laneA, 4);
      expect(await offsets(pending, device)).toEqual([5, 6]);
    });

    check('thirty days of mail are found, acked and deleted day by day', async ({ stores: { pending } }) => {
      const device = someKey();
      const rows = Array.from({ length: 31 }, (_, day) =>
        rowsOf(device, [2 * day, 2 * day + 1], { time: start + day * dayMs - (day === 30 ? 1 : 0) }),
      ).flat();
      const now = start + longestPendingMs - 1;
      await pending.spill(rows, now);
      expect(await offsets(pending, device, laneA, now)).toEqual(offsetsOf(rows));
      expect((await pending.view(device)).spans[0]?.days.length).toBe(31);
      // The oldest have their time.
      expect((await offsets(pending, device, laneA, now + 1)).slice(0, 2)).toEqual([2, 3]);
      await pending.forgetUpTo(device, laneA, 40);
      expect(await offsets(pending, device, laneA, now)).toEqual(offsetsOf(rows).slice(41));
      await pending.forgetUpTo(device, laneA, 61);
      expect((await pending.view(device)).spans).toEqual([]);
    });

    check('thousands are read by pages while more is spilled, and none is passed over', async ({ stores }) => {
      const { pending } = stores;
      const device = someKey();
      const count = 3_000;
      const rows = Array.from({ length: count }, (_, ko) =>
        rowOf(device, 3 * ko, { time: start + Math.floor(ko / 500) * dayMs, envelope: new Uint8Array([ko & 255]) }),
      );
      await pending.spill(rows.slice(0, 2_000), start);
      const found: number[] = [];
      let spilled = 2_000;
      let after = -1;
      for (;;) {
        const last = (await pending.view(device)).spans[0]?.last ?? -1;
        if (last <= after && spilled === count) break;
        const page = { device, lane: laneA, after, upTo: last, limit: 256, now: start };
        const [mail] = await Promise.all([
          pending.page(page),
          pending.spill(rows.slice(spilled, spilled + 200), start),
        ]);
        spilled = Math.min(spilled + 200, count);
        found.push(...offsetsOf(mail));
        after = mail.length < 256 ? last : (mail.at(-1)?.ko ?? last);
        if (found.length % 3 === 0) await pending.forgetUpTo(device, laneA, after);
      }
      expect(found).toEqual(offsetsOf(rows));
      await pending.forgetUpTo(device, laneA, after);
      expect((await pending.view(device)).spans).toEqual([]);
    });

    check(
      'of a device that is forgotten nothing is given, also of what comes late; the next is another',
      async (harness) => {
        const { pending } = harness.stores;
        const [gone, next] = [someKey(), someKey()];
        await pending.spill([...rowsOf(gone, [1, 2, 3]), ...rowsOf(next, [4])], start);
        await pending.forgetUpTo(gone, laneA, 1);
        await pending.forget(gone);
        await pending.spill([rowOf(gone, 5), rowOf(gone, 6, { time: start + dayMs })], start);
        await pending.forgetUpTo(gone, laneA, 5);
        expect(await offsets(pending, gone)).toEqual([]);
        expect(await pending.view(gone)).toEqual({ cursors: [], spans: [] });
        expect(await offsets(pending, next)).toEqual([4]);
        await pending.forget(gone);
        await pending.forget(someKey());
      },
    );

    checkWith('reopen', 'mail, cursors and acks outlive a restart', async (harness) => {
      const [device, gone] = [someKey(), someKey()];
      const rows = rowsOf(device, [1, 2, 3, 4]);
      await harness.stores.pending.spill([...rows, ...rowsOf(gone, [1])], start);
      await harness.stores.pending.forgetUpTo(device, laneA, 1);
      await harness.stores.pending.forgetOne(device, placeOf(rowOf(device, 3)));
      await harness.stores.pending.forget(gone);
      await harness.reopen();
      const { pending } = harness.stores;
      await pending.spill([...rows, ...rowsOf(gone, [1, 2])], start);
      expect(await offsets(pending, device)).toEqual([2, 4]);
      expect((await pending.view(device)).cursors).toEqual([{ lane: laneA, ko: 1 }]);
      expect(await offsets(pending, gone)).toEqual([]);
    });
  });
}
