import { describe, expect, it } from 'vitest';
import { randomness } from '../../test/test-device.ts';
import { openNumber, sealNumber } from './sealed-number.ts';

const [former, next] = ['+14155550101', '+14155550102'];

describe('a sealed number', () => {
  it('is opened by who knew the old one, and by nobody else', () => {
    const sealed = sealNumber(next, former, randomness);
    expect(openNumber(sealed, former)).toBe(next);
    expect(openNumber(sealed, next)).toBeUndefined();
    expect(openNumber(sealed, '')).toBeUndefined();
    expect(sealNumber(next, former, randomness)).not.toEqual(sealed);
  });

  it('is nothing when any byte is another one, or missing, or it holds no number', () => {
    const sealed = sealNumber(next, former, randomness);
    for (let at = 0; at < sealed.length; at++) {
      const altered = sealed.slice();
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(openNumber(altered, former), `byte ${at}`).toBeUndefined();
      expect(openNumber(sealed.slice(0, at), former), `${at} bytes`).toBeUndefined();
    }
    for (const text of ['', '14155550102', '+0155550102', `${next}\n`, '+1415555010x', '+12345']) {
      expect(openNumber(sealNumber(text, former, randomness), former), text).toBeUndefined();
    }
  });
});
