import type { DeviceAddress } from '../ports/ids.ts';
import type { Mailbox, MailEntry, MailReader } from '../ports/mailbox.ts';
import type { RelayStores } from '../ports/relay-stores.ts';
import { type HarnessMaker, hex, suite } from './harness.ts';
import { day, mail, quotaOf, readAll, roomy, stored } from './mail-samples.ts';
import type { Runner } from './runner.ts';
import { someAccount, someBytes, someDevice, someList, start } from './samples.ts';

const bytesOf = (entries: readonly MailEntry[]) => entries.map(({ envelope }) => hex(envelope));
const idsOf = (entries: readonly MailEntry[]) => entries.map(({ deliveryId }) => deliveryId);

/** A reader that has come to the end of a mailbox, so that what comes next may be given in another way. */
async function caughtUp(mailbox: Mailbox, device: DeviceAddress): Promise<MailReader> {
  const reader = mailbox.reader(device);
  // The mailbox has been in use: nobody has come to the end of one that was never there.
  await mailbox.append(mail(device), roomy);
  const [last] = (await readAll(reader)).slice(-1);
  await mailbox.ack(device, last === undefined ? [] : [last.deliveryId]);
  return reader;
}

/** Appends so many envelopes at once; gives them in hex, in order. */
async function appendMany(mailbox: Mailbox, to: DeviceAddress, count: number, size: number) {
  const envelopes = Array.from({ length: count }, () => someBytes(size));
  await Promise.all(envelopes.map((envelope) => mailbox.append(mail(to, envelope), roomy)));
  return envelopes.map(hex);
}

