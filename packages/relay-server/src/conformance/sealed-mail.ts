import type { RelayStores } from '../ports/relay-stores.ts';
import { type HarnessMaker, holds, suite } from './harness.ts';
import { day, mail, readAll, roomy, stored } from './mail-samples.ts';
import type { Runner } from './runner.ts';
import { someAccount, someBytes, someDevice, someEnding, someList, start } from './samples.ts';

const sealed = { sender: undefined };

/** What every `Mailbox` must hold of sends whose sender is sealed. */
export function sealedMailConformance(runner: Runner, maker: HarnessMaker<RelayStores>): void {
  const { expect } = runner;
  suite(runner, 'Mailbox with sealed senders', maker, ({ check, checkWith }) => {
    check('stores a send once, and knows it by its id alone', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      const send = mail(to, someBytes(80), sealed);
      expect(await mailbox.recorded(undefined, send.sendId)).toBe(undefined);
      const first = await mailbox.append(send, roomy);
      expect([first.repeated, first.results.map(({ status }) => status)]).toEqual([false, ['accepted']]);
      const again = await mailbox.append({ ...send, acceptedAt: start + 5, expiresAt: start + 6 }, roomy);
      expect([again.repeated, again.acceptedAt, again.results]).toEqual([true, start, first.results]);
      expect(await mailbox.recorded(undefined, send.sendId)).toEqual({ ...first, repeated: true });
      expect((await stored(mailbox, to)).length).toBe(1);
    });

    check('the same send twice at once is stored once', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      const send = mail(to, someBytes(80), sealed);
      const receipts = await Promise.all([mailbox.append(send, roomy), mailbox.append(send, roomy)]);
      expect(receipts.map(({ repeated }) => repeated).sort()).toEqual([false, true]);
      expect((await stored(mailbox, to)).length).toBe(1);
    });

    check('the same id of a sender who is named is another send', async ({ stores: { mailbox } }) => {
      const to = someDevice();
      const send = mail(to, someBytes(80), sealed);
      await mailbox.append(send, roomy);
      const sender = someDevice();
      expect(await mailbox.recorded(sender, send.sendId)).toBe(undefined);
      expect((await mailbox.append({ ...send, sender }, roomy)).repeated).toBe(false);
      expect((await stored(mailbox, to)).length).toBe(2);
    });

    check('receipts are kept for 8 days, to the millisecond', async ({ stores: { mailbox } }) => {
      const send = mail(someDevice(), someBytes(80), sealed);
      await mailbox.append(send, roomy);
      await mailbox.expire(start + 8 * day);
      expect((await mailbox.append(send, roomy)).repeated).toBe(true);
      await mailbox.expire(start + 8 * day + 1);
      expect(await mailbox.recorded(undefined, send.sendId)).toBe(undefined);
    });

    check('receipts stay when some device goes', async ({ stores: { accounts, control, mailbox } }) => {
      const [leaving, shrinking] = [someAccount(), someAccount({ deviceList: someList(1, [1, 2]) })];
      for (const each of [leaving, shrinking]) await accounts.register(each);
      const send = mail(someDevice(), someBytes(80), sealed);
      await mailbox.append(send, roomy);
      await control.end(someEnding(leaving));
      const devices = shrinking.deviceList.devices.slice(0, 1);
      await accounts.replaceDeviceList(shrinking.userId, { ...someList(2, [1]), devices });
      await mailbox.expire(start + 1);
      expect((await mailbox.append(send, roomy)).repeated).toBe(true);
    });

    check(
      'a recipient who has gone is told from one who has not',
      async ({ stores: { accounts, control, mailbox } }) => {
        const leaving = someAccount();
        await accounts.register(leaving);
        await control.end(someEnding(leaving));
        const { results } = await mailbox.append(mail(leaving.device, someBytes(80), sealed), roomy);
        expect(results.map(({ status }) => status)).toEqual(['gone']);
      },
    );

    checkWith('reopen', 'a retry after a restart is stored once', async (harness) => {
      const to = someDevice();
      const send = mail(to, someBytes(80), sealed);
      await harness.stores.mailbox.append(send, roomy);
      await harness.reopen();
      expect((await harness.stores.mailbox.append(send, roomy)).repeated).toBe(true);
      expect((await stored(harness.stores.mailbox, to)).length).toBe(1);
    });

    checkWith('files', 'after ack and scrub, no file holds the mail', async (harness) => {
      const { mailbox } = harness.stores;
      const to = someDevice();
      const envelope = someBytes(500);
      await mailbox.append(mail(to, envelope, sealed), roomy);
      expect(holds(await harness.files(), envelope.slice(100, 124))).toBe(true);
      const ids = (await readAll(mailbox.reader(to))).map(({ deliveryId }) => deliveryId);
      await mailbox.ack(to, ids);
      await mailbox.scrub();
      expect(holds(await harness.files(), envelope.slice(100, 124))).toBe(false);
    });
  });
}
