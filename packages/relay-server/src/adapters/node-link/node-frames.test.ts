import { randomBytes, randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RelayError } from '../../relay-error.ts';
import {
  answerFrame,
  cancelFrame,
  decodeNodeFrames,
  encodeNodeFrames,
  refusalFrame,
  refusalReasonOf,
  requestFrame,
  tellFrame,
} from './node-frames.ts';

const refused = expect.objectContaining({ code: 'frame-malformed' });

describe('frames between nodes', () => {
  const frames = [
    requestFrame(0xffff_ffff, 30_000, Buffer.from('a question')),
    tellFrame(Buffer.alloc(70_000, 1)),
    cancelFrame(7),
    answerFrame(1, Buffer.alloc(0)),
    ...(['unreachable', 'overloaded', 'failed'] as const).map((reason) => refusalFrame(2, reason)),
  ];

  it('are read as they were written', () => {
    const read = decodeNodeFrames(encodeNodeFrames(frames));
    expect(read.map((frame) => ({ ...frame, payload: Buffer.from(frame.payload) }))).toEqual(
      frames.map((frame) => ({ ...frame, payload: Buffer.from(frame.payload) })),
    );
    expect(read.slice(4).map(refusalReasonOf)).toEqual(['unreachable', 'overloaded', 'failed']);
    expect(decodeNodeFrames(Buffer.alloc(0))).toEqual([]);
  });

  it('have bytes that do not change', () => {
    expect(encodeNodeFrames([requestFrame(1, 258, Buffer.from([9]))]).toString('hex')).toBe(
      '01000000010000010200000001' + '09',
    );
  });

  it('are refused whole: cut short anywhere, of another kind, for a reason that there is not', () => {
    const message = encodeNodeFrames([requestFrame(1, 1_000, Buffer.from('abc')), cancelFrame(2)]);
    for (let length = 1; length < message.length; length++) {
      if (length !== message.length - 13) {
        expect(() => decodeNodeFrames(message.subarray(0, length)), `${length}`).toThrow(refused);
      }
    }
    for (const kind of [0, 6, 255]) {
      const other = Buffer.from(message);
      other[0] = kind;
      expect(() => decodeNodeFrames(other)).toThrow(refused);
    }
    for (const value of [0, 4]) expect(() => refusalReasonOf({ ...refusalFrame(1, 'failed'), value })).toThrow(refused);
  });

  it('of any bytes are frames that are written the same, or refused', () => {
    let read = 0;
    for (let round = 0; round < 5_000; round++) {
      const message = encodeNodeFrames(frames.slice(2));
      for (let edits = randomInt(4); edits > 0; edits--) message[randomInt(message.length)] = randomInt(256);
      const bytes = round % 2 === 0 ? message : randomBytes(randomInt(40));
      try {
        expect(encodeNodeFrames(decodeNodeFrames(bytes)).equals(bytes)).toBe(true);
        read++;
      } catch (error) {
        if (!(error instanceof RelayError)) throw error;
        expect(error.code).toBe('frame-malformed');
      }
    }
    expect(read).toBeGreaterThan(0);
  });
});
