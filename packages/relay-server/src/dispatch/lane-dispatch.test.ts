import { describe, expect, it } from 'vitest';
import type { DeviceKey, LaneId } from './delivery-lane.ts';
import {
  type LaneEffect,
  type LaneEvent,
  type LaneTerms,
  laneWakeAt,
  newLaneDispatch,
  stepLane,
} from './lane-dispatch.ts';

const terms: LaneTerms = {
  depth: 2,
  handOverMs: 1_000,
  holdMs: 10_000,
  holdRetryMs: 500,
  spillRetryMs: 100,
  slowMs: 0,
};
const device = 'd' as DeviceKey;
const holder = { node: 'n', epoch: 'e' };

function lane() {
  const state = newLaneDispatch(device, 'c/t/0' as LaneId);
  return {
    state,
    step(event: LaneEvent, now = 0): string[] {
      const out: LaneEffect[] = [];
      stepLane(state, event, now, 0, terms, out);
      return out.map(text);
    },
    mail(ko: number, now = 0): string[] {
      const envelope = new Uint8Array(0);
      return this.step({ kind: 'mail', mail: { ko, time: 0, expiresAt: 1_000_000, envelope } }, now);
    },
  };
}

function text(effect: LaneEffect): string {
  switch (effect.kind) {
    case 'hand-over': {
      const { mail, prevKo, settled } = effect.message;
      return `hand-over ${mail.ko} after ${prevKo}${settled ? '' : ' in flight'}`;
    }
    case 'spill':
      return `spill ${effect.mail.ko}`;
    case 'resolved':
      return `resolved ${effect.ko} ${effect.how}`;
    case 'send-hint':
      return 'hint';
    case 'ask-presence':
      return 'ask';
  }
}

