import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeviceKey, LaneId } from '../ports/ids.ts';
import type { NodeMessage } from './hand-over.ts';
import { decodeNodeMessage, encodeNodeMessage } from './node-messages.ts';

const device = fc.string({ maxLength: 60, unit: 'grapheme' }) as unknown as fc.Arbitrary<DeviceKey>;
const lane = fc.string({ maxLength: 60 }) as unknown as fc.Arbitrary<LaneId>;
const epoch = fc.string({ maxLength: 40 });
const whole = fc.nat(Number.MAX_SAFE_INTEGER).map((value) => value);
const mail = fc.record({ ko: whole, time: whole, expiresAt: whole, envelope: fc.uint8Array({ maxLength: 50 }) });
const message: fc.Arbitrary<NodeMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('hand-over' as const),
    call: whole,
    device,
    lane,
    prevKo: fc.oneof(whole, fc.constant('unknown' as const)),
    settled: fc.boolean(),
    epoch,
    deadline: whole,
    mail,
  }),
  fc.record({
    kind: fc.constant('answer' as const),
    call: whole,
    device,
    lane,
    ko: whole,
    status: fc.constantFrom('acked', 'refused-epoch', 'gone', 'late', 'catching-up', 'behind'),
  }),
  fc.record({ kind: fc.constant('hint' as const), device }),
  fc.record({ kind: fc.constant('caught-up' as const), device, lane }),
  fc.record({
    kind: fc.constant('taken-over' as const),
    device,
    epoch,
    by: fc.constantFrom('login' as const, 'reclaim' as const),
  }),
  fc.record({ kind: fc.constant('vacated' as const), device, epoch }),
);

/** Envelopes are told apart as bytes, whatever class they come in. */
function plain(given: NodeMessage | undefined): unknown {
  return given?.kind === 'hand-over'
    ? { ...given, mail: { ...given.mail, envelope: [...given.mail.envelope] } }
    : given;
}

describe('messages between nodes', () => {
  it('come back as they went', () => {
    fc.assert(
      fc.property(message, (given) => {
        expect(plain(decodeNodeMessage(encodeNodeMessage(given)))).toEqual(plain(given));
      }),
      { numRuns: 2_000 },
    );
  });

  it('cut, all but a hand-over, whose envelope ends where the message does, are nothing', () => {
    fc.assert(
      fc.property(message, fc.nat(), (given, cut) => {
        const bytes = encodeNodeMessage(given);
        const least = given.kind === 'hand-over' ? given.mail.envelope.length + 1 : 1;
        const length = bytes.length - Math.min(bytes.length, least + (cut % bytes.length));
        expect(decodeNodeMessage(bytes.subarray(0, length))).toBe(undefined);
        if (given.kind !== 'hand-over')
          expect(decodeNodeMessage(Buffer.concat([bytes, Buffer.alloc(1)]))).toBe(undefined);
      }),
      { numRuns: 2_000 },
    );
  });

  it('any bytes are a message that is written as it was read, or nothing', () => {
    const check = (bytes: Uint8Array) => {
      const read = decodeNodeMessage(bytes);
      if (read !== undefined) expect(Buffer.from(encodeNodeMessage(read)).equals(bytes)).toBe(true);
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 120 }), check), { numRuns: 2_000 });
    fc.assert(
      fc.property(message, fc.nat(), fc.integer({ min: 1, max: 255 }), (given, at, flip) => {
        const bytes = encodeNodeMessage(given);
        check(bytes.map((byte, index) => (index === at % bytes.length ? byte ^ flip : byte)));
      }),
      { numRuns: 4_000 },
    );
  });

  it('of another version, or with a name that is too long, are nothing', () => {
    const bytes = encodeNodeMessage({ kind: 'hint', device: 'one' as DeviceKey });
    expect(decodeNodeMessage(bytes.map((byte, at) => (at === 0 ? 2 : byte)))).toBe(undefined);
    expect(() => encodeNodeMessage({ kind: 'hint', device: 'x'.repeat(1_025) as DeviceKey })).toThrow(RangeError);
  });
});
