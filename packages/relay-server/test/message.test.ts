import { randomBytes } from 'node:crypto';
import { Envelope, uuidToBytes } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { open, register } from './raw-client.ts';
import { rawSend } from './raw-stream.ts';
import { startRelay, storeKinds } from './test-relay.ts';

describe.each(storeKinds)('a message on %s stores', (stores) => {
  it('goes from one socket to the other and is gone after its ack', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const bob = await register(relay, '+14155550102');
    const from = await open(relay, alice);
    const to = await open(relay, bob);
    await to.next('queueEmpty');
    const send = rawSend({ to: bob.keys });
    from.send({ send });

    const result = await from.next('sendResult');
    expect(Buffer.from(result.sendId ?? [])).toEqual(send.sendId);
    expect(result).toMatchObject({
      acceptedAt: relay.time.now(),
      recipients: [{ status: 1, devices: [{ deviceId: 1, status: 1 }] }],
    });
    const deliver = await to.next('deliver');
    const envelope = Envelope.decode(deliver.envelope ?? new Uint8Array());
    expect(envelope).toMatchObject({ suite: 1, kind: 1, senderDevice: 1, recipientDevice: 1, attempt: 1 });
    expect(Buffer.from(envelope.senderUser)).toEqual(Buffer.from(uuidToBytes(alice.keys.userId)));
    expect(Buffer.from(envelope.messageId)).toEqual(send.messageId);
    expect(envelope.expiresAt - envelope.acceptedAt).toBe(30 * 24 * 3_600_000);

    to.send({ ack: { deliveryIds: [deliver.deliveryId ?? randomBytes(1)] } });
    await to.close();
    const again = await open(relay, bob);
    await again.next('queueEmpty');
    expect(again.kinds).not.toContain('deliver');
  });
});