describe('a lane of a dispatcher', () => {
  it('hands over to who is online, chained, as many as its depth', () => {
    const one = lane();
    expect([one.mail(3), one.mail(5), one.mail(8)]).toEqual([['ask'], [], []]);
    expect(one.step({ kind: 'presence', holder })).toEqual([
      'hand-over 3 after unknown',
      'hand-over 5 after 3 in flight',
    ]);
    expect(one.step({ kind: 'answer', call: 0, ko: 3, status: 'acked' })).toEqual([
      'resolved 3 acked',
      'hand-over 8 after 5 in flight',
    ]);
  });

  it('spills, then reads presence again, then hints, then is done', () => {
    const one = lane();
    one.mail(3);
    expect(one.step({ kind: 'presence', holder: undefined })).toEqual(['spill 3']);
    expect(one.step({ kind: 'spilled', ko: 3, ok: true })).toEqual(['ask']);
    expect(one.step({ kind: 'presence', holder })).toEqual(['hint', 'resolved 3 spilled']);
  });

  it('reads presence once more for what became durable after it was asked', () => {
    const one = lane();
    one.mail(3);
    one.mail(5);
    one.step({ kind: 'presence', holder });
    expect(one.step({ kind: 'answer', call: 0, ko: 3, status: 'late' })).toEqual(['spill 3']);
    one.step({ kind: 'answer', call: 1, ko: 5, status: 'late' });
    expect(one.step({ kind: 'spilled', ko: 3, ok: true })).toEqual(['spill 5', 'ask']);
    expect(one.step({ kind: 'spilled', ko: 5, ok: true })).toEqual([]);
    expect(one.step({ kind: 'presence', holder: undefined })).toEqual(['resolved 3 spilled', 'ask']);
    expect(one.step({ kind: 'presence', holder })).toEqual(['hint', 'resolved 5 spilled']);
  });

  it('spills nothing before what is in flight in front of it', () => {
    const one = lane();
    one.mail(3);
    one.mail(5);
    one.step({ kind: 'presence', holder });
    // The second is refused for good while the first waits for its ack.
    expect(one.step({ kind: 'answer', call: 1, ko: 5, status: 'late' })).toEqual([]);
    expect(one.step({ kind: 'answer', call: 0, ko: 3, status: 'acked' })).toEqual(['resolved 3 acked', 'spill 5']);
  });

  it('spills at its deadline, and takes an ack that comes later for nothing more', () => {
    const one = lane();
    one.mail(3);
    one.step({ kind: 'presence', holder });
    expect(laneWakeAt(one.state)).toBe(1_000);
    expect(one.step({ kind: 'wake' }, 999)).toEqual([]);
    expect(one.step({ kind: 'wake' }, 1_000)).toEqual(['spill 3']);
    expect(one.step({ kind: 'answer', call: 0, ko: 3, status: 'acked' }, 1_000)).toEqual([]);
    expect(one.step({ kind: 'spilled', ko: 3, ok: false }, 1_000)).toEqual([]);
    expect(one.step({ kind: 'wake' }, 1_100)).toEqual(['spill 3']);
  });

  it('holds while the gateway catches up, 10 s at most', () => {
    const one = lane();
    one.mail(3);
    one.step({ kind: 'presence', holder });
    one.step({ kind: 'answer', call: 0, ko: 3, status: 'catching-up' });
    expect(one.step({ kind: 'caught-up' }, 100)).toEqual(['hand-over 3 after unknown']);
    one.step({ kind: 'answer', call: 1, ko: 3, status: 'catching-up' }, 200);
    expect(one.step({ kind: 'wake' }, 700)).toEqual(['hand-over 3 after unknown']);
    one.step({ kind: 'answer', call: 2, ko: 3, status: 'catching-up' }, 9_800);
    expect(laneWakeAt(one.state)).toBe(10_000);
    expect(one.step({ kind: 'wake' }, 10_000)).toEqual(['spill 3']);
  });

  it('asks once more when a remembered holder refuses, and spills when a fresh one does', () => {
    const one = lane();
    one.mail(3);
    one.step({ kind: 'presence', holder });
    one.step({ kind: 'answer', call: 0, ko: 3, status: 'acked' });
    expect(one.mail(5)).toEqual(['hand-over 5 after 3']);
    expect(one.step({ kind: 'answer', call: 1, ko: 5, status: 'refused-epoch' })).toEqual(['ask']);
    expect(one.step({ kind: 'presence', holder: { node: 'm', epoch: 'f' } })).toEqual(['hand-over 5 after 3']);
    expect(one.step({ kind: 'answer', call: 2, ko: 5, status: 'gone' })).toEqual(['spill 5']);
  });

  it('sends what was behind again when everything before it is settled', () => {
    const one = lane();
    one.mail(3);
    one.mail(5);
    one.step({ kind: 'presence', holder });
    expect(one.step({ kind: 'answer', call: 1, ko: 5, status: 'behind' })).toEqual([]);
    expect(one.step({ kind: 'answer', call: 0, ko: 3, status: 'acked' })).toEqual([
      'resolved 3 acked',
      'hand-over 5 after 3',
    ]);
  });

  it('sends what was behind again with the record before it, whichever answer comes first', () => {
    const again = ['hand-over 3 after unknown', 'hand-over 5 after 3 in flight'];
    const inOrder = lane();
    inOrder.mail(3);
    inOrder.mail(5);
    inOrder.step({ kind: 'presence', holder });
    inOrder.step({ kind: 'answer', call: 0, ko: 3, status: 'catching-up' });
    expect(inOrder.step({ kind: 'answer', call: 1, ko: 5, status: 'behind' })).toEqual([]);
    expect(inOrder.step({ kind: 'caught-up' })).toEqual(again);

    const late = lane();
    late.mail(3);
    late.mail(5);
    late.step({ kind: 'presence', holder });
    late.step({ kind: 'answer', call: 0, ko: 3, status: 'catching-up' });
    expect(late.step({ kind: 'caught-up' })).toEqual(again.slice(0, 1));
    expect(late.step({ kind: 'answer', call: 1, ko: 5, status: 'behind' })).toEqual(again.slice(1));
    // Behind one that was sent before it: there is nothing to be gained by trying again.
    expect(late.step({ kind: 'answer', call: 3, ko: 5, status: 'behind' })).toEqual([]);
  });

  it('gives up what has expired', () => {
    const one = lane();
    expect(one.mail(3, 1_000_000)).toEqual(['resolved 3 expired']);
  });
});
