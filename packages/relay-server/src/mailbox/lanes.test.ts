import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lanes } from './lanes.ts';

describe('Lanes', () => {
  it('let sends without a lane pass', () => {
    const lanes = new Lanes();
    expect([lanes.enter('', 0), lanes.enter('', 7)]).toEqual([true, true]);
    lanes.break('');
    expect(lanes.enter('', 0)).toBe(true);
  });

  it('begin at 1 and count', () => {
    const lanes = new Lanes();
    expect(lanes.enter('a', 1)).toBe(true);
    expect(lanes.enter('a', 2)).toBe(true);
    expect(lanes.enter('b', 2)).toBe(false);
    expect(lanes.enter('b', 1)).toBe(false);
  });

  it('stay whole when a number goes back, and break when one is left out', () => {
    const lanes = new Lanes();
    lanes.enter('a', 1);
    expect(lanes.enter('a', 1)).toBe(false);
    expect(lanes.enter('a', 2)).toBe(true);
    expect(lanes.enter('a', 4)).toBe(false);
    expect(lanes.enter('a', 3)).toBe(false);
  });

  it('that have given way to newer ones are superseded, never begun again in the middle', () => {
    const lanes = new Lanes();
    lanes.enter('first', 1);
    for (let at = 0; at < 4_096; at++) lanes.enter(`lane ${at}`, 1);
    expect(lanes.enter('first', 2)).toBe(false);
  });

  it('accept exactly the numbers 1, 2, 3 ... up to the first refusal or gap, whatever comes', () => {
    const step = fc.record({ number: fc.integer({ min: 0, max: 6 }), refused: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const lanes = new Lanes();
        const accepted: number[] = [];
        let refusals = 0;
        for (const { number, refused } of steps) {
          if (!lanes.enter('lane', number)) continue;
          expect(refusals).toBe(0);
          if (refused) {
            refusals++;
            lanes.break('lane');
          } else accepted.push(number);
        }
        expect(accepted).toEqual(accepted.map((_, at) => at + 1));
      }),
    );
  });
});
