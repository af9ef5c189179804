import { randomBytes, randomUUID } from 'node:crypto';
import { MailRecord } from '@sotto/proto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { someIncarnation } from '../conformance/incarnation-samples.ts';
import { someDevice, start } from '../conformance/samples.ts';
import type { LogRecord } from '../ports/mail-log.ts';
import { longestPendingMs } from '../ports/pending-store.ts';
import { deviceKeyOf } from './device-key.ts';
import { encodeMailRecord, fetchedRecordOf, parcelOf } from './mail-records.ts';

const recordOf = (value: Uint8Array): LogRecord => ({
  offset: 7,
  key: new Uint8Array(),
  value,
  headers: {},
  appendedAt: start + 3,
});
const bytes = (count: number) => new Uint8Array(randomBytes(count));
const item = (device = someIncarnation()) => ({ device, entryId: bytes(8), envelope: bytes(20) });
const mail = (items = [item(), item()], shared?: Uint8Array) => ({
  acceptedAt: start,
  expiresAt: start + 5_000,
  shared,
  items,
});

describe('mail records', () => {
  it('give back what went in, the shared end behind each envelope', () => {
    const shared = bytes(50);
    const sent = mail([item(), item({ ...someDevice(127), incarnation: '' }), item()], shared);
    const fetched = fetchedRecordOf(recordOf(encodeMailRecord(sent)));
    if (fetched.kind !== 'mail') throw new Error('no mail');
    expect([fetched.ko, fetched.time, fetched.expiresAt]).toEqual([7, start + 3, start + 5_000]);
    expect(fetched.parts.map(({ device }) => device)).toEqual(sent.items.map(({ device }) => deviceKeyOf(device)));
    for (const [at, { envelope }] of fetched.parts.entries()) {
      const parcel = parcelOf(envelope);
      const { entryId, envelope: beginning } = sent.items[at] ?? item();
      expect(Buffer.from(parcel?.entryId ?? bytes(1)).equals(entryId)).toBe(true);
      expect(Buffer.from(parcel?.envelope ?? bytes(1)).equals(Buffer.concat([beginning, shared]))).toBe(true);
    }
  });

  it('keep a shared end in memory once, however many devices they are for', () => {
    const items = Array.from({ length: 1_000 }, () => item());
    const value = encodeMailRecord(mail(items, bytes(100_000)));
    const before = process.memoryUsage().arrayBuffers;
    const fetched = fetchedRecordOf(recordOf(value));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
    expect(fetched.kind === 'mail' && fetched.parts[999]?.envelope.length).toBe(100_028);
  });

  it('live no longer than mail is kept, whatever clock the node had that took them', () => {
    const late = { ...mail(), expiresAt: start + longestPendingMs + 60_000 };
    expect(fetchedRecordOf(recordOf(encodeMailRecord(late)))).toMatchObject({
      expiresAt: start + 3 + longestPendingMs,
    });
  });

  it('are poison in another version, or with a device that can not be', () => {
    const fields = MailRecord.decode(encodeMailRecord(mail()));
    const [first] = fields.items;
    if (first === undefined) throw new Error('no item');
    const bad = [
      { ...fields, version: 2 },
      { ...fields, version: 0 },
      ...[
        { userId: bytes(15) },
        { deviceId: 0 },
        { deviceId: 128 },
        { entry: bytes(7) },
        { incarnation: Buffer.from('x'.repeat(65)) },
        { incarnation: Uint8Array.of(0xff) },
      ].map((change) => ({ ...fields, items: [{ ...first, ...change }] })),
      { ...fields, items: [first, first] },
    ];
    for (const record of bad) {
      const value = MailRecord.encode(record);
      expect(fetchedRecordOf(recordOf(value))).toEqual({ kind: 'poison', ko: 7, bytes: value });
    }
  });

  it('any bytes are mail or poison, and nothing else happens', () => {
    const check = (value: Uint8Array) => {
      const fetched = fetchedRecordOf(recordOf(value));
      if (fetched.kind === 'poison') expect(fetched.bytes).toBe(value);
      else for (const { envelope } of fetched.parts) expect(parcelOf(envelope)).not.toBe(undefined);
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check), { numRuns: 2_000 });
    const whole = encodeMailRecord(mail([item(), item({ ...someDevice(), incarnation: randomUUID() })], bytes(9)));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(whole.length), (at, flip, end) => {
        check(whole.map((byte, index) => (index === at ? byte ^ flip : byte)).slice(0, Math.max(end, 1)));
      }),
      { numRuns: 2_000 },
    );
  });
});
