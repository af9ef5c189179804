import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase64Url, isUuid, ProtoError, toBase64Url, uuidToBytes, uuidToText } from './index.ts';

describe('base64url (RFC 4648 section 5)', () => {
  it('agrees with the platform and comes back', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString('base64url'));
        expect([...fromBase64Url(toBase64Url(bytes))]).toEqual([...bytes]);
      }),
    );
  });

  it.each(['A', 'AB==', 'A+', 'A/', 'AB', 'a b', 'é'.repeat(4), 'AAB'])('refuses %j', (text) => {
    expect(() => fromBase64Url(text)).toThrow(expect.objectContaining({ code: 'malformed-base64url' }));
  });
});

describe('UUIDs (RFC 9562)', () => {
  it('come back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const text = uuidToText(bytes);
        expect(isUuid(text)).toBe(true);
        expect([...uuidToBytes(text)]).toEqual([...bytes]);
      }),
    );
  });

  it('of another form are refused', () => {
    expect(() => uuidToText(new Uint8Array(15))).toThrow(ProtoError);
    for (const text of [
      '',
      'x',
      '00000000-0000-0000-0000-00000000000G',
      '00000000-0000-0000-0000-00000000000A',
      '0'.repeat(36),
    ]) {
      expect(() => uuidToBytes(text)).toThrow(expect.objectContaining({ code: 'malformed-uuid' }));
      expect(isUuid(text)).toBe(false);
    }
  });
});
