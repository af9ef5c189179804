import { describe, expect, it } from 'vitest';
import { type KeptLock, lockVerdict } from './lock-verdict.ts';

const minute = 60_000;
const idleMs = 7 * 24 * 60 * minute;
const start = 1_800_000_000_000;
const [right, wrong] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
const fresh = { salt: new Uint8Array(32), secretMac: right, tries: 0, waitUntil: 0 } as KeptLock;

const judge = (lock: KeptLock | undefined, secretMac: Uint8Array | undefined, now = start, heardAt = now) =>
  lockVerdict(lock, heardAt, { secretMac, now, idleMs } as Parameters<typeof lockVerdict>[2]);

describe('lockVerdict  [security: sim-swap]', () => {
  it('opens without a lock, with the right secret, and after the idle time to the millisecond', () => {
    expect(judge(undefined, undefined)).toEqual({ status: 'open' });
    expect(judge(fresh, right)).toEqual({ status: 'open' });
    expect(judge(fresh, undefined, start, start - idleMs)).toEqual({ status: 'open' });
    expect(judge(fresh, undefined, start, start - idleMs + 1)).toMatchObject({ status: 'locked' });
  });

  it('counts nothing when nothing is shown, and says how many tries are left', () => {
    const verdict = judge({ ...fresh, tries: 2 }, undefined);
    expect(verdict).toMatchObject({ refusal: { attemptsLeft: 3, retryAfterMs: undefined } });
    expect(verdict).not.toHaveProperty('next');
  });

  it('gives five tries, then one after 1 min, 5 min, 1 h, and one a day from then on', () => {
    let lock = fresh;
    let now = start;
    const waits: (number | undefined)[] = [];
    for (let tries = 1; tries <= 10; tries++) {
      const verdict = judge(lock, wrong, now);
      if (verdict.status !== 'locked' || verdict.next === undefined) throw new Error('a wrong try was not counted');
      waits.push(verdict.refusal.retryAfterMs);
      lock = { ...lock, ...verdict.next };
      now = Math.max(now, lock.waitUntil);
    }
    const none = [undefined, undefined, undefined, undefined];
    expect(waits).toEqual([...none, ...[1, 5, 60, 1_440, 1_440, 1_440].map((minutes) => minutes * minute)]);
  });

  it('compares and counts nothing while a wait lasts, not even the right secret', () => {
    const waiting = { ...fresh, tries: 5, waitUntil: start + minute };
    for (const secret of [right, wrong, undefined]) {
      const verdict = judge(waiting, secret, start + minute - 1);
      expect(verdict).toMatchObject({ status: 'locked', refusal: { attemptsLeft: 0, retryAfterMs: 1 } });
      expect(verdict).not.toHaveProperty('next');
    }
    expect(judge(waiting, right, start + minute)).toEqual({ status: 'open' });
  });

  it('is not locked for longer than a day by a clock that was set back', () => {
    const waiting = { ...fresh, tries: 9, waitUntil: start };
    expect(judge(waiting, right, start - 400 * 24 * 60 * minute)).toMatchObject({
      refusal: { retryAfterMs: 24 * 60 * minute },
    });
  });
});
