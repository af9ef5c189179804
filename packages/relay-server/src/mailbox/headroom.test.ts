import { describe, expect, it } from 'vitest';
import { memoryStores } from '../adapters/memory/memory-stores.ts';
import type { DeviceId, UserId } from '../ports/ids.ts';
import { Headroom } from './headroom.ts';

const device = { userId: 'a' as UserId, deviceId: 1 as DeviceId };
const { mailbox } = memoryStores({ clock: { now: () => 0 } });

describe('Headroom', () => {
  it('is sure of nothing before it asked', async () => {
    const headroom = new Headroom(mailbox, { count: 2, bytes: 100 });
    const room = headroom.of(device);
    expect(headroom.surelyFits(room, 1)).toBe(false);
    await headroom.refresh(room);
    expect(headroom.surelyFits(room, 100)).toBe(true);
    expect(headroom.surelyFits(room, 101)).toBe(false);
  });

  it('counts what is on its way and what has arrived, and forgets what was refused', async () => {
    const headroom = new Headroom(mailbox, { count: 2, bytes: 100 });
    const room = headroom.of(device);
    await headroom.refresh(room);
    headroom.enter(room, 60);
    expect(headroom.surelyFits(room, 41)).toBe(false);
    headroom.settle(room, 60, false);
    expect(headroom.surelyFits(room, 41)).toBe(true);
    headroom.enter(room, 10);
    headroom.enter(room, 10);
    headroom.settle(room, 10, true);
    expect(headroom.surelyFits(room, 1)).toBe(false);
    expect(headroom.of(device)).toBe(room);
  });

  it('is never too hopeful about what arrives while it asks', async () => {
    const headroom = new Headroom(mailbox, { count: 3, bytes: 1_000 });
    const room = headroom.of(device);
    await headroom.refresh(room);
    headroom.enter(room, 10);
    const asking = headroom.refresh(room);
    headroom.enter(room, 10);
    headroom.settle(room, 10, true);
    await asking;
    expect(room.count + room.pendingCount).toBe(2);
  });
});
