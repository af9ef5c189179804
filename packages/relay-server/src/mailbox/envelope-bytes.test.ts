import { Envelope } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { type EnvelopeParts, envelopeBytes } from './envelope-bytes.ts';

/** Lengths and numbers on both sides of where one more byte is needed. */
const lengths = [0, 1, 16, 127, 128, 512, 16_383, 16_384, 256 * 1_024];
const numbers = [0, 1, 127, 128, 16_383, 16_384, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
const times = [0, 1, 127, 128, 2 ** 32, 1_790_000_000_123, 2 ** 49, Number.MAX_SAFE_INTEGER];

describe('envelopeBytes', () => {
  it('writes what the generated code writes, at every bound of every field', () => {
    const filled = (length: number) => new Uint8Array(length).fill(length % 251);
    for (let at = 0; at < 9; at++) {
      const number = (shift: number) => numbers[(at + shift) % numbers.length] ?? 0;
      const bytes = (shift: number) => filled(lengths[(at + shift) % lengths.length] ?? 0);
      const time = (shift: number) => times[(at + shift) % times.length] ?? 0;
      const parts: EnvelopeParts = {
        suite: number(0),
        kind: (at * 7) % 6,
        ciphertext: bytes(0),
        messageId: bytes(2),
        senderUser: bytes(4),
        senderDevice: number(3),
        recipientUser: bytes(6),
        recipientDevice: number(5),
        acceptedAt: time(0),
        expiresAt: time(3),
        attempt: number(7),
        urgent: at % 2 === 0,
      };
      const written = envelopeBytes(parts);
      expect(Buffer.compare(written, Envelope.encode(parts))).toBe(0);
    }
  });
});
