import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mail, readAll, roomy, stored } from '../../conformance/mail-samples.ts';
import { someAccount, someBytes, someDevice, someEnding, start } from '../../conformance/samples.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import type { MailAppend } from '../../ports/mailbox.ts';
import { openEmbeddedStores } from './embedded-stores.ts';
import { StoresFolder } from './stores-folder.ts';

describe('shared ends in SQLite', () => {
  let folder: StoresFolder;

  beforeEach(() => {
    folder = new StoresFolder();
  });

  afterEach(() => folder[Symbol.dispose]());

  const open = () => openEmbeddedStores({ folder: folder.path, clock: settableClock() });

  function inDatabase<T>(work: (database: Database.Database) => T): T {
    const database = new Database(folder.file);
    try {
      return work(database);
    } finally {
      database.close();
    }
  }

  const bodies = () => inDatabase((database) => database.prepare('SELECT count(*) FROM shared_mail').pluck().get());

  it('a pointer that outlives its record is passed over, and has its time; what is behind it is given', async () => {
    const to = someDevice();
    let stores = await open();
    for (let count = 0; count < 10; count++) await stores.mailbox.append({ ...mail(to), shared: someBytes(9) }, roomy);
    const [alone, whole] = [mail(to), { ...mail(to), shared: someBytes(9) }];
    for (const append of [alone, whole]) await stores.mailbox.append(append, roomy);
    await stores.close();
    inDatabase((database) => database.exec('DELETE FROM shared_mail WHERE id IN (SELECT shared FROM mail LIMIT 10)'));
    stores = await open();
    const given = await stores.mailbox.reader(to).next(2, start);
    expect(given.map(({ envelope }) => envelope.length)).toEqual([80, 89]);
    // Numbers are not given twice: what comes now is not taken for the end that was lost.
    await stores.mailbox.append({ ...mail(to), shared: someBytes(9) }, roomy);
    expect((await stored(stores.mailbox, to)).length).toBe(3);
    expect(await stores.mailbox.expire(start + 30 * 86_400_000)).toBe(13);
    expect((await stores.mailbox.usage(to)).bytes).toBe(0);
    await stores.close();
    expect(bodies()).toBe(0);
  });

  it('an end has one row, as long as something points to it, whoever goes how', async () => {
    const leaving = someAccount();
    const [acking, expiring] = [someDevice(), someDevice()];
    const stores = await open();
    await stores.accounts.register(leaving);
    const to = [leaving.device, acking, expiring];
    const recipients = to.flatMap((device) => mail(device).recipients);
    const appendAll = (change: Partial<MailAppend>) =>
      Promise.all(
        Array.from({ length: 1_200 }, () =>
          stores.mailbox.append({ ...mail(leaving.device), ...change, shared: someBytes(9) }, roomy),
        ),
      );
    await appendAll({ recipients });
    expect(bodies()).toBe(1_200);
    const ids = (await readAll(stores.mailbox.reader(acking))).map(({ deliveryId }) => deliveryId);
    await stores.mailbox.ack(acking, ids.slice(0, 600));
    await stores.mailbox.ack(acking, ids);
    await stores.mailbox.expire(start + 30 * 86_400_000);
    expect(bodies()).toBe(0);
    await appendAll({ recipients: mail(acking).recipients });
    const more = (await readAll(stores.mailbox.reader(acking))).map(({ deliveryId }) => deliveryId);
    await stores.mailbox.ack(acking, more.slice(0, 700));
    expect(bodies()).toBe(500);
    await stores.mailbox.ack(acking, more);
    expect(bodies()).toBe(0);
    await appendAll({});
    expect(bodies()).toBe(1_200);
    await stores.control.end(someEnding(leaving));
    expect(bodies()).toBe(0);
    await stores.close();
  });
});