/** What a `Mailbox` must hold for readers that have come to the end and go on: adapters may give such mail without reading it back. */
export function liveMailboxConformance(
  runner: Runner,
  maker: HarnessMaker<Pick<RelayStores, 'accounts' | 'mailbox'>>,
): void {
  const { expect } = runner;
  suite(runner, 'Mailbox, live', maker, ({ check, checkWith }) => {
    check('gives what is appended as any reader would: same bytes, ids and order', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      await appendMany(mailbox, to, 3, 40);
      const reader = await caughtUp(mailbox, to);
      const appended = await appendMany(mailbox, to, 7, 40);
      const live = [...(await reader.next(4, start)), ...(await reader.next(4, start))];
      expect(bytesOf(live)).toEqual(appended);
      const all = await readAll(mailbox.reader(to));
      expect(idsOf(all).slice(3).map(hex)).toEqual(idsOf(live).map(hex));
      expect(await reader.next(4, start)).toEqual([]);
    });

    check('gives an append once, whether it looks before the append has resolved or after', async ({ stores }) => {
      const { mailbox } = stores;
      const to = someDevice();
      const reader = await caughtUp(mailbox, to);
      const append = mailbox.append(mail(to, Uint8Array.of(5)), roomy);
      const early = await reader.next(10, start);
      await append;
      expect(bytesOf([...early, ...(await reader.next(10, start))])).toEqual(['05']);
    });

    check('a repeated send gives nothing a second time', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      const reader = await caughtUp(mailbox, to);
      const append = mail(to, Uint8Array.of(6));
      await Promise.all([mailbox.append(append, roomy), mailbox.append(append, roomy)]);
      await mailbox.append(append, roomy);
      expect(bytesOf(await readAll(reader))).toEqual(['06']);
    });

    check('what was refused is not given', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      const reader = await caughtUp(mailbox, to);
      const quota = quotaOf(1, 1000);
      await Promise.all([1, 2, 3].map((byte) => mailbox.append(mail(to, Uint8Array.of(byte)), quota)));
      expect(bytesOf(await readAll(reader))).toEqual(['01']);
    });

    check('several readers of one device each give everything, whichever came to the end first', async ({ stores }) => {
      const { mailbox } = stores;
      const to = someDevice();
      const readers = [await caughtUp(mailbox, to), await caughtUp(mailbox, to), mailbox.reader(to)];
      const given: (string | undefined)[][] = [[], [], []];
      const appended: (string | undefined)[] = [];
      for (let round = 0; round < 12; round++) {
        appended.push(...(await appendMany(mailbox, to, 1 + (round % 4), 30)));
        for (const [index, reader] of readers.entries()) {
          if ((round + index) % 3 !== 0) given[index]?.push(...bytesOf(await reader.next(1 + (round % 5), start)));
        }
      }
      for (const [index, reader] of readers.entries()) given[index]?.push(...bytesOf(await readAll(reader)));
      for (const list of given) expect(list).toEqual(appended);
    });

    check('an entry that was acked before it was given is not given', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      const reader = await caughtUp(mailbox, to);
      const appended = await appendMany(mailbox, to, 6, 30);
      // Another reader takes no part in what this one gives; its ids are those of the entries.
      const ids = idsOf(await mailbox.reader(to).next(6, start));
      expect(
        await mailbox.ack(
          to,
          [1, 2, 4].map((at) => ids[at] ?? someBytes(16)),
        ),
      ).toBe(3);
      expect(bytesOf(await readAll(reader))).toEqual([0, 3, 5].map((at) => appended[at]));
      expect((await mailbox.usage(to)).count).toBe(3);
    });

    check(
      'acks of what was given live count once, in any order, twice in one call and between others',
      async (harness) => {
        const { mailbox } = harness.stores;
        const [to, other] = [someDevice(), someDevice()];
        const reader = await caughtUp(mailbox, to);
        const mixed = Array.from({ length: 40 }, (_, index) =>
          mail(index % 3 === 0 ? other : to, Uint8Array.of(index)),
        );
        await Promise.all(mixed.map((append) => mailbox.append(append, roomy)));
        const ids = idsOf(await readAll(reader));
        expect(ids.length).toBe(26);
        const forged = ids.map((id) => id.map((byte, at) => (at === id.length - 1 ? byte ^ 1 : byte)));
        expect(await mailbox.ack(to, forged)).toBe(0);
        expect(await mailbox.ack(other, ids)).toBe(0);
        const some = [ids[3], ids[4], ids[5], ids[4], ids[20], ids[1], ids[0], ids[0]].map((id) => id ?? someBytes(16));
        expect(await mailbox.ack(to, some)).toBe(6);
        const counts = await Promise.all([mailbox.ack(to, ids), mailbox.ack(to, ids)]);
        expect(counts.sort((one, two) => one - two)).toEqual([0, 20]);
        expect(await stored(mailbox, to)).toEqual([]);
        const usage = await mailbox.usage(to);
        expect([usage.count, usage.bytes]).toEqual([0, 0]);
        expect((await mailbox.usage(other)).count).toBe(14);
      },
    );

    check('what expires before it is given is not given, whether it was deleted or not', async ({ stores }) => {
      const { mailbox } = stores;
      const to = someDevice();
      const reader = await caughtUp(mailbox, to);
      const appendUntil = (byte: number, ms: number) =>
        mailbox.append(mail(to, Uint8Array.of(byte), { expiresAt: start + ms }), roomy);
      await Promise.all([appendUntil(1, 10), appendUntil(2, 30), appendUntil(3, 20), appendUntil(4, 40)]);
      expect(await mailbox.expire(start + 10)).toBe(1);
      expect(bytesOf(await reader.next(1, start + 20))).toEqual(['02']);
      expect(await mailbox.expire(start + 30)).toBe(2);
      expect(bytesOf(await readAll(reader, start + 39))).toEqual(['04']);
      expect((await mailbox.usage(to)).count).toBe(1);
    });

    check('an ack of what has expired since it was given counts only while it is stored', async ({ stores }) => {
      const { mailbox } = stores;
      const to = someDevice();
      const reader = await caughtUp(mailbox, to);
      await Promise.all([10, 20].map((ms) => mailbox.append(mail(to, someBytes(9), { expiresAt: start + ms }), roomy)));
      const ids = idsOf(await readAll(reader));
      await mailbox.expire(start + 10);
      expect(await mailbox.ack(to, ids)).toBe(1);
      expect((await mailbox.usage(to)).bytes).toBe(0);
    });

    check('a flood while the reader rests: all is given, once and in order, then live again', async ({ stores }) => {
      const { mailbox } = stores;
      const to = someDevice();
      const reader = await caughtUp(mailbox, to);
      const many = await appendMany(mailbox, to, 3000, 20);
      const given = bytesOf(await reader.next(10, start));
      many.push(...(await appendMany(mailbox, to, 5, 20)));
      given.push(...bytesOf(await readAll(reader)));
      expect(given).toEqual(many);
      const large = await appendMany(mailbox, to, 12, 250_000);
      const largeGiven = await readAll(reader);
      expect(bytesOf(largeGiven)).toEqual(large);
      expect(await mailbox.ack(to, idsOf(largeGiven))).toBe(12);
      expect(bytesOf(await readAll(reader))).toEqual([]);
    });

    check('thousands given and not acked: each ack still counts', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      const reader = await caughtUp(mailbox, to);
      const ids: Uint8Array[] = [];
      for (let round = 0; round < 6; round++) {
        await appendMany(mailbox, to, 300, 20);
        ids.push(...idsOf(await readAll(reader)));
      }
      expect(await mailbox.ack(to, ids)).toBe(1800);
      expect((await mailbox.usage(to)).count).toBe(0);
    });

    check(
      'mail of a device that left the list is given no more, nor is that of the next under its id',
      async (harness) => {
        const { accounts, mailbox } = harness.stores;
        const account = someAccount();
        await accounts.register({ ...account, deviceList: someList(1, [1, 2]) });
        const second = someDevice(2, account.userId);
        const reader = await caughtUp(mailbox, second);
        await appendMany(mailbox, second, 2, 30);
        const given = await reader.next(1, start);
        await accounts.replaceDeviceList(account.userId, someList(2, [1]));
        expect(await readAll(reader)).toEqual([]);
        expect(await mailbox.ack(second, idsOf(given))).toBe(0);
        await accounts.replaceDeviceList(account.userId, someList(3, [1, 2]));
        const appended = await appendMany(mailbox, second, 2, 30);
        expect(await stored(mailbox, second)).toEqual(appended);
        expect((await mailbox.usage(second)).count).toBe(2);
      },
    );

    check('mail of an account whose number was registered anew is given no more', async ({ stores }) => {
      const { accounts, mailbox } = stores;
      const account = someAccount();
      await accounts.register(account);
      const reader = await caughtUp(mailbox, account.device);
      await appendMany(mailbox, account.device, 2, 30);
      await accounts.register(someAccount({ numberMac: account.numberMac }));
      expect(await readAll(reader)).toEqual([]);
    });

    checkWith(
      'reopen',
      'what was not acked is there after a restart, and later mail has other ids',
      async (harness) => {
        const to = someDevice();
        const reader = await caughtUp(harness.stores.mailbox, to);
        const appended = await appendMany(harness.stores.mailbox, to, 4, 30);
        const ids = idsOf(await readAll(reader));
        await harness.stores.mailbox.ack(to, ids.slice(1));
        await harness.reopen();
        const { mailbox } = harness.stores;
        const again = await caughtUp(mailbox, to);
        expect(await stored(mailbox, to)).toEqual(appended.slice(0, 1));
        await mailbox.append(mail(to, Uint8Array.of(7), { expiresAt: start + day }), roomy);
        expect(bytesOf(await readAll(again))).toEqual(['07']);
        expect(await mailbox.ack(to, ids)).toBe(1);
        expect(await stored(mailbox, to)).toEqual(['07']);
      },
    );
  });
}
