import { randomBytes } from 'node:crypto';
import { ClientFrames, uuidToBytes } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { mail, roomy } from '../src/conformance/mail-samples.ts';
import type { DeviceId, UserId } from '../src/ports/ids.ts';
import type { Presence } from '../src/ports/presence.ts';
import type { RelayStores } from '../src/ports/relay-stores.ts';
import { RelayError } from '../src/relay-error.ts';
import { call, connect, open, register } from './raw-client.ts';
import { rawSend } from './raw-stream.ts';
import { turns } from './test-cluster.ts';
import { startRelay, storeKinds, unlimitedSends } from './test-relay.ts';

const hello = { hello: { protocolMin: 1, protocolMax: 1 } };

describe.each(storeKinds)('a stream on %s stores', (stores) => {
  it('is read no further while much of what it sent has no result, however few sends that are', async () => {
    const [sends, bytes] = [160, 250_000];
    const gate = Promise.withResolvers<void>();
    let appended = 0;
    await using relay = await startRelay({
      stores,
      config: {
        limits: unlimitedSends,
        mailbox: { strangerQuotaCount: 100_000, strangerQuotaBytes: 500_000_000, quotaBytes: 500_000_000 },
      },
      wrapStores: (real) => {
        const { mailbox } = real;
        const append = mailbox.append.bind(mailbox);
        mailbox.append = async (...args) => {
          appended++;
          await gate.promise;
          return append(...args);
        };
        return real;
      },
    });
    const [alice, bob] = [await register(relay, '+14155550101'), await register(relay, '+14155550102')];
    const stream = await open(relay, alice);
    const ciphertext = randomBytes(bytes);
    for (let at = 0; at < sends; at++) stream.send({ send: rawSend({ to: bob.keys, ciphertext }) });
    await expect.poll(() => appended).toBeGreaterThan(60);
    await turns(500);
    const atOnce = appended;
    gate.resolve();
    expect(atOnce).toBeLessThan(80);
    for (const { recipients } of await stream.take('sendResult', sends)) expect(recipients?.[0]?.status).toBe(1);
  });

  it('begins with hello and says how it is bounded', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const stream = await connect(relay, { token: alice.token });
    stream.send({ hello: { protocolMin: 1, protocolMax: 9, capabilities: ['later'] } });
    expect(await stream.next('hello')).toMatchObject({
      protocol: 1,
      serverTime: relay.time.now(),
      idleTimeoutMs: 120_000,
      maxMessageBytes: 1024 * 1024,
      inFlight: 256,
    });
    await stream.next('queueEmpty');
    await stream.settled();
    expect(stream.kinds).toEqual(['prekeysLow']);
  });

  it.each([
    ['a ping', { ping: { nonce: randomBytes(8) } }],
    ['an ack', { ack: { deliveryIds: [randomBytes(16)] } }],
    ['a frame of no kind', {}],
  ])('ends when %s comes before hello', async (_what, frame) => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const stream = await connect(relay, { token: alice.token });
    stream.send(frame);
    expect(await stream.next('error')).toMatchObject({ code: 'hello-expected' });
    expect((await stream.closed).code).toBe(4002);
  });

  it.each([
    [2, 3],
    [0, 0],
    [3, 1],
  ])('ends when the versions %i to %i are none of ours', async (protocolMin, protocolMax) => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const stream = await connect(relay, { token: alice.token });
    stream.send({ hello: { protocolMin, protocolMax } });
    expect(await stream.next('error')).toMatchObject({ code: 'protocol-unsupported', retryable: false });
    expect((await stream.closed).code).toBe(4002);
  });

  const whole = Buffer.from(ClientFrames.encode({ frames: [{ ping: { nonce: randomBytes(64) } }] }));
  it.each<[string, string | Uint8Array, number]>([
    ['text', 'hello', 4002],
    ['a truncated message', whole.subarray(0, -1), 4002],
    ['bytes that are no message', Buffer.from([0xff, 0xff, 0xff, 0xff]), 4002],
    ['a second hello', ClientFrames.encode({ frames: [hello] }), 4002],
    ['a message of 4,097 frames', ClientFrames.encode({ frames: Array(4_097).fill({}) }), 4002],
    ['a message over the limit', new Uint8Array(1024 * 1024 + 1), 1009],
  ])('ends at %s, and the next one is served', async (_what, message, code) => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const stream = await open(relay, alice);
    stream.socket.send(message);
    expect((await stream.closed).code).toBe(code);
    const next = await open(relay, alice);
    await next.settled();
  });

  it('goes on over an empty message and frames that it does not know', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const stream = await open(relay, alice);
    stream.socket.send(new Uint8Array());
    stream.send({});
    stream.socket.send(Buffer.from([0x0a, 0x03, 0xfa, 0x07, 0x00]));
    await stream.settled();
  });

  it('takes 4,096 frames in one message', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const stream = await open(relay, alice);
    stream.send(...Array.from({ length: 4_096 }, () => ({ ping: { nonce: randomBytes(1) } })));
    await stream.take('pong', 4_096);
    await stream.settled();
  });

  it('ends at thousands of fragments', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const stream = await open(relay, alice);
    for (let sent = 0; sent < 1_000; sent++) stream.socket.send(Buffer.from([0]), { fin: false });
    expect([1006, 1008]).toContain((await stream.closed).code);
    await (await open(relay, alice)).settled();
  });

  it('goes on after an ack that can not be one, and one of nothing', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const stream = await open(relay, alice);
    stream.send({ ack: { deliveryIds: [randomBytes(33)] } }, { ack: { deliveryIds: [new Uint8Array()] } });
    expect(await stream.take('error', 2)).toMatchObject([{ code: 'ack-malformed' }, { code: 'ack-malformed' }]);
    stream.send({ ack: { deliveryIds: [randomBytes(16), randomBytes(16), randomBytes(1)] } }, { ack: {} });
    await stream.settled();
  });

  it('is replaced by the next of the device, and its acks still count', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const bob = await register(relay, '+14155550102');
    const from = await open(relay, alice);
    from.send({ send: rawSend({ to: bob.keys }) });
    await from.next('sendResult');
    const first = await open(relay, bob);
    const { deliveryId = null } = await first.next('deliver');
    first.socket.pause();
    const second = await open(relay, bob);
    // The first has not seen its close yet: its ack meets the relay after it was replaced.
    first.send({ ack: { deliveryIds: [deliveryId ?? randomBytes(1)] } });
    first.socket.resume();
    expect(await first.closed).toMatchObject({ code: 4001, reason: expect.stringContaining('replaced') });
    await second.next('queueEmpty');
    await second.close();
    const third = await open(relay, bob);
    await third.next('queueEmpty');
    expect(third.kinds).not.toContain('deliver');
  });

  it('hands ephemeral signals to who is connected, and to nobody else', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const bob = await register(relay, '+14155550102');
    const from = await open(relay, alice);
    const signal = { userId: uuidToBytes(bob.keys.userId), deviceId: 1, payload: randomBytes(32) };
    from.send({ ephemeral: signal }, { ephemeral: { ...signal, userId: randomBytes(3) } });
    await from.settled();
    const to = await open(relay, bob);
    await to.next('queueEmpty');
    from.send({ ephemeral: signal });
    const got = await to.next('ephemeral');
    expect(Buffer.from(got.payload ?? [])).toEqual(signal.payload);
    expect(Buffer.from(got.userId ?? [])).toEqual(Buffer.from(uuidToBytes(alice.keys.userId)));
    expect(got.deviceId).toBe(1);
    from.send({ ephemeral: { ...signal, payload: randomBytes(4_097) } });
    expect(await from.next('error')).toMatchObject({ code: 'ephemeral-too-large' });
    await from.settled();
    expect(to.kinds).not.toContain('ephemeral');
  });

  it('ends when nothing came for the idle time, and not before', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const stream = await open(relay, alice);
    for (let quarter = 0; quarter < 12; quarter++) {
      relay.time.advance(30_000);
      await stream.settled();
    }
    relay.time.advance(120_000);
    expect(stream.socket.readyState).toBe(stream.socket.OPEN);
    relay.time.advance(30_000);
    expect(await stream.closed).toMatchObject({ code: 4004 });
  });
});

