import { describe, expect, it } from 'vitest';
import { ManualTime } from '../../test/manual-time.ts';
import type { MailEntry } from '../ports/mailbox.ts';
import { DeliveryPump, type DeliveryPumpParts } from './delivery-pump.ts';

/** A mailbox whose reads end when the test says so. */
function setUp(changes: Partial<DeliveryPumpParts> = {}) {
  const stored: MailEntry[] = [];
  let given = 0;
  const reads: (() => void)[] = [];
  const happened: string[] = [];
  const pump = new DeliveryPump({
    reader: {
      next: async (limit) => {
        await new Promise<void>((resolve) => reads.push(resolve));
        const entries = stored.slice(given, given + limit);
        given += entries.length;
        return entries;
      },
    },
    clock: { now: () => 0 },
    window: 4,
    storedAtOpening: 100,
    timers: new ManualTime(),
    patienceMs: 0,
    takesMore: () => true,
    deliver: ({ deliveryId }) => happened.push(`deliver ${deliveryId[0]}`),
    queueEmpty: () => happened.push('empty'),
    failed: (error) => happened.push(`failed ${String(error)}`),
    ...changes,
  });
  const store = (...ids: number[]) =>
    stored.push(...ids.map((id) => ({ deliveryId: Uint8Array.of(id), envelope: new Uint8Array() })));
  const finishRead = async () => {
    reads.shift()?.();
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  return { pump, store, finishRead, happened, reads };
}

describe('DeliveryPump', () => {
  it('delivers what is stored, then says so once, then what a hint brings', async () => {
    const { pump, store, finishRead, happened } = setUp();
    store(1, 2);
    pump.hint();
    await finishRead();
    expect(happened).toEqual(['deliver 1', 'deliver 2', 'empty']);
    store(3);
    pump.hint();
    await finishRead();
    expect(happened.slice(3)).toEqual(['deliver 3']);
  });

  it('looks again when a hint comes during a read', async () => {
    const { pump, store, finishRead, happened, reads } = setUp();
    pump.hint();
    pump.hint();
    await finishRead();
    expect(reads).toHaveLength(1);
    store(1);
    await finishRead();
    expect(happened).toEqual(['empty', 'deliver 1']);
  });

  it('keeps the window, and goes on when acks open it', async () => {
    const { pump, store, finishRead, happened, reads } = setUp();
    store(1, 2, 3, 4, 5, 6);
    pump.hint();
    await finishRead();
    expect(happened).toHaveLength(4);
    expect(reads).toHaveLength(0);
    expect(pump.acked([Uint8Array.of(9), Uint8Array.of(2), Uint8Array.of(2)])).toBe(1);
    await finishRead();
    expect(happened).toContain('deliver 5');
    expect(happened).not.toContain('deliver 6');
  });

  it('says that the queue is empty once what was stored at the opening is delivered, though more keeps coming', async () => {
    const { pump, store, finishRead, happened } = setUp({ storedAtOpening: 4 });
    store(1, 2, 3, 4, 5);
    pump.hint();
    await finishRead();
    expect(happened).toEqual(['deliver 1', 'deliver 2', 'deliver 3', 'deliver 4', 'empty']);
  });

  it('holds back what it has read while the stream takes no more', async () => {
    let takes = 1;
    const { pump, store, finishRead, happened } = setUp({ takesMore: () => takes > 0 && happened.length < takes });
    store(1, 2, 3);
    pump.hint();
    await finishRead();
    expect(happened).toEqual(['deliver 1']);
    takes = 10;
    pump.hint();
    await finishRead();
    await finishRead();
    expect(happened).toEqual(['deliver 1', 'deliver 2', 'deliver 3', 'empty']);
  });

  it('delivers nothing after it was stopped, not even what is being read', async () => {
    const { pump, store, finishRead, happened } = setUp();
    store(1);
    pump.hint();
    pump.stop();
    await finishRead();
    expect(happened).toEqual([]);
  });

  it('hands a failure of the store to its owner', async () => {
    const { pump, finishRead, happened } = setUp({ reader: { next: () => Promise.reject(new Error('gone')) } });
    pump.hint();
    await finishRead();
    expect(happened).toEqual(['failed Error: gone']);
  });

  it('where mail may be on its way, says that it is at the end when as much has come as was stored, or after a while', async () => {
    const timers = new ManualTime();
    const { pump, store, finishRead, happened } = setUp({ storedAtOpening: 2, timers, patienceMs: 5_000 });
    pump.hint();
    store(1);
    await finishRead();
    await finishRead();
    expect(happened).toEqual(['deliver 1']);
    store(2);
    pump.hint();
    await finishRead();
    expect(happened).toEqual(['deliver 1', 'deliver 2', 'empty']);
    expect(timers.pending).toBe(0);

    const other = setUp({ storedAtOpening: 2, timers, patienceMs: 5_000 });
    other.pump.hint();
    other.store(1);
    await other.finishRead();
    await other.finishRead();
    timers.advance(4_999);
    await other.finishRead();
    expect(other.happened).toEqual(['deliver 1']);
    timers.advance(1);
    await other.finishRead();
    expect(other.happened).toEqual(['deliver 1', 'empty']);

    const stopped = setUp({ storedAtOpening: 2, timers, patienceMs: 5_000 });
    stopped.pump.hint();
    await stopped.finishRead();
    expect(timers.pending).toBe(1);
    stopped.pump.stop();
    expect(timers.pending).toBe(0);
  });
});
