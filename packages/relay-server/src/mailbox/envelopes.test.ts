import { randomBytes } from 'node:crypto';
import { Envelope, Send } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { envelopesOf } from './envelopes.ts';

const origin = {
  senderUser: randomBytes(16),
  senderDevice: 3,
  acceptedAt: 1_790_000_000_123,
  expiresAt: 1_792_592_000_123,
};
const target = { recipientUser: randomBytes(16), recipientDevice: 127, kind: 2, ciphertext: randomBytes(40) };
const common = { suite: 1, messageId: randomBytes(16), attempt: 2, urgent: true };
const group = { groupId: randomBytes(32), groupEpoch: 2 ** 40 };

/** What a Send with these fields is when it has come over the wire. */
const send = (fields: object) => Send.decode(Send.encode({ sendId: randomBytes(16), ...common, ...fields }));

function read(bytes: Uint8Array): unknown {
  return JSON.parse(JSON.stringify(Envelope.decode(bytes)));
}

describe('envelopesOf', () => {
  it('makes an envelope for each device, byte for byte that of the generated code', () => {
    const { shared, of } = envelopesOf(send({}), origin);
    expect(shared).toBe(undefined);
    expect(Buffer.from(of(target))).toEqual(Buffer.from(Envelope.encode({ ...common, ...origin, ...target })));
  });

  it('of members: with the group', () => {
    const { shared, of } = envelopesOf(send(group), origin);
    expect(shared).toBe(undefined);
    const whole = Envelope.encode({ ...common, ...origin, ...target, ...group });
    expect(Buffer.from(of(target))).toEqual(Buffer.from(whole));
  });

  it('with a shared ciphertext: a beginning of each, and one end for all', () => {
    const ciphertext = randomBytes(5_000);
    const { shared = new Uint8Array(), of } = envelopesOf(send({ ...group, sharedCiphertext: ciphertext }), origin);
    const bytes = new Uint8Array(Buffer.concat([of(target), shared]));
    const whole = new Uint8Array(Envelope.encode({ ...common, ...origin, ...target, ...group, kind: 3, ciphertext }));
    expect(read(bytes)).toEqual(read(whole));
    expect(bytes.length).toBe(whole.length);
    expect(of(target).length).toBeLessThan(24);
  });
});