describe('a stream of which presence', () => {
  const presenceOf = (claim: (real: Presence) => Presence['claim']) => (real: RelayStores) => {
    const { presence } = real;
    const wrapped: Presence = {
      claim: claim(presence),
      holder: (device) => presence.holder(device),
      release: (device, epoch) => presence.release(device, epoch),
      keep: (node, claims) => presence.keep(node, claims),
    };
    return { ...real, presence: wrapped };
  };

  it('has not heard yet looks for mail once more when it has', async () => {
    const gate = Promise.withResolvers<void>();
    await using relay = await startRelay({
      wrapStores: presenceOf((real) => async (...given) => {
        await gate.promise;
        return real.claim(...given);
      }),
    });
    const alice = await register(relay, '+14155550101');
    const device = { userId: alice.keys.userId as UserId, deviceId: 1 as DeviceId };
    const stream = await open(relay, alice);
    await stream.next('queueEmpty');
    // A stream looks for mail whenever bytes have left it: round trips are made beside it, so that none do.
    const roundTrip = () => call(relay, 'GET', '/healthz');
    await roundTrip();
    // As through another node, which knows of no stream here.
    const envelope = randomBytes(80);
    await relay.stores.mailbox.append(mail(device, envelope), roomy);
    await roundTrip();
    expect(stream.kinds).not.toContain('deliver');
    gate.resolve();
    expect((await stream.next('deliver')).envelope).toEqual(envelope);
    await stream.close();
    await expect.poll(() => relay.stores.presence.holder(device)).toBe(undefined);
  });

  it('can not be told is served all the same, and the log says so', async () => {
    await using relay = await startRelay({
      wrapStores: presenceOf(() => async () => {
        throw new RelayError('store-unavailable', 'away', { retryable: true });
      }),
    });
    const [alice, bob] = [await register(relay, '+14155550101'), await register(relay, '+14155550102')];
    const [from, to] = [await open(relay, alice), await open(relay, bob)];
    from.send({ send: rawSend({ to: bob.keys }) });
    await to.next('deliver');
    await to.close();
    await relay.relay.stop();
    expect(relay.log()).toMatch(/"presence\.claim-failed"/);
    expect(relay.log()).toContain('"code":"store-unavailable"');
    expect(relay.log()).not.toContain('presence.release-failed');
  });
});
