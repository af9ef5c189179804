import type { DeviceAddress } from '../ports/ids.ts';
import type { MailAppend } from '../ports/mailbox.ts';
import type { RelayStores } from '../ports/relay-stores.ts';
import { type HarnessMaker, hex, holds, suite } from './harness.ts';
import { day, mail, quotaOf, readAll, roomy, stored } from './mail-samples.ts';
import type { Runner } from './runner.ts';
import { someAccount, someBytes, someDevice, someEnding, someList, start } from './samples.ts';

type Stores = Pick<RelayStores, 'accounts' | 'control' | 'mailbox'>;

/** A send to several devices whose envelopes end alike. */
function sharedMail(to: readonly DeviceAddress[], shared: Uint8Array, change: Partial<MailAppend> = {}): MailAppend {
  const recipients = to.map(({ userId, deviceId }) => {
    return { userId, stranger: false, items: [{ deviceId, envelope: someBytes(20) }] };
  });
  return { ...mail(someDevice()), recipients, shared, ...change };
}

/** The envelopes of a send as their devices get them, in its order. */
function wholes({ recipients, shared = new Uint8Array() }: MailAppend): (string | undefined)[] {
  return recipients.flatMap(({ items }) => items.map(({ envelope }) => hex(Buffer.concat([envelope, shared]))));
}

