import { expect, it } from 'vitest';
import { drawCode } from './verification-code.ts';

const drawing = (...values: number[]) => {
  const left = [...values];
  return {
    bytes: (count: number) => {
      const bytes = new Uint8Array(count);
      new DataView(bytes.buffer).setUint32(0, left.shift() ?? 0);
      return bytes;
    },
  };
};

it('has six digits, leading zeros too', () => {
  expect(drawCode(drawing(42))).toBe('000042');
  expect(drawCode(drawing(1_999_999))).toBe('999999');
});

it('throws away draws that would make some codes likelier than others', () => {
  expect(drawCode(drawing(4_294_967_295, 4_294_000_000, 4_293_999_999))).toBe('999999');
});
