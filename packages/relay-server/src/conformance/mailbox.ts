import type { DeviceAddress } from '../ports/ids.ts';
import type { MailAppend, Mailbox, MailOrder } from '../ports/mailbox.ts';
import { type HarnessMaker, hex, holds, refusalOf, suite } from './harness.ts';
import { day, mail, mailToDevices, quotaOf, readAll, roomy, stored, strangersMail } from './mail-samples.ts';
import type { Runner } from './runner.ts';
import { someBytes, someDevice, someUser, start } from './samples.ts';

const noStrangers = { strangerCount: 0, strangerBytes: 0 };

/** What every `Mailbox` must hold. */
export function mailboxConformance(runner: Runner, maker: HarnessMaker<{ readonly mailbox: Mailbox }>): void {
  const { expect } = runner;
  suite(runner, 'Mailbox', maker, ({ check, checkWith }) => {
    check('gives entries in the order of appends, to the device they are for', async ({ stores: { mailbox } }) => {
      const [to, other] = [someDevice(), someDevice()];
      const envelopes = Array.from({ length: 250 }, () => someBytes(30));
      for (const envelope of envelopes) await mailbox.append(mail(to, envelope), roomy);
      expect(await stored(mailbox, to)).toEqual(envelopes.map(hex));
      expect(await stored(mailbox, other)).toEqual([]);
      expect(await stored(mailbox, someDevice(2, to.userId))).toEqual([]);
    });

    check('stores nothing behind an append of its order that failed', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      const send = mail(to, someBytes(80), { order: { broken: true } });
      expect(await refusalOf(mailbox.append(send, roomy))).toBe('store-unavailable');
      expect(await stored(mailbox, to)).toEqual([]);
      expect(await mailbox.recorded(send.sender, send.sendId)).toBe(undefined);
      const again = { ...send, order: { broken: false } };
      expect((await mailbox.append(again, roomy)).repeated).toBe(false);
    });

    check('stores nothing behind a strict append of its order that somebody did not accept', async ({ stores }) => {
      const { mailbox } = stores;
      const [full, other] = [someDevice(), someDevice()];
      const tight = { ...roomy, count: 1 };
      const append = (to: DeviceAddress, order: MailOrder, strict: boolean) =>
        mailbox.append(mail(to, someBytes(80), { order, strict }), tight);
      // Asked for all at once: nobody knows of the full one beforehand.
      const order: MailOrder = { broken: false };
      const strict = [full, full, other].map((to) => append(to, order, true));
      await Promise.allSettled(strict);
      const [first, second, third] = strict;
      expect((await first)?.results[0]?.status).toBe('accepted');
      expect((await second)?.results[0]?.status).toBe('full');
      expect(third && (await refusalOf(third))).toBe('superseded');
      expect(await stored(mailbox, other)).toEqual([]);
      expect(await refusalOf(append(other, order, true))).toBe('superseded');
      // Others go on.
      const lax: MailOrder = { broken: false };
      const [refused, behind] = await Promise.all([append(full, lax, false), append(other, lax, false)]);
      expect([refused.results[0]?.status, behind.results[0]?.status]).toEqual(['full', 'accepted']);
    });

    check('gives at most `limit` entries at a time', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      for (let count = 0; count < 5; count++) await mailbox.append(mail(to), roomy);
      const reader = mailbox.reader(to);
      expect((await reader.next(2, start)).length).toBe(2);
      expect((await reader.next(2, start)).length).toBe(2);
      expect((await reader.next(2, start)).length).toBe(1);
      expect((await reader.next(2, start)).length).toBe(0);
    });

    check('answers an append with its times and a result for each device', async ({ stores: { mailbox } }) => {
      const user = someUser();
      const receipt = await mailbox.append(mailToDevices(user, [1, 7, 127]), roomy);
      const devices = [1, 7, 127].map((deviceId) => ({ deviceId, status: 'accepted' }));
      expect(receipt.results).toEqual([{ userId: user, status: 'accepted', devices }]);
      expect([receipt.repeated, receipt.acceptedAt, receipt.expiresAt]).toEqual([false, start, start + 30 * day]);
    });

    check('an ambiguous append, then a retry: stored once, with the first receipt', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      const append = mail(to);
      const first = await mailbox.append(append, roomy);
      const again = await mailbox.append({ ...append, acceptedAt: start + 5, expiresAt: start + 6 }, roomy);
      expect([again.repeated, again.acceptedAt, again.expiresAt]).toEqual([true, start, first.expiresAt]);
      expect(again.results).toEqual(first.results);
      expect((await stored(mailbox, to)).length).toBe(1);
    });

    check('the same send id twice at once is stored once', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      const append = mail(to);
      const receipts = await Promise.all([mailbox.append(append, roomy), mailbox.append(append, roomy)]);
      expect(receipts.map(({ repeated }) => repeated).sort()).toEqual([false, true]);
      expect((await stored(mailbox, to)).length).toBe(1);
    });

    check('a retry after the mail was acked stores nothing', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      const append = mail(to);
      await mailbox.append(append, roomy);
      await mailbox.ack(
        to,
        (await readAll(mailbox.reader(to))).map(({ deliveryId }) => deliveryId),
      );
      expect((await mailbox.append(append, roomy)).repeated).toBe(true);
      expect(await stored(mailbox, to)).toEqual([]);
    });

    checkWith('reopen', 'a retry after a restart is stored once', async (harness) => {
      const to = someDevice();
      const append = mail(to);
      await harness.stores.mailbox.append(append, roomy);
      await harness.reopen();
      expect((await harness.stores.mailbox.append(append, roomy)).repeated).toBe(true);
      expect((await stored(harness.stores.mailbox, to)).length).toBe(1);
    });

    check('send ids belong to their sender: of another device, user or id it is another send', async ({ stores }) => {
      const { mailbox } = stores;
      const to = someDevice();
      const append = mail(to);
      await mailbox.append(append, roomy);
      await mailbox.append({ ...append, sender: someDevice(2, append.sender?.userId) }, roomy);
      await mailbox.append({ ...append, sender: someDevice() }, roomy);
      await mailbox.append({ ...append, sendId: someBytes(16) }, roomy);
      expect((await stored(mailbox, to)).length).toBe(4);
    });

    check('gives recorded receipts by sender and send id', async ({ stores: { mailbox } }) => {
      const append = mail(someDevice());
      expect(await mailbox.recorded(append.sender, append.sendId)).toBe(undefined);
      const { results, acceptedAt, expiresAt } = await mailbox.append(append, roomy);
      const recorded = { repeated: true, acceptedAt, expiresAt, results };
      expect(await mailbox.recorded(append.sender, append.sendId)).toEqual(recorded);
      expect(await mailbox.recorded(someDevice(), append.sendId)).toBe(undefined);
      expect(await mailbox.recorded(append.sender, someBytes(16))).toBe(undefined);
    });

    check('keeps receipts for 8 days, to the millisecond', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      const append = mail(to);
      await mailbox.append(append, roomy);
      await mailbox.expire(start + 8 * day);
      expect((await mailbox.append(append, roomy)).repeated).toBe(true);
      await mailbox.expire(start + 8 * day + 1);
      expect(await mailbox.recorded(append.sender, append.sendId)).toBe(undefined);
      expect((await mailbox.append(append, roomy)).repeated).toBe(false);
      expect((await stored(mailbox, to)).length).toBe(2);
    });

    check('late appends are given to a reader that has come to the end', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      const reader = mailbox.reader(to);
      expect(await reader.next(10, start)).toEqual([]);
      await mailbox.append(mail(to, Uint8Array.of(1)), roomy);
      expect((await reader.next(10, start)).map(({ envelope }) => hex(envelope))).toEqual(['01']);
      await mailbox.append(mail(to, Uint8Array.of(2)), roomy);
      expect((await reader.next(10, start)).map(({ envelope }) => hex(envelope))).toEqual(['02']);
      expect(await reader.next(10, start)).toEqual([]);
    });

    check('append during catch-up: nothing is passed over, nothing comes twice', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      for (let count = 0; count < 20; count++) await mailbox.append(mail(to), roomy);
      const reader = mailbox.reader(to);
      const given: (string | undefined)[] = [];
      for (let round = 0; round < 30; round++) {
        const appended = round < 20 ? mailbox.append(mail(to), roomy) : undefined;
        given.push(...(await reader.next(3, start)).map(({ envelope }) => hex(envelope)));
        await appended;
      }
      expect(given).toEqual(await stored(mailbox, to));
      expect(given.length).toBe(40);
    });

    check('a new reader begins with what was not acked, under the same delivery ids', async ({ stores }) => {
      const { mailbox } = stores;
      const to = someDevice();
      for (let count = 0; count < 3; count++) await mailbox.append(mail(to), roomy);
      const first = await readAll(mailbox.reader(to));
      await mailbox.ack(
        to,
        first.slice(1, 2).map(({ deliveryId }) => deliveryId),
      );
      const second = await readAll(mailbox.reader(to));
      expect(second.map(({ deliveryId }) => hex(deliveryId))).toEqual(
        [first[0], first[2]].map((entry) => hex(entry?.deliveryId)),
      );
    });

    checkWith('reopen', 'mail and its delivery ids outlive a restart, acked mail does not', async (harness) => {
      const to = someDevice();
      for (let count = 0; count < 3; count++) await harness.stores.mailbox.append(mail(to), roomy);
      const ids = (await readAll(harness.stores.mailbox.reader(to))).map(({ deliveryId }) => deliveryId);
      await harness.stores.mailbox.ack(to, ids.slice(0, 1));
      await harness.reopen();
      const left = (await readAll(harness.stores.mailbox.reader(to))).map(({ deliveryId }) => hex(deliveryId));
      expect(left).toEqual(ids.slice(1).map(hex));
      const { count, bytes } = await harness.stores.mailbox.usage(to);
      expect([count, bytes]).toEqual([2, 160]);
    });

    check('delivery ids are short, all different and of the adapter alone', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      for (let count = 0; count < 50; count++) await mailbox.append(mail(to, Uint8Array.of(1)), roomy);
      const ids = (await readAll(mailbox.reader(to))).map(({ deliveryId }) => deliveryId);
      expect(new Set(ids.map(hex)).size).toBe(50);
      expect(ids.every(({ length }) => length >= 1 && length <= 32)).toBe(true);
      // Of two ids in a row, more than the last bytes differ: the next one can't be counted up to.
      const tails = new Set(ids.map((id) => hex(id.slice(-8))));
      expect(tails.size).toBe(50);
    });

    check('acks count in any order and once', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      for (let count = 0; count < 4; count++) await mailbox.append(mail(to, Uint8Array.of(count)), roomy);
      const ids = (await readAll(mailbox.reader(to))).map(({ deliveryId }) => deliveryId);
      expect(await mailbox.ack(to, ids.slice(2).reverse())).toBe(2);
      expect(await stored(mailbox, to)).toEqual(['00', '01']);
      expect(await mailbox.ack(to, ids)).toBe(2);
      expect(await mailbox.ack(to, ids)).toBe(0);
      expect(await stored(mailbox, to)).toEqual([]);
    });

    check('an ack of another device, or of nothing, changes nothing', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      const others = [someDevice(2, to.userId), someDevice()];
      for (const device of [to, ...others]) await mailbox.append(mail(device), roomy);
      const ids = (await readAll(mailbox.reader(to))).map(({ deliveryId }) => deliveryId);
      for (const device of [...others, someDevice()]) expect(await mailbox.ack(device, ids)).toBe(0);
      for (const length of [1, 8, 16, 32]) expect(await mailbox.ack(to, [someBytes(length)])).toBe(0);
      const flipped = ids.flatMap((id) =>
        [...id.keys()].map((at) => id.map((byte, index) => (index === at ? byte ^ 1 : byte))),
      );
      expect(await mailbox.ack(to, flipped)).toBe(0);
      expect(await mailbox.ack(to, [])).toBe(0);
      expect((await stored(mailbox, to)).length).toBe(1);
    });

    check('an ack of what an old reader gave counts, also while a new one reads', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      for (let count = 0; count < 3; count++) await mailbox.append(mail(to, Uint8Array.of(count)), roomy);
      const old = await mailbox.reader(to).next(3, start);
      const reader = mailbox.reader(to);
      await reader.next(1, start);
      expect(
        await mailbox.ack(
          to,
          old.slice(0, 2).map(({ deliveryId }) => deliveryId),
        ),
      ).toBe(2);
      expect((await reader.next(3, start)).map(({ envelope }) => hex(envelope))).toEqual(['02']);
    });

    check('delivery ids of acked mail do not come back', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      await mailbox.append(mail(to), roomy);
      const ids = (await readAll(mailbox.reader(to))).map(({ deliveryId }) => deliveryId);
      await mailbox.ack(to, ids);
      await mailbox.append(mail(to), roomy);
      expect(await mailbox.ack(to, ids)).toBe(0);
      expect((await stored(mailbox, to)).length).toBe(1);
    });

    checkWith('files', 'after ack or expiry, and scrub, no file holds the mail', async (harness) => {
      const { mailbox } = harness.stores;
      const to = someDevice();
      const envelopes = Array.from({ length: 400 }, (_, index) => someBytes(40 + ((index * 37) % 900)));
      const large = someBytes(60_000);
      for (const envelope of [...envelopes, large]) await mailbox.append(mail(to, envelope), roomy);
      const kept = someBytes(70);
      await mailbox.append(mail(to, kept, { expiresAt: start + 31 * day }), roomy);
      const ids = (await readAll(mailbox.reader(to))).map(({ deliveryId }) => deliveryId);
      const before = await harness.files();
      const found = (files: readonly Uint8Array[], envelope: Uint8Array) => holds(files, envelope.slice(0, 24));
      expect(envelopes.every((envelope) => found(before, envelope))).toBe(true);
      await mailbox.ack(
        to,
        ids.slice(0, 401).filter((_, index) => index % 3 !== 0),
      );
      await mailbox.expire(start + 30 * day);
      await mailbox.scrub();
      const after = await harness.files();
      expect([...envelopes, large].filter((envelope) => found(after, envelope)).length).toBe(0);
      expect(holds(after, large.slice(30_000, 30_024))).toBe(false);
      expect(found(after, kept)).toBe(true);
    });

    check('mail expires to the millisecond', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      const expiresAt = start + 30 * day;
      await mailbox.append(mail(to), roomy);
      expect((await stored(mailbox, to, expiresAt - 1)).length).toBe(1);
      expect((await stored(mailbox, to, expiresAt)).length).toBe(0);
      expect(await mailbox.expire(expiresAt - 1)).toBe(0);
      expect((await mailbox.usage(to)).count).toBe(1);
      expect(await mailbox.expire(expiresAt)).toBe(1);
      expect((await mailbox.usage(to)).count).toBe(0);
      expect(await mailbox.expire(expiresAt)).toBe(0);
    });

    check('expiry takes what has ended, and no more, of every mailbox', async ({ stores: { mailbox } }) => {
      const devices = [someDevice(), someDevice()];
      for (const to of devices) {
        for (let hour = 1; hour <= 5; hour++) {
          await mailbox.append(mail(to, Uint8Array.of(hour), { expiresAt: start + (6 - hour) * 1000 }), roomy);
        }
      }
      expect(await mailbox.expire(start + 3000)).toBe(6);
      for (const to of devices) expect(await stored(mailbox, to)).toEqual(['01', '02']);
    });

    check('expires thousands at once', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      const appends = Array.from({ length: 2500 }, () => mailbox.append(mail(to, Uint8Array.of(1)), roomy));
      await Promise.all(appends);
      expect(await mailbox.expire(start + 30 * day)).toBe(2500);
      expect((await mailbox.usage(to)).count).toBe(0);
    });

    check('one device full: it is passed over, and the result is recorded', async ({ stores: { mailbox } }) => {
      const user = someUser();
      const quota = quotaOf(1, 1000);
      await mailbox.append(mailToDevices(user, [2]), quota);
      const append = mailToDevices(user, [1, 2, 3]);
      const { results } = await mailbox.append(append, quota);
      const devices = [
        { deviceId: 1, status: 'accepted' },
        { deviceId: 2, status: 'full' },
        { deviceId: 3, status: 'accepted' },
      ];
      expect(results).toEqual([{ userId: user, status: 'accepted', devices }]);
      expect((await mailbox.recorded(append.sender, append.sendId))?.results).toEqual(results);
      const room = await mailbox.append(append, roomy);
      expect([room.repeated, room.results]).toEqual([true, results]);
      expect((await mailbox.usage(someDevice(2, user))).count).toBe(1);
    });

    check('all devices full: nothing is stored or recorded, and a retry is tried anew', async ({ stores }) => {
      const { mailbox } = stores;
      const to = someDevice();
      const quota = quotaOf(1, 1000);
      await mailbox.append(mail(to), quota);
      const append = mail(to, Uint8Array.of(9));
      const refused = await mailbox.append(append, quota);
      expect(refused.results[0]?.status).toBe('full');
      expect(await mailbox.recorded(append.sender, append.sendId)).toBe(undefined);
      await mailbox.ack(
        to,
        (await readAll(mailbox.reader(to))).map(({ deliveryId }) => deliveryId),
      );
      const retried = await mailbox.append({ ...append, acceptedAt: start + 1 }, quota);
      expect([retried.repeated, retried.acceptedAt, retried.results[0]?.status]).toEqual([
        false,
        start + 1,
        'accepted',
      ]);
      expect(await stored(mailbox, to)).toEqual(['09']);
    });

    check('several recipients: each by itself; a retry tries only the ones that were refused', async ({ stores }) => {
      const { mailbox } = stores;
      const [open, full] = [someDevice(), someDevice()];
      const quota = quotaOf(1, 1000);
      await mailbox.append(mail(full, Uint8Array.of(1)), quota);
      const recipients = [open, full].map(({ userId }) => ({
        userId,
        stranger: false,
        items: [{ deviceId: 1, envelope: Uint8Array.of(2) }],
      }));
      const append = { ...mail(open), recipients };
      const first = await mailbox.append(append, quota);
      expect(first.results.map(({ status }) => status)).toEqual(['accepted', 'full']);
      expect((await mailbox.recorded(append.sender, append.sendId))?.results.length).toBe(1);
      const second = await mailbox.append({ ...append, acceptedAt: start + 9 }, roomy);
      expect(second.results.map(({ status }) => status)).toEqual(['accepted', 'accepted']);
      expect([second.repeated, second.acceptedAt]).toEqual([false, start]);
      expect((await mailbox.append(append, roomy)).repeated).toBe(true);
      expect(await stored(mailbox, open)).toEqual(['02']);
      expect(await stored(mailbox, full)).toEqual(['01', '02']);
    });

    check('counts the quota by bytes, exactly', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      const quota = quotaOf(100, 100);
      const status = async (size: number) =>
        (await mailbox.append(mail(to, someBytes(size)), quota)).results[0]?.status;
      expect(await status(60)).toBe('accepted');
      expect(await status(41)).toBe('full');
      expect(await status(40)).toBe('accepted');
      expect(await status(1)).toBe('full');
      const usage = await mailbox.usage(to);
      expect([usage.count, usage.bytes]).toEqual([2, 100]);
    });

    check('the quota holds under concurrency, and acks make room again', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      const quota = quotaOf(10, 10_000);
      const fill = () => Promise.all(Array.from({ length: 30 }, () => mailbox.append(mail(to), quota)));
      const accepted = (await fill()).filter(({ results }) => results[0]?.status === 'accepted');
      expect(accepted.length).toBe(10);
      const ids = (await readAll(mailbox.reader(to))).map(({ deliveryId }) => deliveryId);
      await mailbox.ack(to, ids.slice(0, 4));
      expect((await fill()).filter(({ results }) => results[0]?.status === 'accepted').length).toBe(4);
      expect((await mailbox.usage(to)).count).toBe(10);
    });

    check(
      'strangers fill their share and no more: a contact finds room [security: mailbox-flood]',
      async ({ stores }) => {
        const { mailbox } = stores;
        const to = someDevice();
        const quota = { count: 5, bytes: 1_000, strangerCount: 2, strangerBytes: 200 };
        const status = async (append: MailAppend) => (await mailbox.append(append, quota)).results[0]?.status;
        expect(await status(mail(to, someBytes(300)))).toBe('accepted');
        expect(await status(strangersMail(to, someBytes(150)))).toBe('accepted');
        expect(await status(strangersMail(to, someBytes(51)))).toBe('full');
        expect(await status(strangersMail(to, someBytes(50)))).toBe('accepted');
        expect(await status(strangersMail(to, someBytes(0)))).toBe('full');
        expect(await status(mail(to, someBytes(500)))).toBe('accepted');
        expect(await mailbox.usage(to)).toEqual({
          count: 4,
          bytes: 1_000,
          strangerCount: 2,
          strangerBytes: 200,
          oldest: start,
        });
        expect((await stored(mailbox, to)).length).toBe(4);
      },
    );

    check("a stranger's share is free again after acks and expiry, whoever gave the mail", async ({ stores }) => {
      const { mailbox } = stores;
      const to = someDevice();
      const quota = { count: 10, bytes: 10_000, strangerCount: 2, strangerBytes: 10_000 };
      const reader = mailbox.reader(to);
      const fill = async () => {
        const all = [0, 1, 2].map(() => mailbox.append(strangersMail(to), quota));
        return (await Promise.all(all)).filter(({ results }) => results[0]?.status === 'accepted').length;
      };
      const usage = async () => {
        const { count, strangerCount, strangerBytes } = await mailbox.usage(to);
        return [count, strangerCount, strangerBytes];
      };
      expect(await fill()).toBe(2);
      const stale = (await reader.next(10, start)).map(({ deliveryId }) => deliveryId);
      await mailbox.append(mail(to), quota);
      expect(await mailbox.ack(to, stale)).toBe(2);
      expect(await usage()).toEqual([1, 0, 0]);
      // The reader has come to the end: from here on adapters may give from memory.
      expect((await reader.next(10, start)).length).toBe(1);
      expect((await reader.next(10, start)).length).toBe(0);
      expect(await fill()).toBe(2);
      const live = (await reader.next(10, start)).map(({ deliveryId }) => deliveryId);
      expect(await mailbox.ack(to, live)).toBe(2);
      expect(await usage()).toEqual([1, 0, 0]);
      expect(await fill()).toBe(2);
      await mailbox.expire(start + 30 * day);
      expect(await usage()).toEqual([0, 0, 0]);
      expect(await fill()).toBe(2);
    });

    check('a repeated send of a stranger takes its share once', async ({ stores: { mailbox } }) => {
      const append = strangersMail(someDevice());
      const to = { userId: append.recipients[0]?.userId ?? someUser(), deviceId: someDevice().deviceId };
      for (let time = 0; time < 3; time++) await mailbox.append(append, roomy);
      const { strangerCount, strangerBytes } = await mailbox.usage(to);
      expect([strangerCount, strangerBytes]).toEqual([1, 80]);
    });

    checkWith('reopen', 'what strangers hold is known after a restart', async (harness) => {
      const to = someDevice();
      await harness.stores.mailbox.append(strangersMail(to), roomy);
      await harness.stores.mailbox.append(mail(to), roomy);
      await harness.reopen();
      const { count, strangerCount, strangerBytes } = await harness.stores.mailbox.usage(to);
      expect([count, strangerCount, strangerBytes]).toEqual([2, 1, 80]);
    });

    check('tells what a device holds, and since when', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      expect(await mailbox.usage(to)).toEqual({ ...noStrangers, count: 0, bytes: 0, oldest: undefined });
      await mailbox.append(mail(to, someBytes(5), { acceptedAt: start + 1 }), roomy);
      await mailbox.append(mail(to, someBytes(6), { acceptedAt: start + 2 }), roomy);
      expect(await mailbox.usage(to)).toEqual({ ...noStrangers, count: 2, bytes: 11, oldest: start + 1 });
      await mailbox.ack(
        to,
        (await mailbox.reader(to).next(1, start)).map(({ deliveryId }) => deliveryId),
      );
      expect(await mailbox.usage(to)).toEqual({ ...noStrangers, count: 1, bytes: 6, oldest: start + 2 });
    });

    check('200 appends and acks at once: each entry once, each acked once', async ({ stores: { mailbox } }) => {
      const devices = [someDevice(), someDevice(), someDevice()];
      const at = (index: number) => devices[index % devices.length] ?? someDevice();
      const receipts = await Promise.all(
        Array.from({ length: 200 }, (_, index) => mailbox.append(mail(at(index)), roomy)),
      );
      expect(receipts.every(({ repeated }) => !repeated)).toBe(true);
      const entries = await Promise.all(devices.map((device) => readAll(mailbox.reader(device))));
      const ids = entries.flatMap((list) => list.map(({ deliveryId }) => hex(deliveryId)));
      expect(new Set(ids).size).toBe(200);
      const acks = devices.flatMap((device, index) =>
        (entries[index] ?? []).flatMap(({ deliveryId }) => [
          mailbox.ack(device, [deliveryId]),
          mailbox.ack(device, [deliveryId]),
        ]),
      );
      expect((await Promise.all(acks)).reduce((sum, count) => sum + count, 0)).toBe(200);
    });

    check('envelopes come back byte for byte, from empty to large', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      const envelopes = [new Uint8Array(0), Uint8Array.of(0), someBytes(4095), someBytes(4096), someBytes(270_000)];
      for (const envelope of envelopes) await mailbox.append(mail(to, envelope), roomy);
      expect(await stored(mailbox, to)).toEqual(envelopes.map(hex));
    });
  });
}
