import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPlatform } from '../platform/platform.node.ts';
import { formatRecoveryKey, parseRecoveryKey, rootKeyOf } from './recovery-key.ts';

const { sha256, randomness } = defaultPlatform();
const secret = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('recovery key', () => {
  it('is read as it was written, however it is typed', () => {
    fc.assert(
      fc.property(secret, (bytes) => {
        const text = formatRecoveryKey(bytes, sha256);
        expect(text).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){14}[0-9A-HJKMNP-TV-Z]{2}$/);
        const typed = text.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l');
        expect(parseRecoveryKey(text, sha256)).toEqual(bytes);
        expect(parseRecoveryKey(` ${typed}\n`, sha256)).toEqual(bytes);
      }),
    );
  });

  it('is refused with one letter wrong, and two swapped', () => {
    fc.assert(
      fc.property(secret, fc.nat(56), (bytes, at) => {
        const letters = [...formatRecoveryKey(bytes, sha256).replaceAll('-', '')];
        const [letter = '', next = ''] = letters.slice(at, at + 2);
        const wrong = letters.with(at, letter === '7' ? '8' : '7').join('');
        expect(() => parseRecoveryKey(wrong, sha256)).toThrow(
          expect.objectContaining({ code: 'recovery-key-invalid' }),
        );
        if (letter === next) return;
        const swapped = letters
          .with(at, next)
          .with(at + 1, letter)
          .join('');
        expect(() => parseRecoveryKey(swapped, sha256)).toThrow();
      }),
    );
  });

  it.each(['', 'short', 'U'.repeat(58), '0'.repeat(59), '€'.repeat(58)])('refuses "%s"', (text) => {
    expect(() => parseRecoveryKey(text, sha256)).toThrow(expect.objectContaining({ code: 'recovery-key-invalid' }));
  });

  it('makes the same root key every time', () => {
    const bytes = randomness.bytes(32);
    const publicKey = rootKeyOf(bytes).getPublicKey();
    expect(publicKey.equals(rootKeyOf(bytes).getPublicKey())).toBe(true);
    expect(publicKey.equals(rootKeyOf(randomness.bytes(32)).getPublicKey())).toBe(false);
  });
});
