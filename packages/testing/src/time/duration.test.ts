import { describe, expect, it } from 'vitest';
import { TestingError } from '../testing-error.ts';
import { type Duration, msOf } from './duration.ts';

/** What plain JavaScript can hand over. */
const parsed = (json: string): Duration => JSON.parse(json);

describe('a duration', () => {
  it('is the sum of its parts, in whole milliseconds', () => {
    expect(msOf({ days: 1, hours: 1, minutes: 1, seconds: 1, ms: 1 })).toBe(90_061_001);
    expect(msOf({ seconds: 0.1 + 0.2 })).toBe(300);
    expect(msOf({})).toBe(0);
  });

  it.each([
    ['a wrong key', parsed('{"day":1}'), '"day"'],
    ['a wrong key beside a right one', parsed('{"minutes":1,"secs":5}'), '"secs"'],
    ['a key that all objects have', parsed('{"toString":1}'), '"toString"'],
    ['less than nothing', { minutes: 2, seconds: -1 }, 'seconds'],
    ['no number', { hours: Number.NaN }, 'hours'],
    ['no end', { days: Number.POSITIVE_INFINITY }, 'days'],
    ['a text', parsed('{"ms":"5"}'), 'ms'],
    ['null', parsed('{"ms":null}'), 'ms'],
    ['a number by itself', parsed('5000'), '{ minutes: 2 }'],
    ['nothing', parsed('null'), '{ minutes: 2 }'],
    ['more than a date can be', { days: 1e9 }, 'days'],
  ])('refuses %s, and says what is wrong with it', (_, duration, named) => {
    const refusal = () => msOf(duration);
    expect(refusal).toThrow(TestingError);
    expect(refusal).toThrow(expect.objectContaining({ code: 'argument-invalid' }));
    expect(refusal).toThrow(named);
  });
});
