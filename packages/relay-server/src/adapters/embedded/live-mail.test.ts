import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mail, readAll, roomy, stored } from '../../conformance/mail-samples.ts';
import { someBytes, someDevice, start } from '../../conformance/samples.ts';
import { systemRandomness } from '../../platform/system-randomness.ts';
import { deliveryIdOf } from './delivery-id.ts';
import { DeviceRows } from './device-rows.ts';
import { LiveMail } from './live-mail.ts';
import { EmbeddedMailbox } from './mailbox.ts';
import type { RelayDatabase } from './relay-database.ts';
import { TurnedDatabase } from './turned-database.ts';

/** An entry of so many bytes that never expires. */
const entry = (seq: number, size = 1) => ({
  seq,
  deliveryId: deliveryIdOf(seq, someBytes(8)),
  expiresAt: Number.POSITIVE_INFINITY,
  size,
  stranger: false,
  envelope: new Uint8Array(size),
  shared: undefined,
  sharedId: undefined,
});

describe('LiveMail', () => {
  const reader = {};
  const takeAll = (live: LiveMail, device: number) => live.take(device, reader, 10_000, start, () => undefined)?.length;

  it('keeps 512 entries or 1 MiB for a device, and drops it beyond', () => {
    const live = new LiveMail();
    for (const device of [1, 2]) live.begin(device, reader);
    for (let seq = 1; seq <= 512; seq++) live.add(1, entry(seq));
    expect(live.has(1)).toBe(true);
    live.add(1, entry(513));
    live.add(2, entry(514, 1024 * 1024));
    expect([live.has(1), live.has(2)]).toEqual([false, true]);
    live.add(2, entry(515));
    expect(live.has(2)).toBe(false);
  });

  it('knows what a reader was given before its end, live or not, and what another reader was given no more', () => {
    const live = new LiveMail();
    const [early, late, others] = [1, 2, 3].map((seq) => ({ ...entry(seq), envelope: undefined }));
    if (!early || !late || !others) throw new RangeError('three entries were made');
    live.given(1, reader, [early, late]);
    expect([live.has(1), takeAll(live, 1)]).toEqual([false, undefined]);
    expect(live.ack(1, early.seq, early.deliveryId)).toBe(early);
    expect(live.ack(1, early.seq, early.deliveryId)).toBe(undefined);
    live.begin(1, reader);
    expect([live.has(1), takeAll(live, 1)]).toEqual([true, 0]);
    expect(live.ack(1, late.seq, late.deliveryId)).toBe(late);
    live.given(1, reader, [late]);
    live.given(1, {}, [others]);
    expect(live.ack(1, late.seq, late.deliveryId)).toBe(undefined);
    expect(live.ack(1, others.seq, others.deliveryId)).toBe(others);
  });

  it('keeps 64 MiB for all devices, and drops those that were read the longest ago', () => {
    const live = new LiveMail();
    for (let device = 0; device < 66; device++) live.begin(device, reader);
    for (let device = 0; device < 64; device++) live.add(device, entry(device, 1024 * 1024));
    expect(takeAll(live, 0)).toBe(1);
    live.add(64, entry(64, 1024 * 1024));
    expect([live.has(0), live.has(1)]).toEqual([true, true]);
    live.add(65, entry(65, 1024 * 1024));
    expect([live.has(0), live.has(1), live.has(2)]).toEqual([true, false, true]);
  });

  it('counts what was acked, given, deleted or dropped as gone', () => {
    const live = new LiveMail();
    for (let device = 1; device <= 1000; device++) {
      live.begin(device, reader);
      const [acked, deleted, given, dropped] = [1, 2, 3, 4].map((at) => entry(device * 4 + at, 200_000));
      for (const one of [acked, deleted, given, dropped]) if (one !== undefined) live.add(device, one);
      if (acked !== undefined) expect(live.ack(device, acked.seq, acked.deliveryId)?.size).toBe(200_000);
      live.gone(device, device * 4 + 2);
      live.take(device, reader, 1, start, () => undefined);
      live.drop(device);
    }
    live.begin(1, reader);
    for (let seq = 1; seq <= 5; seq++) live.add(1, entry(seq, 200_000));
    expect(live.has(1)).toBe(true);
  });
});

