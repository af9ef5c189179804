import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sotto } from './generated/sotto.js';
import {
  ClientFrames,
  Content,
  DeviceList,
  Envelope,
  GroupChange,
  GroupCheckpoint,
  GroupRecord,
  GroupState,
  ProtoError,
  Send,
  ServerFrames,
  SignedDeviceList,
} from './index.ts';

const codecs = {
  Content,
  ClientFrames,
  ServerFrames,
  Envelope,
  DeviceList,
  SignedDeviceList,
  Send,
  GroupRecord,
  GroupChange,
  GroupState,
  GroupCheckpoint,
};

describe('codecs', () => {
  it('write and read what they were given', () => {
    const bytes = Content.encode({
      seq: 7,
      sentAt: Number.MAX_SAFE_INTEGER,
      text: { body: 'שלום 👋' },
      messageId: new Uint8Array(16).fill(3),
    });
    const content = Content.decode(bytes);
    expect(content.seq).toBe(7);
    expect(content.sentAt).toBe(Number.MAX_SAFE_INTEGER);
    expect(content.body).toBe('text');
    expect(content.text?.body).toBe('שלום 👋');
    expect([...content.messageId]).toEqual([...new Uint8Array(16).fill(3)]);
  });

  it('give zero and empty for what is absent', () => {
    const content = Content.decode(new Uint8Array());
    expect(content.seq).toBe(0);
    expect(content.sentAt).toBe(0);
    expect(content.messageId.length).toBe(0);
    expect(content.body).toBeUndefined();
  });

  it('keep unknown fields over a round trip, nested ones too', () => {
    // Field 99 (bytes) at the top, and in a frame of a list.
    const unknown = Uint8Array.of(0x9a, 0x06, 0x03, 1, 2, 3);
    const inner = Uint8Array.of(...ServerFrames.encode({ frames: [{ drain: { retryAfterMs: 5 } }] }), ...unknown);
    expect([...ServerFrames.encode(ServerFrames.decode(inner))]).toEqual([...inner]);
    const frame = Uint8Array.of(0x32, 0x02, 0x08, 0x05, ...unknown);
    const nested = Uint8Array.of(0x0a, frame.length, ...frame);
    const again = ServerFrames.decode(ServerFrames.encode(ServerFrames.decode(nested)));
    expect(again.frames[0]?.$unknowns?.map((bytes) => [...bytes])).toEqual([[...unknown]]);
    expect(again.frames[0]?.drain?.retryAfterMs).toBe(5);
  });

  it('keep a kind of content that is not known yet', () => {
    const later = Uint8Array.of(...Content.encode({ seq: 3 }), 0xca, 0x01, 0x02, 0x08, 0x01);
    const content = Content.decode(later);
    expect(content.body).toBeUndefined();
    expect([...Content.encode(content)]).toEqual([...later]);
  });

  it('refuse a number that would be rounded', () => {
    const bytes = Uint8Array.of(0x38, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10);
    expect(() => Content.decode(bytes)).toThrow(expect.objectContaining({ code: 'number-out-of-range' }));
  });

  it('read 64-bit numbers exactly', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(Content.decode(Content.encode({ seq: value })).seq).toBe(value);
      }),
    );
  });

  for (const [name, codec] of Object.entries(codecs)) {
    it(`${name}: any bytes give a value or our typed error`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
          try {
            codec.decode(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtoError);
          }
        }),
        { numRuns: 2_000 },
      );
    });

    it(`${name}: a valid message with flipped and cut bytes gives a value or our typed error`, () => {
      const valid = Send.encode({
        sendId: new Uint8Array(16).fill(1),
        lane: new Uint8Array(8).fill(2),
        laneNo: 300,
        recipients: [
          {
            userId: new Uint8Array(16),
            deviceListVersion: 1,
            devices: [{ deviceId: 1, registrationId: 5, ciphertext: new Uint8Array(40) }],
          },
        ],
      });
      fc.assert(
        fc.property(fc.nat(valid.length - 1), fc.nat(255), fc.nat(valid.length), (at, value, length) => {
          const bytes = valid.slice();
          bytes[at] = value;
          try {
            codec.decode(bytes.subarray(0, length));
          } catch (error) {
            expect(error).toBeInstanceOf(ProtoError);
          }
        }),
        { numRuns: 2_000 },
      );
    });
  }

  it('end on messages nested deeper than the reader goes', () => {
    let bytes: Uint8Array = new Uint8Array();
    for (let depth = 0; depth < 200; depth++)
      bytes = sotto.v1.ServerFrames.encode({ frames: [] })
        .raw(Uint8Array.of(0x0b, ...bytes))
        .finish();
    expect(() => ServerFrames.decode(bytes)).toThrow(ProtoError);
  });
});
