import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mail, roomy, stored } from '../../conformance/mail-samples.ts';
import { someBytes, someDevice } from '../../conformance/samples.ts';
import { systemRandomness } from '../../platform/system-randomness.ts';
import { silentTracer } from '../memory/tracer.ts';
import { DeviceRows } from './device-rows.ts';
import { EmbeddedMailbox } from './mailbox.ts';
import { RelayDatabase } from './relay-database.ts';

let folder: string;
let database: RelayDatabase;
let mailbox: EmbeddedMailbox;
let turns: (() => void)[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sotto-relay-'));
  turns = [];
  database = new RelayDatabase(join(folder, 'relay.db'), { tracer: silentTracer, schedule: (run) => turns.push(run) });
  mailbox = new EmbeddedMailbox(database, new DeviceRows(database), systemRandomness);
});

afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

/** What no table takes. */
const unstorable = Number.NaN;

describe('appends of one lane', () => {
  it.each([
    ['the same group', 0],
    ['a later group', 1_000],
  ])('are not stored behind one that failed, in %s', async (_, between) => {
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
    while (turns.length > 0) turns.shift()?.();
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await Promise.all([...others, ...elsewhere]);
    expect([lane.broken, otherLane.broken]).toEqual([true, false]);
    expect(await stored(mailbox, to)).toEqual(kept.map((envelope) => Buffer.from(envelope ?? []).toString('hex')));
  });
});
