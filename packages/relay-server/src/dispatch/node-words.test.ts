import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeviceAddress, DeviceId, DeviceKey, UserId } from '../ports/ids.ts';
import { decodeNodeMessage, encodeNodeMessage } from './node-messages.ts';
import { decodeNodeWord, encodeNodeWord, type NodeWord } from './node-words.ts';

const userId = fc.string({ maxLength: 60, unit: 'grapheme' }) as unknown as fc.Arbitrary<UserId>;
const deviceId = fc.integer({ min: 0, max: 255 });
const to: fc.Arbitrary<DeviceAddress> = fc.record({
  userId,
  deviceId: deviceId as unknown as fc.Arbitrary<DeviceId>,
});
const deviceIds = fc.array(deviceId, { maxLength: 12 });
const whole = fc.nat(Number.MAX_SAFE_INTEGER);
const bytes = fc.uint8Array({ maxLength: 50 });
const word: fc.Arbitrary<NodeWord> = fc.oneof(
  fc.record({
    kind: fc.constant('signal' as const),
    to,
    fromUser: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    fromDevice: deviceId,
    payload: bytes,
  }),
  fc.record({ kind: fc.constant('prekeys-left' as const), to, left: fc.record({ ec: whole, kyber: whole }) }),
  fc.record({ kind: fc.constant('devices-changed' as const), to, signed: bytes }),
  fc.record({ kind: fc.constant('devices-idle' as const), to, deviceIds }),
  fc.record({
    kind: fc.constant('ended' as const),
    userId,
    ending: fc.record({ which: fc.constantFrom('only' as const, 'but' as const), deviceIds }),
    signed: bytes,
  }),
  fc.record({ kind: fc.constant('link-left' as const), linkId: fc.string({ maxLength: 40 }) }),
);

/** Bytes are told apart as such, whatever class they come in. */
function plain(given: NodeWord | undefined): unknown {
  return given && Object.fromEntries(Object.entries(given).map(([name, value]) => [name, listOf(value)]));
}

function listOf(value: unknown): unknown {
  return value instanceof Uint8Array ? [...value] : value;
}

describe('words between nodes', () => {
  it('come back as they went, and are no message of deliveries', () => {
    fc.assert(
      fc.property(word, (given) => {
        const written = encodeNodeWord(given);
        expect(plain(decodeNodeWord(written))).toEqual(plain(given));
        expect(decodeNodeMessage(written)).toBe(undefined);
      }),
      { numRuns: 2_000 },
    );
    expect(decodeNodeWord(encodeNodeMessage({ kind: 'hint', device: 'one' as DeviceKey }))).toBe(undefined);
  });

  it('any bytes are a word that is written as it was read, or nothing', () => {
    const check = (given: Uint8Array) => {
      const read = decodeNodeWord(given);
      if (read !== undefined) expect(Buffer.from(encodeNodeWord(read)).equals(given)).toBe(true);
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 120 }), check), { numRuns: 2_000 });
    fc.assert(
      fc.property(word, fc.nat(), fc.integer({ min: 1, max: 255 }), (given, at, flip) => {
        const written = encodeNodeWord(given);
        check(written.map((byte, index) => (index === at % written.length ? byte ^ flip : byte)));
        check(written.subarray(0, at % written.length));
      }),
      { numRuns: 4_000 },
    );
  });

  it('from nobody that has a user id are nothing', () => {
    const device = { userId: 'one' as UserId, deviceId: 1 as DeviceId };
    const signal = { kind: 'signal', to: device, fromUser: new Uint8Array(15), fromDevice: 1 } as const;
    expect(decodeNodeWord(encodeNodeWord({ ...signal, payload: new Uint8Array(4) }))).toBe(undefined);
  });
});
