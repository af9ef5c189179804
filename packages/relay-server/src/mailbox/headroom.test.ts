import { describe, expect, it } from 'vitest';
import { memoryStores } from '../adapters/memory/memory-stores.ts';
import { quotaOf } from '../conformance/mail-samples.ts';
import type { DeviceId, UserId } from '../ports/ids.ts';
import { type Cargo, Headroom } from './headroom.ts';

const device = { userId: 'a' as UserId, deviceId: 1 as DeviceId };
const { mailbox } = memoryStores({ clock: { now: () => 0 } });
const cargoFor = (headroom: Headroom, bytes = 1, stranger = false): Cargo => ({
  room: headroom.of(device),
  bytes,
  stranger,
});

describe('Headroom', () => {
  it('is sure of nothing before it asked', async () => {
    const headroom = new Headroom(mailbox, quotaOf(2, 100));
    expect(headroom.surelyFits(cargoFor(headroom))).toBe(false);
    await headroom.refresh(cargoFor(headroom));
    expect(headroom.surelyFits(cargoFor(headroom, 100))).toBe(true);
    expect(headroom.surelyFits(cargoFor(headroom, 101))).toBe(false);
  });

  it('counts what is on its way and what has arrived, and forgets what was refused', async () => {
    const headroom = new Headroom(mailbox, quotaOf(2, 100));
    const large = cargoFor(headroom, 60);
    await headroom.refresh(large);
    headroom.enter(large);
    expect(headroom.surelyFits(cargoFor(headroom, 41))).toBe(false);
    headroom.settle(large, false);
    expect(headroom.surelyFits(cargoFor(headroom, 41))).toBe(true);
    const [one, two] = [cargoFor(headroom, 10), cargoFor(headroom, 10)];
    headroom.enter(one);
    headroom.enter(two);
    headroom.settle(one, true);
    expect(headroom.surelyFits(cargoFor(headroom))).toBe(false);
  });

  it('is never too hopeful about what arrives while it asks', async () => {
    const headroom = new Headroom(mailbox, quotaOf(3, 1_000));
    const [first, second] = [cargoFor(headroom, 10), cargoFor(headroom, 10)];
    await headroom.refresh(first);
    headroom.enter(first);
    const asking = headroom.refresh(first);
    headroom.enter(second);
    headroom.settle(second, true);
    await asking;
    expect(first.room.count + first.room.pendingCount).toBe(2);
  });

  it('knows the share of strangers apart, on its way and arrived', async () => {
    const headroom = new Headroom(mailbox, { count: 10, bytes: 1_000, strangerCount: 2, strangerBytes: 100 });
    const stranger = cargoFor(headroom, 60, true);
    await headroom.refresh(stranger);
    headroom.enter(stranger);
    expect(headroom.surelyFits(cargoFor(headroom, 41, true))).toBe(false);
    expect(headroom.surelyFits(cargoFor(headroom, 40, true))).toBe(true);
    expect(headroom.surelyFits(cargoFor(headroom, 500))).toBe(true);
    headroom.settle(stranger, true);
    expect(headroom.surelyFits(cargoFor(headroom, 41, true))).toBe(false);
    const refused = cargoFor(headroom, 40, true);
    headroom.enter(refused);
    expect(headroom.surelyFits(cargoFor(headroom, 0, true))).toBe(false);
    headroom.settle(refused, false);
    expect(headroom.surelyFits(cargoFor(headroom, 40, true))).toBe(true);
  });

  it('counts in one place what goes to a device that was forgotten meanwhile', async () => {
    const headroom = new Headroom(mailbox, quotaOf(2, 1_000), 1);
    const early = cargoFor(headroom, 1);
    await headroom.refresh(early);
    headroom.of({ userId: 'b' as UserId, deviceId: 1 as DeviceId });
    expect(early.room.forgotten).toBe(true);
    expect(headroom.surelyFits(early)).toBe(false);
    headroom.enter(early);
    expect(headroom.of(device).pendingCount).toBe(1);
    await headroom.refresh(early);
    const late = cargoFor(headroom, 1);
    headroom.enter(late);
    expect(headroom.surelyFits(cargoFor(headroom))).toBe(false);
    headroom.settle(early, true);
    headroom.settle(late, true);
    expect(headroom.surelyFits(cargoFor(headroom))).toBe(false);
  });

  it('keeps a second device of a user whose first was forgotten to make room for it', () => {
    const headroom = new Headroom(mailbox, quotaOf(2, 1_000), 1);
    headroom.of(device);
    const second = headroom.of({ ...device, deviceId: 2 as DeviceId });
    expect(headroom.of({ ...device, deviceId: 2 as DeviceId })).toBe(second);
  });
});
