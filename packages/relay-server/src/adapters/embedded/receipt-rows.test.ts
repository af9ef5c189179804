import { rmSync } from 'node:fs';
import SqliteDatabase from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mail, roomy } from '../../conformance/mail-samples.ts';
import { someAccount, someBytes, someDevice, someEnding, start } from '../../conformance/samples.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { openEmbeddedStores } from './embedded-stores.ts';
import { migrate } from './migrations.ts';
import { StoresFolder } from './stores-folder.ts';

/** Its key was the sender's, then the send id. */
type OldRow = readonly [send: Buffer, acceptedAt: number, rest: Buffer];
type OldDevice = readonly [id: number, userId: Buffer, deviceId: number];

describe('receipts', () => {
  let folder: StoresFolder;

  beforeEach(() => {
    folder = new StoresFolder();
  });

  afterEach(() => folder[Symbol.dispose]());

  const open = () => openEmbeddedStores({ folder: folder.path, clock: settableClock() });

  function read<T>(work: (database: SqliteDatabase.Database) => T): T {
    const database = new SqliteDatabase(folder.file);
    try {
      return work(database);
    } finally {
      database.close();
    }
  }

  it('of removed accounts go with the next sweep, those of others stay, over a restart too', async () => {
    let stores = await open();
    const [leaving, staying] = [someAccount(), someAccount()];
    await stores.accounts.register(leaving);
    await stores.accounts.register(staying);
    const append = () => mail(someDevice(), someBytes(4), { sender: staying.device });
    const kept = Array.from({ length: 1_500 }, append);
    const given = kept.map((one) => ({ ...one, sendId: someBytes(16), sender: leaving.device }));
    await Promise.all([...kept, ...given].map((one) => stores.mailbox.append(one, roomy)));
    await stores.control.end(someEnding(leaving));
    await stores.close();
    stores = await open();
    await stores.mailbox.expire(start);
    const found = await Promise.all(kept.map(({ sender, sendId }) => stores.mailbox.recorded(sender, sendId)));
    expect(found.every((receipt) => receipt?.repeated)).toBe(true);
    await stores.close();
    expect(read((database) => database.prepare('SELECT count(*) FROM receipt').pluck().get())).toBe(kept.length);
    expect(read((database) => database.prepare('SELECT count(*) FROM ended_sender').pluck().get())).toBe(0);
  });

  it('of a database from before are found under their new key', async () => {
    let stores = await open();
    const ids = [new Uint8Array(16), new Uint8Array(16).fill(0xff), someBytes(16)];
    const appends = ids.map((sendId) => mail(someDevice(), someBytes(4), { sendId }));
    for (const append of appends) await stores.mailbox.append(append, roomy);
    await stores.close();
    const [devices, rows] = read((database) => [
      database.prepare('SELECT id, user_id, device_id FROM device').raw().all() as OldDevice[],
      database.prepare('SELECT send, accepted_at, rest FROM receipt').raw().all() as OldRow[],
    ]);
    rmSync(folder.file);
    read((database) => {
      migrate(database, 4);
      const addDevice = database.prepare('INSERT INTO device (id, user_id, device_id) VALUES (?, ?, ?)');
      for (const device of devices) addDevice.run(...device);
      const add = database.prepare('INSERT INTO receipt VALUES (?, ?, ?)');
      for (const [send, at, rest] of rows) add.run(Buffer.concat([send.subarray(16), send.subarray(0, 16)]), at, rest);
    });
    stores = await open();
    for (const { sender, sendId } of appends) {
      expect(await stores.mailbox.recorded(sender, sendId)).toMatchObject({ repeated: true, acceptedAt: start });
    }
    await stores.close();
  });
});
