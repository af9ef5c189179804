import { ClientFrames } from '@sotto/proto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { connect, open, register } from './raw-client.ts';
import { rawSend } from './raw-stream.ts';
import { startRelay } from './test-relay.ts';

it('random bytes and broken frames never end the relay, and the next good client is served', async () => {
  await using relay = await startRelay();
  const alice = await register(relay, '+14155550101');
  const bob = await register(relay, '+14155550102');
  const good = ClientFrames.encode({
    frames: [{ send: rawSend({ to: bob.keys }) }, { ack: { deliveryIds: [new Uint8Array(16)] } }, { ping: {} }],
  });
  const damaged = fc
    .tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(good.length))
    .map(([at, byte, length]) => {
      const bytes = Uint8Array.from(good.subarray(0, length));
      if (at < bytes.length) bytes[at] = byte;
      return bytes;
    });
  const message = fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged, fc.string({ maxLength: 50 }));
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(message, { minLength: 1, maxLength: 5 }), async (saysHello, messages) => {
      const stream = saysHello ? await open(relay, alice) : await connect(relay, { token: alice.token });
      for (const each of messages) stream.socket.send(each);
      await stream.close();
    }),
    { numRuns: 150 },
  );
  const from = await open(relay, alice);
  const to = await open(relay, bob);
  const send = rawSend({ to: bob.keys });
  from.send({ send });
  expect(await from.next('sendResult')).toMatchObject({ recipients: [{ status: 1 }] });
  await to.next('deliver');
  expect(relay.log()).not.toContain('internal');
});
