import { describe, expect, it } from 'vitest';
import { parsePhoneNumber } from './phone-number.ts';

describe('parsePhoneNumber', () => {
  it.each([
    ['+14155550101', '+14155550101'],
    ['+1 (415) 555-0101', '+14155550101'],
    ['+44 7700 900123', '+447700900123'],
  ])('reads %s', (text, number) => {
    expect(parsePhoneNumber(text)).toBe(number);
  });

  it.each([
    '',
    'x',
    '2025550101',
    '+1202555010',
    '+999123456789',
    '+14155550101 ext. 5',
    '+1415555010100000000',
    '+',
    `+${'1'.repeat(1_000)}`,
  ])('refuses "%s"', (text) => {
    expect(() => parsePhoneNumber(text)).toThrow(expect.objectContaining({ code: 'number-invalid' }));
    if (text.length > 1) expect(() => parsePhoneNumber(text)).not.toThrow(text);
  });
});
