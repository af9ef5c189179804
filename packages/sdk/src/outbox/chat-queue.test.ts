import { uuidToText } from '@sotto/proto';
import { expect, it } from 'vitest';
import { ModelRelay } from '../../test/model-relay.ts';
import { sendingDevice } from '../../test/sending-device.ts';
import { meetDevice, testDevice } from '../../test/test-device.ts';
import { settled } from '../../test/turn-of-events.ts';
import { fullBucket, type Rate, refilled } from '../limits/token-bucket.ts';
import { unlimited } from './pacer.ts';

const device: Rate = { burst: 20, perSecond: 10 };
const chats = 3;
const each = 30;

it('all chats together keep below what the relay takes of one device, each in its order', async () => {
  const relay = new ModelRelay();
  const peers = await Promise.all(Array.from({ length: chats }, () => testDevice()));
  const own = await testDevice();
  const alice = sendingDevice(own, relay, async (userId) => {
    const peer = peers.find(({ account }) => account.userId === userId);
    if (peer !== undefined) await meetDevice(own, peer);
  });
  // The relay counts every Send of the device, as it comes.
  let bucket = fullBucket(device, own.clock.now());
  let refused = 0;
  relay.verdict = () => {
    bucket = refilled(bucket, device, own.clock.now());
    if (bucket.tokens < 1) {
      refused++;
      return { type: 'refused', code: 'rate-limited', retryable: true, retryAfterMs: 100 };
    }
    bucket = { ...bucket, tokens: bucket.tokens - 1 };
    return { type: 'accepted' };
  };
  alice.outbox.limited({ ...unlimited, device });
  const wanted = await Promise.all(
    peers.map(async ({ account }) => {
      const chat = alice.chat(account.userId);
      const sent = await Promise.all(Array.from({ length: each }, (_, at) => chat.send(`${at}`)));
      return sent.map(({ id }) => id);
    }),
  );
  const began = own.clock.now();
  await alice.connect();
  for (let rounds = 0; relay.stored.length < chats * each && rounds < 1_000; rounds++) {
    await settled();
    await alice.deliverResults();
    await settled();
    // The shortest wait is over: whoever waits longer looks too early, and waits again.
    own.clock.advance(Math.min(...alice.timers.delays, 1_000));
    alice.timers.runAll();
  }
  await alice.run();
  expect([refused, alice.failures]).toEqual([0, []]);
  const to = peers.map(({ account }) =>
    relay.stored.flatMap(({ messageId, send }) =>
      send.recipients.some(({ userId }) => userId && uuidToText(userId) === account.userId) ? [messageId] : [],
    ),
  );
  expect(to).toEqual(wanted);
  // 72 behind a burst of 18, ten a second.
  expect(own.clock.now() - began).toBeGreaterThanOrEqual(7_200);
});
