import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pad, paddedLength, unpad } from './padding.ts';

describe('padding', () => {
  it('comes off again, whatever the plaintext', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6_000 }), fc.nat(40), (bytes, zeros) => {
        const plaintext = Uint8Array.of(...bytes, ...new Uint8Array(zeros));
        const padded = pad(plaintext);
        expect(padded.length).toBe(paddedLength(plaintext.length));
        expect(unpad(padded)).toEqual(plaintext);
      }),
      { numRuns: 500 },
    );
  });

  it('shows buckets only: 26 sizes up to 4,096, and few above  [security: length-leak]', () => {
    const sizes = new Set<number>();
    for (let length = 0; length < 4_096; length++) sizes.add(paddedLength(length));
    expect([...sizes]).toEqual([...Array.from({ length: 25 }, (_, at) => (at + 1) * 160), 4_096]);
    const above = new Set<number>();
    for (let length = 4_096; length < 70_000; length++) above.add(paddedLength(length));
    expect(above.size).toBeLessThan(70);
  });

  it('grows with the plaintext, holds its mark, and costs at most 12 % above 4,096', () => {
    let before = 0;
    for (let length = 0; length < 200_000; length++) {
      const padded = paddedLength(length);
      expect(padded > length && padded >= before).toBe(true);
      if (length >= 4_096) expect(padded).toBeLessThanOrEqual((length + 1) * 1.12);
      before = padded;
    }
    fc.assert(
      fc.property(fc.integer({ min: 4_096, max: 2 ** 31 }), (length) => {
        const padded = paddedLength(length);
        // Padme leaves floor(log2(log2 n)) + 1 significant bits free.
        expect(padded > length && padded <= (length + 1) * 1.12).toBe(true);
        expect(paddedLength(padded - 1)).toBe(padded);
      }),
    );
  });

  it('has its edges where docs/protocol.md says', () => {
    const edges = [0, 158, 159, 160, 3_998, 3_999, 4_000, 4_095, 4_096];
    expect(edges.map(paddedLength)).toEqual([160, 160, 160, 320, 4_000, 4_000, 4_096, 4_096, 4_352]);
  });

  it('that is none is told, and nothing is thrown', () => {
    for (const bytes of [[], [0], [0, 0, 0], [1], [0x80, 1], [0x7f, 0]])
      expect(unpad(Uint8Array.from(bytes))).toBeUndefined();
    expect(unpad(Uint8Array.of(0x80))).toEqual(new Uint8Array());
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const plaintext = unpad(bytes);
        const mark = bytes.findLastIndex((byte) => byte !== 0);
        if (mark >= 0 && bytes[mark] === 0x80) expect(plaintext).toEqual(bytes.subarray(0, mark));
        else expect(plaintext).toBeUndefined();
      }),
    );
  });
});
