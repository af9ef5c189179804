import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { unmasked } from './unmasked.ts';

const head = 'GET /v1/stream HTTP/1.1\r\nHost: relay\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

function frame(payload: Buffer): Buffer {
  const mask = randomBytes(4);
  const length =
    payload.length < 126
      ? Buffer.from([0x80 | payload.length])
      : payload.length < 65_536
        ? Buffer.from([0x80 | 126, payload.length >> 8, payload.length & 255])
        : Buffer.from([
            0x80 | 127,
            0,
            0,
            0,
            0,
            0,
            payload.length >> 16,
            (payload.length >> 8) & 255,
            payload.length & 255,
          ]);
  return Buffer.concat([Buffer.from([0x82]), length, mask, payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0))]);
}

describe('unmasked', () => {
  it('shows what was sent in frames of any length', () => {
    const payloads = [0, 1, 125, 126, 70_000].map((length) => randomBytes(length));
    const shown = unmasked(Buffer.concat([Buffer.from(head), ...payloads.map(frame)]));
    for (const payload of payloads) expect(shown.includes(payload)).toBe(true);
  });

  it('leaves what is no WebSocket', () => {
    const request = Buffer.from('POST /v1/tokens HTTP/1.1\r\n\r\n{}');
    expect(unmasked(request)).toEqual(request);
  });
});
