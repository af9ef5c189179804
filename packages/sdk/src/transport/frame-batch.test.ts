import { ClientFrames } from '@sotto/proto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameBatch } from './frame-batch.ts';

describe('FrameBatch', () => {
  it('keeps every frame in order, in messages that are not too large', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 40 }),
        fc.integer({ min: 80, max: 300 }),
        (nonces, maxBytes) => {
          const batch = new FrameBatch(maxBytes);
          batch.add(nonces.slice(0, 3).map((nonce) => ({ ping: { nonce } })));
          batch.add(nonces.slice(3).map((nonce) => ({ ping: { nonce } })));
          const messages: Uint8Array[] = [];
          batch.flush((message) => messages.push(message));
          expect(messages.every(({ length }) => length <= maxBytes)).toBe(true);
          const frames = messages.flatMap((message) => ClientFrames.decode(message).frames);
          expect(frames.map((frame) => [...(frame.ping?.nonce ?? [])])).toEqual(nonces.map((nonce) => [...nonce]));
          batch.flush(() => expect.fail('everything was taken'));
          expect(batch.length).toBe(0);
        },
      ),
    );
  });

  it('refuses a frame that fits into no message, and takes none of those with it', () => {
    const batch = new FrameBatch(100);
    expect(() => batch.add([{ ping: { nonce: new Uint8Array(8) } }, { ping: { nonce: new Uint8Array(101) } }])).toThrow(
      expect.objectContaining({ code: 'argument-invalid' }),
    );
    batch.flush(() => expect.fail('nothing was taken in'));
  });

  it('puts at most 4,096 frames into one message', () => {
    const batch = new FrameBatch(1024 * 1024);
    batch.add(Array.from({ length: 10_000 }, () => ({ ping: {} })));
    const counts: number[] = [];
    batch.flush((message) => counts.push(ClientFrames.decode(message).frames.length));
    expect(counts).toEqual([4_096, 4_096, 1_808]);
  });

  it('tells who added frames once they were handed over, and not again', () => {
    const batch = new FrameBatch(100);
    const told: string[] = [];
    batch.add([{ ping: {} }], () => told.push('first'));
    batch.add([{ ping: {} }], () => told.push('second'));
    batch.flush(() => told.push('sent'));
    batch.flush(() => told.push('sent again'));
    expect(told).toEqual(['sent', 'first', 'second']);
  });
});
