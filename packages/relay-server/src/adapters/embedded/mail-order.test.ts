import { describe, expect, it } from 'vitest';
import { mail, roomy, stored } from '../../conformance/mail-samples.ts';
import { someBytes, someDevice } from '../../conformance/samples.ts';
import { systemRandomness } from '../../platform/system-randomness.ts';
import { DeviceRows } from './device-rows.ts';
import { EmbeddedMailbox } from './mailbox.ts';
import { TurnedDatabase } from './turned-database.ts';

/** What no table takes. */
const unstorable = Number.NaN;

describe('appends of one lane', () => {
  it.each([
    ['the same group', 0],
    ['a later group', 1_000],
  ])('are not stored behind one that failed, in %s', async (_, between) => {
    using turned = new TurnedDatabase();
    const { database } = turned;
    const mailbox = new EmbeddedMailbox(database, new DeviceRows(database), systemRandomness);
    const to = someDevice();
    const [lane, otherLane] = [{ broken: false }, { broken: false }];
    const failing = mailbox.append(mail(to, someBytes(80), { order: lane, acceptedAt: unstorable }), roomy);
    const others = Array.from({ length: between }, () => mailbox.append(mail(someDevice()), roomy));
    const later = mailbox.append(mail(to, someBytes(80), { order: lane }), roomy);
    const kept = [someBytes(80), someBytes(80)];
    const elsewhere = [
      mailbox.append(mail(to, kept[0], { order: otherLane }), roomy),
      mailbox.append(mail(to, kept[1]), roomy),
    ];
    const settled = Promise.allSettled([failing, later]);
    turned.endTurns();
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await Promise.all([...others, ...elsewhere]);
    expect([lane.broken, otherLane.broken]).toEqual([true, false]);
    expect(await stored(mailbox, to)).toEqual(kept.map((envelope) => Buffer.from(envelope ?? []).toString('hex')));
  });
});
