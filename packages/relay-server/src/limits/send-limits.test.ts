import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { start } from '../conformance/samples.ts';
import { settableClock } from '../conformance/settable-clock.ts';
import type { DeviceId, UserId } from '../ports/ids.ts';
import { SendLimits } from './send-limits.ts';

const [alice, bob, carol] = ['alice' as UserId, 'bob' as UserId, 'carol' as UserId];
const device = (userId: UserId, deviceId = 1) => ({ userId, deviceId: deviceId as DeviceId });

function limited() {
  const clock = settableClock();
  const limits = new SendLimits(clock, {
    sendsToStranger: { burst: 3, refillMs: 1_000 },
    sendsToContact: { burst: 5, refillMs: 10 },
    sendsPerDevice: { burst: 4, refillMs: 2 },
  });
  return { clock, limits };
}

describe('SendLimits', () => {
  it('lets the burst go to a stranger, then says how long to wait, exactly', () => {
    const { clock, limits } = limited();
    const take = () => limits.takeRecipient(alice, bob, true);
    expect([take(), take(), take(), take(), take()]).toEqual([0, 0, 0, 1_000, 1_000]);
    clock.set(start + 999);
    expect(take()).toBe(1);
    clock.set(start + 1_000);
    expect([take(), take()]).toEqual([0, 1_000]);
    clock.set(start + 1_000_000);
    expect([take(), take(), take(), take()]).toEqual([0, 0, 0, 1_000]);
  });

  it('has a bucket for each pair and kind, and none to the own account', () => {
    const { limits } = limited();
    for (let sent = 0; sent < 3; sent++) limits.takeRecipient(alice, bob, true);
    expect(limits.takeRecipient(alice, bob, true)).toBe(1_000);
    expect(limits.takeRecipient(alice, carol, true)).toBe(0);
    expect(limits.takeRecipient(carol, bob, true)).toBe(0);
    for (let sent = 0; sent < 5; sent++) expect(limits.takeRecipient(alice, bob, false)).toBe(0);
    expect(limits.takeRecipient(alice, bob, false)).toBe(10);
    for (let sent = 0; sent < 100; sent++) expect(limits.takeRecipient(alice, alice, false)).toBe(0);
  });

  it('lets go of pairs that have no limit', () => {
    const none = { burst: 0, refillMs: 1_000 };
    const limits = new SendLimits(settableClock(), {
      sendsToStranger: none,
      sendsToContact: none,
      sendsPerDevice: none,
    });
    const key = randomBytes(16);
    const hash = createHash('sha256').update(key).digest();
    for (let recipient = 0; recipient < 10_000; recipient++) {
      expect(limits.isStranger(alice, `recipient ${recipient}` as UserId, key, hash)).toBe(false);
    }
    expect(limits.size).toBeLessThanOrEqual(4_096);
  });

  it('counts the Sends of each device', () => {
    const { limits } = limited();
    for (let sent = 0; sent < 4; sent++) expect(limits.takeSend(device(alice))).toBe(0);
    expect(limits.takeSend(device(alice))).toBe(2);
    expect(limits.takeSend(device(alice, 2))).toBe(0);
    expect(limits.takeSend(device(bob))).toBe(0);
  });

  it('counts by when something came, however late it is looked at', () => {
    const { clock, limits } = limited();
    clock.set(start + 60_000);
    // As fast as it may come, then once more.
    const came = [0, 0, 0, 1_000, 2_000, 2_999];
    expect(came.map((after) => limits.takeRecipient(alice, bob, true, start + after))).toEqual([0, 0, 0, 0, 0, 1]);
    expect([0, 0, 0, 0, 2].map((after) => limits.takeSend(device(alice), start + after))).toEqual([0, 0, 0, 0, 0]);
    // The time to wait is from now on.
    for (let sent = 0; sent < 3; sent++) expect(limits.takeRecipient(alice, bob, true, start + 60_000)).toBe(0);
    expect(limits.takeRecipient(alice, bob, true, start + 59_500)).toBe(1_000);
    clock.set(start + 60_600);
    expect(limits.takeRecipient(alice, bob, true, start + 60_000)).toBe(400);
    clock.set(start + 62_000);
    expect(limits.takeRecipient(alice, bob, true, start + 60_000)).toBe(1);
    expect(limits.takeRecipient(alice, bob, true)).toBe(0);
  });

  it('takes what came at a time that is not yet, since the clock was set back, as coming now', () => {
    const { clock, limits } = limited();
    const hour = 3_600_000;
    for (let sent = 0; sent < 3; sent++) expect(limits.takeRecipient(alice, bob, true, start + hour)).toBe(0);
    expect(limits.takeRecipient(alice, bob, true, start + hour)).toBe(1_000);
    clock.set(start + 1_000);
    expect(limits.takeRecipient(alice, bob, true)).toBe(0);
  });

  it('goes on from an empty bucket when the clock was set back, not when it has caught up', () => {
    const { clock, limits } = limited();
    const hour = 3_600_000;
    clock.set(start + 12 * hour);
    for (let sent = 0; sent < 4; sent++) limits.takeSend(device(alice));
    for (let sent = 0; sent < 3; sent++) limits.takeRecipient(alice, bob, true);
    clock.set(start);
    expect(limits.takeSend(device(alice))).toBe(2);
    expect(limits.takeRecipient(alice, bob, true)).toBe(1_000);
    clock.set(start + 1_000);
    expect(limits.takeSend(device(alice))).toBe(0);
    expect([limits.takeRecipient(alice, bob, true), limits.takeRecipient(alice, bob, true)]).toEqual([0, 1_000]);
  });

  it('a burst of 0 is no limit', () => {
    const none = { burst: 0, refillMs: 1 };
    const limits = new SendLimits(settableClock(), {
      sendsToStranger: none,
      sendsToContact: none,
      sendsPerDevice: none,
    });
    for (let sent = 0; sent < 10_000; sent++) {
      expect(limits.takeSend(device(alice)) + limits.takeRecipient(alice, bob, sent % 2 === 0)).toBe(0);
    }
    expect(limits.size).toBe(0);
  });

  it('a clock that is set back bars nobody for longer than an empty bucket does', () => {
    const { clock, limits } = limited();
    for (let sent = 0; sent < 3; sent++) limits.takeRecipient(alice, bob, true);
    clock.set(start - 3_600_000);
    expect(limits.takeRecipient(alice, bob, true)).toBe(1_000);
  });

  it('knows a contact by the access key', () => {
    const { limits } = limited();
    const key = randomBytes(16);
    const hash = createHash('sha256').update(key).digest();
    const wrong = randomBytes(16);
    for (let time = 0; time < 2; time++) {
      expect(limits.isStranger(alice, bob, Buffer.from(key), hash)).toBe(false);
      expect(limits.isStranger(alice, bob, wrong, hash)).toBe(true);
      expect(limits.isStranger(alice, bob, key.subarray(0, 15), hash)).toBe(true);
      expect(limits.isStranger(alice, bob, new Uint8Array(), hash)).toBe(true);
      expect(limits.isStranger(alice, bob, key, undefined)).toBe(true);
      expect(limits.isStranger(alice, alice, new Uint8Array(), undefined)).toBe(false);
    }
    // The recipient has another key now: what was right before is not any more.
    const next = createHash('sha256').update(wrong).digest();
    expect(limits.isStranger(alice, bob, key, next)).toBe(true);
    expect(limits.isStranger(alice, bob, wrong, next)).toBe(false);
  });

  it('lets go of buckets that are full again', () => {
    const { clock, limits } = limited();
    for (let user = 0; user < 20_000; user++) {
      if (user % 100 === 0) clock.set(start + user * 10);
      limits.takeSend(device(`sender ${user}` as UserId));
      limits.takeRecipient(alice, `recipient ${user}` as UserId, true);
    }
    expect(limits.size).toBeLessThan(10_000);
    expect(limits.takeRecipient(alice, 'recipient 19999' as UserId, true)).toBe(0);
    expect(limits.takeRecipient(alice, 'recipient 19999' as UserId, true)).toBe(0);
    expect(limits.takeRecipient(alice, 'recipient 19999' as UserId, true)).toBe(1_000);
  });
});
