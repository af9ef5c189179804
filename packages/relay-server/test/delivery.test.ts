import { randomBytes } from 'node:crypto';
import { Envelope } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { connect, open, register } from './raw-client.ts';
import { type RawStream, rawSend } from './raw-stream.ts';
import { startRelay, storeKinds, type TestRelay, unlimitedSends } from './test-relay.ts';

const day = 24 * 3_600_000;

async function pair(relay: TestRelay) {
  return { alice: await register(relay, '+14155550101'), bob: await register(relay, '+14155550102') };
}

/** Takes `count` deliveries and acks each; gives their ciphertexts as text. */
async function read(stream: RawStream, count: number): Promise<string[]> {
  const texts: string[] = [];
  for (let taken = 0; taken < count; taken++) {
    const { envelope, deliveryId } = await stream.next('deliver');
    texts.push(Buffer.from(Envelope.decode(envelope ?? new Uint8Array()).ciphertext).toString());
    stream.send({ ack: { deliveryIds: [deliveryId ?? new Uint8Array()] } });
  }
  return texts;
}

describe.each(storeKinds)('delivery on %s stores', (stores) => {
  it('stops at 256 in flight, and goes on as acks come in any order', async () => {
    await using relay = await startRelay({ stores, config: { limits: unlimitedSends } });
    const { alice, bob } = await pair(relay);
    const from = await open(relay, alice);
    from.send(...Array.from({ length: 300 }, () => ({ send: rawSend({ to: bob.keys }) })));
    await from.take('sendResult', 300);
    const to = await open(relay, bob);
    const first = await to.take('deliver', 256);
    await to.settled();
    expect(to.kinds.filter((kind) => kind === 'deliver' || kind === 'queueEmpty')).toEqual([]);
    const some = [first[200], first[3], first[200]].map((each) => each?.deliveryId ?? new Uint8Array());
    to.send({ ack: { deliveryIds: some } });
    await to.take('deliver', 2);
    await to.settled();
    expect(to.kinds).not.toContain('deliver');
    to.send({ ack: { deliveryIds: first.slice(0, 100).map(({ deliveryId }) => deliveryId ?? new Uint8Array()) } });
    await to.take('deliver', 42);
    await to.next('queueEmpty');
    await to.settled();
    expect(to.kinds).not.toContain('deliver');
  });

  it('gives what was not acked again, under the same ids, in the same order', async () => {
    await using relay = await startRelay({ stores, config: { limits: unlimitedSends } });
    const { alice, bob } = await pair(relay);
    const from = await open(relay, alice);
    from.send(...Array.from({ length: 20 }, () => ({ send: rawSend({ to: bob.keys }) })));
    await from.take('sendResult', 20);
    const first = await open(relay, bob);
    const before = await first.take('deliver', 20);
    const acked = before.filter((_, at) => at % 3 === 0).map(({ deliveryId }) => deliveryId ?? new Uint8Array());
    first.send({ ack: { deliveryIds: acked } });
    await first.settled();
    await first.close();
    const second = await open(relay, bob);
    const after = await second.take('deliver', 13);
    await second.next('queueEmpty');
    expect(second.kinds).not.toContain('deliver');
    const ids = (frames: typeof before) =>
      frames.map(({ deliveryId }) => Buffer.from(deliveryId ?? []).toString('hex'));
    expect(ids(after)).toEqual(ids(before.filter((_, at) => at % 3 !== 0)));
    for (const id of ids(before)) expect(id.length).toBeLessThanOrEqual(64);
  });

  it('goes from catching up to live without a gap or a double while others send', async () => {
    await using relay = await startRelay({ stores, config: { limits: unlimitedSends } });
    const { alice, bob } = await pair(relay);
    const carol = await register(relay, '+14155550103');
    const senders = [await open(relay, alice), await open(relay, carol)];
    const count = 400;
    const lanes = senders.map(() => randomBytes(8));
    const batch = (sender: number, from: number, to: number) => {
      const frames = Array.from({ length: to - from }, (_, at) => ({
        send: rawSend({
          to: bob.keys,
          lane: lanes[sender] ?? randomBytes(8),
          laneNo: from + at + 1,
          ciphertext: Buffer.from(`${sender}:${from + at}`),
        }),
      }));
      senders[sender]?.send(...frames);
    };
    for (const sender of senders.keys()) batch(sender, 0, count / 2);
    await Promise.all(senders.map((sender) => sender.take('sendResult', count / 2)));
    const to = await connect(relay, { token: bob.token });
    to.send({ hello: { protocolMin: 1, protocolMax: 1 } });
    for (let at = count / 2; at < count; at += 10) for (const sender of senders.keys()) batch(sender, at, at + 10);
    const texts = await read(to, count * 2);
    await to.next('queueEmpty');
    for (const sender of senders.keys()) {
      const own = texts.filter((text) => text.startsWith(`${sender}:`));
      expect(own).toEqual(Array.from({ length: count }, (_, at) => `${sender}:${at}`));
    }
    await to.settled();
    expect(to.kinds).not.toContain('deliver');
  });

  it('forgets what is 30 days old, to the millisecond, and what a sender wanted shorter', async () => {
    await using relay = await startRelay({ stores, config: { limits: unlimitedSends } });
    const { alice, bob } = await pair(relay);
    const from = await open(relay, alice);
    from.send({ send: rawSend({ to: bob.keys }) }, { send: rawSend({ to: bob.keys, ttlSeconds: 60 }) });
    const [long, short] = await from.take('sendResult', 2);
    expect((long?.expiresAt ?? 0) - (long?.acceptedAt ?? 0)).toBe(30 * day);
    expect((short?.expiresAt ?? 0) - (short?.acceptedAt ?? 0)).toBe(60_000);
    // `open` needs a token that lives: the clock is moved for the mailbox, the token is asked for anew below.
    relay.time.jump(59_999);
    const both = await open(relay, bob);
    await both.next('queueEmpty');
    expect(both.kinds.filter((kind) => kind === 'deliver')).toHaveLength(2);
    await both.close();
    relay.time.jump(1);
    const one = await open(relay, bob);
    await one.next('queueEmpty');
    expect(one.kinds.filter((kind) => kind === 'deliver')).toHaveLength(1);
    await one.close();
    const device = { userId: bob.body.userId, deviceId: 1 } as Parameters<typeof relay.stores.mailbox.usage>[0];
    relay.time.jump(30 * day - 60_001);
    expect(await relay.stores.mailbox.reader(device).next(10, relay.time.now())).toHaveLength(1);
    relay.time.jump(1);
    expect(await relay.stores.mailbox.reader(device).next(10, relay.time.now())).toHaveLength(0);
    const expired = /^relay_mailbox_expired_total 2$/m;
    relay.time.advance(60_000);
    for (let asked = 0; asked < 1_000 && !expired.test(await metrics(relay)); asked++);
    expect(await metrics(relay)).toMatch(expired);
    expect(await relay.stores.mailbox.usage(device)).toMatchObject({ count: 0, bytes: 0 });
  });

  it('closes a stream with 1011 when the store fails, and loses nothing', async () => {
    let isBroken = false;
    await using relay = await startRelay({
      stores,
      wrapStores: (real) => ({
        ...real,
        mailbox: new Proxy(real.mailbox, {
          get(mailbox, name) {
            const value: unknown = Reflect.get(mailbox, name, mailbox);
            if (name === 'ack' && isBroken) return () => Promise.reject(new Error('disk gone'));
            return typeof value === 'function' ? value.bind(mailbox) : value;
          },
        }),
      }),
    });
    const { alice, bob } = await pair(relay);
    const from = await open(relay, alice);
    const to = await open(relay, bob);
    from.send({ send: rawSend({ to: bob.keys }) });
    const { deliveryId } = await to.next('deliver');
    isBroken = true;
    to.send({ ack: { deliveryIds: [deliveryId ?? new Uint8Array()] } });
    expect(await to.closed).toMatchObject({ code: 1011 });
    isBroken = false;
    await read(await open(relay, bob), 1);
  });

  it('pauses for a reader that takes nothing, and goes on when it does', async () => {
    await using relay = await startRelay({
      stores,
      config: { limits: unlimitedSends, stream: { maxBufferedBytes: 64 * 1024 } },
    });
    const { alice, bob } = await pair(relay);
    const from = await open(relay, alice);
    const to = await open(relay, bob);
    await to.next('queueEmpty');
    to.socket.pause();
    const count = 120;
    for (let sent = 0; sent < count; sent++) {
      from.send({ send: rawSend({ to: bob.keys, ciphertext: randomBytes(100_000) }) });
      await from.next('sendResult');
    }
    to.socket.resume();
    await read(to, count);
    await to.settled();
    expect(to.kinds).not.toContain('deliver');
  });
});

async function metrics(relay: TestRelay): Promise<string> {
  return (await fetch(`${relay.url}/metrics`)).text();
}
