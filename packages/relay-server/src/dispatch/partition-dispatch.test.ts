import { describe, expect, it } from 'vitest';
import { type DeviceKey, laneIdOf } from './delivery-lane.ts';
import { FetchedOffsets } from './fetched-offsets.ts';
import {
  type FetchedRecord,
  newPartitionDispatch,
  type PartitionEffect,
  type PartitionEvent,
  partitionTerms,
  partitionWakeAt,
  startOffset,
  stepPartition,
} from './partition-dispatch.ts';

const lane = laneIdOf('c', 'topic-id', 0);
const [one, other] = ['d1' as DeviceKey, 'd2' as DeviceKey];
const bytes = new Uint8Array(0);

function record(ko: number, ...devices: DeviceKey[]): FetchedRecord {
  const parts = devices.map((device) => ({ device, envelope: bytes }));
  return { kind: 'mail', ko, time: 0, expiresAt: 1e9, size: 10, parts };
}

function partition(start = 0) {
  const state = newPartitionDispatch(lane, 'g1', start);
  const step = (event: PartitionEvent, now = 0): PartitionEffect[] => {
    const out: PartitionEffect[] = [];
    stepPartition(state, event, now, 0, { ...partitionTerms, openRecords: 2, openParts: 10, openBytes: 1_000 }, out);
    return out;
  };
  const ack = (device: DeviceKey, ko: number) => {
    step({ kind: 'lane', device, event: { kind: 'presence', holder: { node: 'n', epoch: 'e' } } });
    return step({ kind: 'lane', device, event: { kind: 'answer', call: 0, ko, status: 'acked' } });
  };
  return { state, step, ack };
}

function commits(effects: readonly PartitionEffect[]): number[] {
  return effects.flatMap((effect) => (effect.kind === 'commit' ? [effect.offset] : []));
}

describe('a partition of a dispatcher', () => {
  it('commits up to the first record that is not resolved for all its devices', () => {
    const { step, ack } = partition();
    // What is below the first record is nobody's.
    expect(commits(step({ kind: 'fetched', records: [record(4, one, other), record(9, one)] }))).toEqual([4]);
    expect(commits(ack(one, 4))).toEqual([]);
    expect(commits(step({ kind: 'committed', offset: 4, ok: true }))).toEqual([]);
    expect(commits(ack(other, 4))).toEqual([9]);
  });

  it('has one commit under way, and tries again after a while when it failed', () => {
    const { state, step } = partition();
    expect(commits(step({ kind: 'fetched', records: [record(0)] }))).toEqual([1]);
    expect(commits(step({ kind: 'fetched', records: [record(1)] }))).toEqual([]);
    expect(commits(step({ kind: 'committed', offset: 1, ok: false }, 10))).toEqual([]);
    expect(partitionWakeAt(state)).toBe(1_010);
    expect(commits(step({ kind: 'wake' }, 1_010))).toEqual([2]);
  });

  it('is paused by a few records for many devices, and goes on when half of these are done', () => {
    const { step, ack } = partition();
    const devices = Array.from({ length: 10 }, (_, at) => `crowd-${at}` as DeviceKey);
    const kinds = (effects: readonly PartitionEffect[]) => effects.map(({ kind }) => kind);
    expect(kinds(step({ kind: 'fetched', records: [record(0, ...devices)] }))).toContain('pause');
    const done = devices.slice(0, 5).map((device) => kinds(ack(device, 0)).includes('resume'));
    expect(done).toEqual([false, false, false, false, true]);
  });

  it('is paused by bytes, however few records they are of, and goes on when half of these are done', () => {
    const { state, step, ack } = partition();
    const kinds = (effects: readonly PartitionEffect[]) => effects.map(({ kind }) => kind);
    const large = (ko: number, ...devices: DeviceKey[]) => ({ ...record(ko, ...devices), size: 600 }) as FetchedRecord;
    expect(kinds(step({ kind: 'fetched', records: [large(0, one)] }))).not.toContain('pause');
    // It is in memory once, for both.
    expect(kinds(ack(one, 0))).not.toContain('resume');
    expect(
      kinds(step({ kind: 'fetched', records: [{ ...large(1, one, other), size: 1_000 } as FetchedRecord] })),
    ).toContain('pause');
    expect(
      kinds(step({ kind: 'lane', device: one, event: { kind: 'answer', call: 1, ko: 1, status: 'acked' } })),
    ).not.toContain('resume');
    expect(kinds(ack(other, 1))).toContain('resume');
    expect(state.openBytes).toBe(0);
    // Poison too, until it is parked.
    expect(
      kinds(step({ kind: 'fetched', records: [{ kind: 'poison', ko: 2, bytes: new Uint8Array(1_000) }] })),
    ).toContain('pause');
    expect(kinds(step({ kind: 'parked', ko: 2, ok: true }))).toContain('resume');
  });

  it('does nothing after it was revoked', () => {
    const { state, step, ack } = partition();
    step({ kind: 'fetched', records: [record(0, one)] });
    expect(step({ kind: 'revoked' })).toEqual([]);
    expect(ack(one, 0)).toEqual([]);
    expect(partitionWakeAt(state)).toBe(Number.POSITIVE_INFINITY);
  });

  it('is paused while too much is in flight', () => {
    const { step, ack } = partition();
    const fetched = step({ kind: 'fetched', records: [record(0, one), record(1, other)] });
    expect(fetched.map(({ kind }) => kind)).toContain('pause');
    expect(ack(one, 0).map(({ kind }) => kind)).toContain('resume');
  });

  it('resolves poison once it is parked', () => {
    const { step } = partition();
    expect(step({ kind: 'fetched', records: [{ kind: 'poison', ko: 3, bytes }] })).toEqual([
      { kind: 'park', ko: 3, bytes },
      { kind: 'commit', assignment: 'g1', lane, offset: 3 },
    ]);
    step({ kind: 'committed', offset: 3, ok: true });
    expect(step({ kind: 'parked', ko: 3, ok: false })).toEqual([]);
    expect(step({ kind: 'wake' }, 1_000)).toEqual([{ kind: 'park', ko: 3, bytes }]);
    expect(commits(step({ kind: 'parked', ko: 3, ok: true }))).toEqual([4]);
  });

  it('begins where its own lane was committed, and nowhere else', () => {
    expect(startOffset(lane, { offset: 7, lane })).toBe(7);
    expect(startOffset(lane, { offset: 7, lane: laneIdOf('c', 'topic of before', 0) })).toBe(0);
    expect(startOffset(lane, undefined)).toBe(0);
  });
});

describe('fetched offsets', () => {
  it('have holes, and a watermark at the first that is open', () => {
    const offsets = new FetchedOffsets();
    expect(offsets.watermark()).toBeUndefined();
    for (const offset of [2, 5, 9]) offsets.fetched(offset);
    offsets.resolved(5);
    offsets.resolved(7);
    expect([offsets.watermark(), offsets.open]).toEqual([2, 2]);
    offsets.resolved(2);
    expect([offsets.watermark(), offsets.open]).toEqual([9, 1]);
    offsets.resolved(9);
    expect([offsets.watermark(), offsets.open]).toEqual([10, 0]);
  });
});
