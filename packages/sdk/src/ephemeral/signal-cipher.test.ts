import { EphemeralPayload } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import type { DeviceAddress, DeviceId, UserId } from '../ports/ids.ts';
import { readPayload, SignalCipher } from './signal-cipher.ts';

const address = (digit: string, deviceId: number): DeviceAddress => ({
  userId: `00000000-0000-4000-8000-00000000000${digit}` as UserId,
  deviceId: deviceId as DeviceId,
});
const [alice, bob, carol] = [address('a', 1), address('b', 1), address('c', 1)];
const secret = new Uint8Array(32).fill(7);
const run = new Uint8Array(16).fill(9);
const signal = { sentAt: 1_800_000_000_000, typing: { typing: true } };

function sealed(counter = 1) {
  const payload = new SignalCipher(secret, run, alice, bob).seal(signal, { run, counter });
  const read = readPayload(payload);
  if (read === undefined) throw new Error('its own payload is not well formed');
  return { payload, read };
}

describe('the cipher of ephemeral signals', () => {
  it('opens what was sealed, and gives what another key, direction, run or counter made to nobody', () => {
    const { read } = sealed();
    expect(new SignalCipher(secret, run, alice, bob).open(read)).toMatchObject(signal);
    const others = [
      new SignalCipher(new Uint8Array(32).fill(8), run, alice, bob),
      new SignalCipher(secret, new Uint8Array(16).fill(8), alice, bob),
      new SignalCipher(secret, run, bob, alice),
      new SignalCipher(secret, run, carol, bob),
      new SignalCipher(secret, run, alice, carol),
      new SignalCipher(secret, run, address('a', 2), bob),
      new SignalCipher(secret, run, alice, address('b', 2)),
    ];
    for (const other of others) expect(other.open(read)).toBeUndefined();
    expect(new SignalCipher(secret, run, alice, bob).open({ ...read, counter: 2 })).toBeUndefined();
  });

  it('has one length for all that it says', () => {
    const cipher = new SignalCipher(secret, run, alice, bob);
    const lengths = [signal, { sentAt: 1, typing: { typing: false } }, { presence: { online: true, asks: true } }].map(
      (each) => cipher.seal(each, { run, counter: 1 }).length,
    );
    expect(new Set(lengths).size).toBe(1);
  });

  it('opens nothing in which a bit was turned, wherever', () => {
    const { payload } = sealed();
    const cipher = new SignalCipher(secret, run, alice, bob);
    for (let bit = 0; bit < payload.length * 8; bit++) {
      const altered = payload.slice();
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const read = readPayload(altered);
      // The run is the salt of a key: whoever reads makes another one for it.
      const other = read && new SignalCipher(secret, read.run, alice, bob);
      expect(read && other?.open(read)).toBeUndefined();
    }
    expect(cipher.open(sealed().read)).toBeDefined();
  });

  it('reads no payload that has not its form', () => {
    const fields = EphemeralPayload.decode(sealed().payload);
    const wrong = [
      { ...fields, version: 2 },
      { ...fields, run: run.subarray(1) },
      { ...fields, counter: 0 },
      { ...fields, ciphertext: fields.ciphertext.subarray(1) },
    ];
    for (const each of wrong) expect(readPayload(EphemeralPayload.encode(each))).toBeUndefined();
    expect(readPayload(new Uint8Array())).toBeUndefined();
    expect(readPayload(Uint8Array.of(0xff, 1, 2))).toBeUndefined();
  });
});