/** What every `Mailbox` must hold of envelopes that share their end. */
export function sharedMailConformance(runner: Runner, maker: HarnessMaker<RelayStores>): void {
  const { expect } = runner;
  suite<Stores>(runner, 'Mailbox, shared ends', maker as HarnessMaker<Stores>, ({ check, checkWith }) => {
    const devices = (count: number) => Array.from({ length: count }, () => someDevice());
    const ids = async ({ mailbox }: Stores, device: DeviceAddress) =>
      (await readAll(mailbox.reader(device))).map(({ deliveryId }) => deliveryId);

    check('each device gets its own beginning and the end of all', async ({ stores: { mailbox } }) => {
      const to = devices(20);
      const sends = [sharedMail(to, someBytes(900)), sharedMail(to, someBytes(1))];
      const alone = to.map((device) => mail(device));
      for (const send of [...sends, ...alone]) await mailbox.append(send, roomy);
      for (const [at, device] of to.entries()) {
        const expected = [
          ...sends.map((send) => wholes(send)[at]),
          ...wholes(alone[at] ?? sharedMail([], someBytes(1))),
        ];
        expect(await stored(mailbox, device)).toEqual(expected);
      }
    });

    check('what is stored for a reader at the end is given whole too', async ({ stores: { mailbox } }) => {
      const [live, other] = [someDevice(), someDevice()];
      const reader = mailbox.reader(live);
      expect((await reader.next(10, start)).length).toBe(0);
      const sends = [sharedMail([live, other], someBytes(500)), mail(live), sharedMail([other, live], someBytes(400))];
      for (const send of sends) await mailbox.append(send, roomy);
      const given = await reader.next(10, start);
      const expected = [
        wholes(sends[0] ?? mail(live))[0],
        wholes(sends[1] ?? mail(live))[0],
        wholes(sends[2] ?? mail(live))[1],
      ];
      expect(given.map(({ envelope }) => hex(envelope))).toEqual(expected);
      expect(
        await mailbox.ack(
          live,
          given.map(({ deliveryId }) => deliveryId),
        ),
      ).toBe(3);
      expect((await stored(mailbox, other)).length).toBe(2);
      expect((await mailbox.usage(live)).bytes).toBe(0);
    });

    check('an ack of one device leaves the end to the others', async ({ stores }) => {
      const { mailbox } = stores;
      const to = devices(3);
      const send = sharedMail(to, someBytes(300));
      await mailbox.append(send, roomy);
      for (const [at, device] of to.entries()) {
        for (const [rest, other] of to.entries()) {
          expect(await stored(mailbox, other)).toEqual(rest < at ? [] : [wholes(send)[rest]]);
        }
        expect(await mailbox.ack(device, await ids(stores, device))).toBe(1);
      }
    });

    check('the whole envelope counts against each quota, exactly', async ({ stores: { mailbox } }) => {
      const to = devices(2);
      const send = sharedMail(to, someBytes(80));
      expect((await mailbox.append(send, quotaOf(10, 99))).results.map(({ status }) => status)).toEqual([
        'full',
        'full',
      ]);
      expect((await mailbox.append(send, quotaOf(10, 100))).repeated).toBe(false);
      for (const device of to) {
        expect([(await mailbox.usage(device)).count, (await mailbox.usage(device)).bytes]).toEqual([1, 100]);
      }
    });

    check('one device full: the others get theirs, and a retry finds room for it alone', async ({ stores }) => {
      const { mailbox } = stores;
      const [one, full] = [someDevice(), someDevice()];
      await mailbox.append(mail(full, someBytes(60)), roomy);
      const send = sharedMail([one, full], someBytes(100));
      const quota = quotaOf(10, 150);
      const statuses = async () => (await mailbox.append(send, quota)).results.map(({ status }) => status);
      expect(await statuses()).toEqual(['accepted', 'full']);
      expect((await stored(mailbox, full)).length).toBe(1);
      await mailbox.ack(full, await ids(stores, full));
      await mailbox.ack(one, await ids(stores, one));
      expect(await statuses()).toEqual(['accepted', 'accepted']);
      expect(await stored(mailbox, one)).toEqual([]);
      expect(await stored(mailbox, full)).toEqual([wholes(send)[1]]);
    });

    check('a repeated send is stored once, acked or not', async ({ stores }) => {
      const { mailbox } = stores;
      const [one, two] = [someDevice(), someDevice()];
      const send = sharedMail([one, two], someBytes(100));
      const receipts = await Promise.all([mailbox.append(send, roomy), mailbox.append(send, roomy)]);
      expect(receipts.map(({ repeated }) => repeated).sort()).toEqual([false, true]);
      await mailbox.ack(one, await ids(stores, one));
      expect((await mailbox.append(send, roomy)).repeated).toBe(true);
      expect([await stored(mailbox, one), await stored(mailbox, two)]).toEqual([[], [wholes(send)[1]]]);
    });

    check('expires to the millisecond, one send beside the other', async ({ stores: { mailbox } }) => {
      const to = devices(3);
      const [early, late] = [
        sharedMail(to, someBytes(70), { expiresAt: start + 1_000 }),
        sharedMail(to, someBytes(70), { expiresAt: start + 2_000 }),
      ];
      for (const send of [early, late]) await mailbox.append(send, roomy);
      const [first = someDevice()] = to;
      expect((await stored(mailbox, first, start + 999)).length).toBe(2);
      expect(await stored(mailbox, first, start + 1_000)).toEqual([wholes(late)[0]]);
      expect(await mailbox.expire(start + 1_000)).toBe(3);
      expect((await mailbox.usage(first)).bytes).toBe(90);
      expect(await stored(mailbox, first)).toEqual([wholes(late)[0]]);
      expect(await mailbox.expire(start + 2_000)).toBe(3);
      expect((await mailbox.usage(first)).count).toBe(0);
    });

    check('a device that goes takes nothing from the others', async ({ stores }) => {
      const { accounts, control, mailbox } = stores;
      const [leaving, shrinking, other] = [
        someAccount(),
        someAccount({ deviceList: someList(1, [1, 2]) }),
        someDevice(),
      ];
      for (const each of [leaving, shrinking]) await accounts.register(each);
      const second = someDevice(2, shrinking.userId);
      const send = sharedMail([leaving.device, second, other], someBytes(200));
      await mailbox.append(send, roomy);
      await control.end(someEnding(leaving));
      await accounts.replaceDeviceList(shrinking.userId, {
        ...someList(2, [1]),
        devices: shrinking.deviceList.devices.slice(0, 1),
      });
      expect(await stored(mailbox, second)).toEqual([]);
      expect(await stored(mailbox, other)).toEqual([wholes(send)[2]]);
    });

    checkWith('files', 'the end is stored once, and gone from all files with its last device', async (harness) => {
      const { accounts, control, mailbox } = harness.stores;
      const leaving = someAccount();
      await accounts.register(leaving);
      const to = [someDevice(), leaving.device, someDevice()];
      const kept = sharedMail(to, someBytes(5_000));
      // The first goes by acks and the end of an account, the second by its time, the third after the device that is live.
      const sends = [
        sharedMail(to, someBytes(5_000)),
        sharedMail(to, someBytes(5_000), { expiresAt: start + day }),
        sharedMail([...to].reverse(), someBytes(200)),
      ];
      for (const send of sends) await mailbox.append(send, roomy);
      await mailbox.scrub();
      const marks = sends.map(({ shared }) => (shared ?? new Uint8Array()).slice(100, 124));
      const found = async () => {
        const files = await harness.files();
        return marks.map((mark) => files.reduce((count, file) => count + (holds([file], mark) ? 1 : 0), 0));
      };
      expect(await found()).toEqual([1, 1, 1]);
      const size = (await harness.files()).reduce((bytes, file) => bytes + file.length, 0);
      await mailbox.append(kept, roomy);
      await mailbox.scrub();
      const larger = (await harness.files()).reduce((bytes, file) => bytes + file.length, 0);
      expect(larger - size < 3 * 5_000).toBe(true);
      await control.end(someEnding(leaving));
      await mailbox.expire(start + day);
      for (const device of [to[0], to[2]]) {
        if (device !== undefined) await mailbox.ack(device, (await ids(harness.stores, device)).slice(0, 2));
      }
      await mailbox.scrub();
      expect(await found()).toEqual([0, 0, 0]);
      expect(holds(await harness.files(), (kept.shared ?? new Uint8Array()).slice(100, 124))).toBe(true);
      await mailbox.expire(start + 30 * day);
      await mailbox.scrub();
      expect(holds(await harness.files(), (kept.shared ?? new Uint8Array()).slice(100, 124))).toBe(false);
    });

    checkWith('reopen', 'shared ends outlive a restart, and count as before', async (harness) => {
      const [one, two] = [someDevice(), someDevice()];
      const sends = [sharedMail([one, two], someBytes(80)), sharedMail([one], someBytes(80))];
      for (const send of sends) await harness.stores.mailbox.append(send, roomy);
      await harness.stores.mailbox.ack(two, await ids(harness.stores, two));
      await harness.reopen();
      const { mailbox } = harness.stores;
      expect(await stored(mailbox, one)).toEqual(sends.map((send) => wholes(send)[0]));
      expect((await mailbox.usage(one)).bytes).toBe(200);
      const next = sharedMail([two], someBytes(80));
      await mailbox.append(next, roomy);
      expect(await stored(mailbox, two)).toEqual(wholes(next));
      expect((await mailbox.append(sends[0] ?? next, roomy)).repeated).toBe(true);
    });

    check('50 sends to 30 devices and their acks at once: each gets each once', async ({ stores }) => {
      const { mailbox } = stores;
      const to = devices(30);
      const sends = Array.from({ length: 50 }, () => sharedMail(to, someBytes(60)));
      await Promise.all(sends.map((send) => mailbox.append(send, roomy)));
      const acked = await Promise.all(to.map(async (device) => mailbox.ack(device, await ids(stores, device))));
      expect(acked).toEqual(to.map(() => 50));
      for (const device of to) expect((await mailbox.usage(device)).bytes).toBe(0);
    });
  });
}