describe('EmbeddedMailbox', () => {
  let turned: TurnedDatabase;
  let database: RelayDatabase;
  let mailbox: EmbeddedMailbox;

  beforeEach(() => {
    turned = new TurnedDatabase();
    ({ database } = turned);
    mailbox = new EmbeddedMailbox(database, new DeviceRows(database), systemRandomness);
  });

  afterEach(() => turned[Symbol.dispose]());

  const endTurn = () => turned.endTurn();

  /** Has a group fail whole: its last write finds the disk full. */
  const failGroup = async () => {
    const pages = Number(database.sql.pragma('page_count', { simple: true }));
    database.sql.pragma(`max_page_count = ${pages + 2}`);
    const filled = database.write('other', () => {
      database.sql.prepare('INSERT INTO receipt VALUES (zeroblob(50000), 0, zeroblob(0))').run();
    });
    const refused = expect(filled).rejects.toMatchObject({ code: 'store-unavailable' });
    endTurn();
    await refused;
    database.sql.pragma('max_page_count = 1000000');
  };

  it('still gives what an ack could not delete', async () => {
    const to = someDevice();
    const reader = mailbox.reader(to);
    const [first, second] = [1, 2].map((byte) => mail(to, Uint8Array.of(byte)));
    if (first === undefined || second === undefined) throw new Error('two were made');
    const early = mailbox.append(first, roomy);
    endTurn();
    await early;
    await readAll(reader);
    const late = mailbox.append(second, roomy);
    endTurn();
    await late;
    const [, id] = (await mailbox.reader(to).next(2, start)).map(({ deliveryId }) => deliveryId);
    const refused = expect(mailbox.ack(to, id === undefined ? [] : [id])).rejects.toThrow();
    await failGroup();
    await refused;
    expect((await reader.next(10, start)).map(({ envelope }) => [...envelope])).toEqual([[2]]);
  });

  it('gives nothing of an append whose commit failed, and all of it once it was retried', async () => {
    const to = someDevice();
    const reader = mailbox.reader(to);
    const first = mailbox.append(mail(to, Uint8Array.of(1)), roomy);
    endTurn();
    await first;
    await readAll(reader);
    const append = mail(to, Uint8Array.of(2));
    const refused = expect(mailbox.append(append, roomy)).rejects.toMatchObject({ code: 'store-unavailable' });
    await failGroup();
    await refused;
    expect(await reader.next(10, start)).toEqual([]);
    const retried = mailbox.append(append, roomy);
    endTurn();
    expect((await retried).repeated).toBe(false);
    expect((await reader.next(10, start)).map(({ envelope }) => [...envelope])).toEqual([[2]]);
  });

  it('gives each entry once when another write of the group fails after the appends', async () => {
    const to = someDevice();
    const reader = mailbox.reader(to);
    await readAll(reader);
    const early = mailbox.append(mail(to, Uint8Array.of(1)), roomy);
    endTurn();
    await early;
    const [given] = await reader.next(1, start);
    const ack = mailbox.ack(to, given === undefined ? [] : [given.deliveryId]);
    const append = mailbox.append(mail(to, Uint8Array.of(2)), roomy);
    const broken = database.write('other', () => {
      throw new TypeError('broken');
    });
    const settled = Promise.allSettled([ack, append, broken]);
    endTurn();
    const [acked, , refused] = await settled;
    expect(acked).toEqual({ status: 'fulfilled', value: 1 });
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'internal' } });
    expect((await readAll(reader)).map(({ envelope }) => [...envelope])).toEqual([[2]]);
    expect(await stored(mailbox, to)).toEqual(['02']);
    expect((await mailbox.usage(to)).count).toBe(1);
  });

  it('gives nothing between the append and its commit', async () => {
    const to = someDevice();
    const reader = mailbox.reader(to);
    await readAll(reader);
    const append = mailbox.append(mail(to), roomy);
    expect(await reader.next(10, start)).toEqual([]);
    endTurn();
    await append;
    expect((await reader.next(10, start)).length).toBe(1);
  });
});
