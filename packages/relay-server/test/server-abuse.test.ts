import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { ClientFrames } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import type { DeviceAddress, DeviceId, UserId } from '../src/ports/ids.ts';
import { call, connect, open, type RawAccount, refusedUpgrade, register } from './raw-client.ts';
import { rawSend } from './raw-stream.ts';
import { startRelay, type TestRelay, unlimitedSends } from './test-relay.ts';

/** Opens a TCP connection and collects what comes until it closes. */
async function rawSocket(relay: TestRelay, text: string): Promise<{ socket: Socket; closed: Promise<string> }> {
  const { hostname, port } = new URL(relay.url);
  const socket = connectTcp(Number(port), hostname);
  let heard = '';
  socket.on('data', (data: Buffer) => {
    heard += data.toString('latin1');
  });
  // A connection that is reset is closed, and that is what is waited for.
  socket.on('error', () => socket.destroy());
  const closed = new Promise<string>((resolve) => {
    socket.once('close', () => resolve(heard));
  });
  socket.once('connect', () => socket.write(text));
  return { socket, closed };
}

/** The upgrade of a stream by hand, so that its bytes can be sent one by one. */
async function rawUpgrade(relay: TestRelay, account: RawAccount): Promise<{ socket: Socket; closed: Promise<string> }> {
  const key = randomBytes(16).toString('base64');
  const raw = await rawSocket(
    relay,
    `GET /v1/stream HTTP/1.1\r\nHost: relay\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nAuthorization: Bearer ${account.token}\r\n\r\n`,
  );
  await once(raw.socket, 'data');
  return raw;
}

/** One masked WebSocket frame, RFC 6455 section 5.2: at most 125 bytes. */
function wsFrame(payload: Uint8Array, opcode: number, isFinal: boolean): Buffer {
  return Buffer.from([(isFinal ? 0x80 : 0) | opcode, 0x80 | payload.length, 0, 0, 0, 0, ...payload]);
}

const deviceOf = ({ keys }: RawAccount): DeviceAddress => ({ userId: keys.userId as UserId, deviceId: 1 as DeviceId });
const isServed = async (relay: TestRelay) => (await call(relay, 'GET', '/healthz')).status === 200;
const short = { connections: { headersMs: 300, requestMs: 600 } };

describe('the server under abuse [security: server-dos]', () => {
  it('lets go of who sends headers, a body, or nothing at all too slowly, and serves others meanwhile', async () => {
    await using relay = await startRelay({ config: short });
    const slow = await Promise.all(
      [
        ...Array.from({ length: 50 }, () => 'GET /healthz HTTP/1.1\r\nHost: relay\r\nX-Slow: '),
        ...Array.from({ length: 50 }, () => ''),
        ...Array.from(
          { length: 50 },
          () =>
            'POST /v1/verifications HTTP/1.1\r\nHost: relay\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{',
        ),
      ].map((text) => rawSocket(relay, text)),
    );
    expect(await isServed(relay)).toBe(true);
    const heard = await Promise.all(slow.map(({ closed }) => closed));
    const told = heard.filter((text) => text !== '');
    expect(told.length).toBeGreaterThan(0);
    // A slow network is no fault of the request: whoever sent it may send it again.
    for (const text of told) expect(text).toMatch(/^HTTP\/1.1 408 .*"code":"request-too-slow".*"retryable":true/s);
    expect(await isServed(relay)).toBe(true);
  });

  it('ends a stream that sends a message in a thousand fragments of one byte', async () => {
    await using relay = await startRelay();
    const { socket, closed } = await rawUpgrade(relay, await register(relay, '+14155550101'));
    const byte = Uint8Array.of(1);
    socket.write(wsFrame(byte, 2, false));
    socket.write(Buffer.concat(Array.from({ length: 1_000 }, () => wsFrame(byte, 0, false))));
    await closed;
    expect(await isServed(relay)).toBe(true);
  });

  it('ends a stream whose message is larger than it may be', async () => {
    await using relay = await startRelay({ config: { stream: { maxMessageBytes: 524_288 } } });
    const stream = await connect(relay, { token: (await register(relay, '+14155550101')).token });
    stream.socket.send(new Uint8Array(524_289));
    expect((await stream.closed).code).toBe(1009);
  });

  it('compresses nothing, whatever is offered', async () => {
    await using relay = await startRelay();
    const { token } = await register(relay, '+14155550101');
    const key = randomBytes(16).toString('base64');
    const { socket } = await rawSocket(
      relay,
      `GET /v1/stream HTTP/1.1\r\nHost: relay\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Extensions: permessage-deflate\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString('latin1')).toMatch(/^HTTP\/1.1 101 /);
    expect(answer.toString('latin1').toLowerCase()).not.toContain('sec-websocket-extensions');
    socket.destroy();
  });

  it('closes what one address has too many of, and serves who was there', async () => {
    await using relay = await startRelay({ config: { connections: { perAddress: 100 } } });
    const healthy = await open(relay, await register(relay, '+14155550101'));
    const sockets = await Promise.all(
      Array.from({ length: 1_000 }, () => rawSocket(relay, 'GET /healthz HTTP/1.1\r\nHost: relay\r\n')),
    );
    let closed = 0;
    const enough = Promise.withResolvers<void>();
    for (const each of sockets) each.closed.then(() => ++closed >= 800 && enough.resolve());
    await enough.promise;
    healthy.send({ ping: { nonce: Uint8Array.of(7) } });
    expect((await healthy.next('pong')).nonce).toEqual(Buffer.of(7));
    for (const { socket } of sockets) socket.destroy();
    await Promise.all(sockets.map((each) => each.closed));
  });

  it('says so when an address has too many streams', async () => {
    await using relay = await startRelay({ config: { connections: { perAddress: 4 } } });
    const accounts: RawAccount[] = [];
    for (const last of [1, 2, 3, 4, 5]) accounts.push(await register(relay, `+1415555010${last}`));
    const [alice, bob, carol, dave, eve] = accounts as [RawAccount, RawAccount, RawAccount, RawAccount, RawAccount];
    for (const account of [alice, bob, carol, dave]) await open(relay, account);
    const before = await relay.stores.presence.holder(deviceOf(alice));
    expect(before).toBeDefined();
    for (const { token } of [eve, alice]) {
      expect(await refusedUpgrade(relay, { authorization: `Bearer ${token}` })).toMatchObject({
        status: 429,
        code: 'rate-limited',
        retryAfterMs: 10_000,
      });
    }
    expect(await relay.stores.presence.holder(deviceOf(alice))).toEqual(before);
    expect(await isServed(relay)).toBe(true);
  });

  it('holds no device for a handshake that it refuses', async () => {
    await using relay = await startRelay();
    const alice = await register(relay, '+14155550101');
    const holder = () => relay.stores.presence.holder(deviceOf(alice));
    const refused = async () => {
      const { closed } = await rawSocket(
        relay,
        `GET /v1/stream HTTP/1.1\r\nHost: relay\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\nAuthorization: Bearer ${alice.token}\r\n\r\n`,
      );
      expect(await closed).toMatch(/^HTTP\/1.1 400 /);
    };
    await refused();
    expect(await holder()).toBe(undefined);
    // Nor does it take the device from the stream that is open.
    const stream = await open(relay, alice);
    const before = await holder();
    expect(before).toBeDefined();
    await refused();
    expect(await holder()).toEqual(before);
    stream.send({ ping: { nonce: Uint8Array.of(7) } });
    expect((await stream.next('pong')).nonce).toEqual(Buffer.of(7));
    stream.socket.close();
    await stream.closed;
    await expect.poll(holder).toBe(undefined);
  });

  it('drops ephemeral signals beyond their rate, and counts them [security: ephemeral-frames]', async () => {
    await using relay = await startRelay({ config: { limits: { ephemeralsPerStream: { burst: 3, refillMs: 100 } } } });
    const [alice, bob] = [await register(relay, '+14155550101'), await register(relay, '+14155550102')];
    const [from, to] = [await open(relay, alice), await open(relay, bob)];
    await to.next('queueEmpty');
    const { userId = new Uint8Array() } = rawSend({ to: bob.keys }).recipients?.[0] ?? {};
    const signal = (byte: number) => ({ ephemeral: { userId, deviceId: 1, payload: Uint8Array.of(byte) } });
    from.send(...Array.from({ length: 10 }, (_, at) => signal(at)));
    await from.settled();
    relay.time.jump(100);
    from.send(signal(99));
    const heard = await to.take('ephemeral', 4);
    expect(heard.map(({ payload }) => payload?.[0])).toEqual([0, 1, 2, 99]);
    const { body } = await call<string>(relay, 'GET', '/metrics');
    expect(body).toContain('relay_ephemerals_limited_total 7');
  });

  it('holds no more for a slow reader than it may, and serves others meanwhile', async () => {
    const stream = { maxBufferedBytes: 64 * 1024, inFlight: 4_096 };
    await using relay = await startRelay({ config: { stream, limits: unlimitedSends } });
    const [alice, bob, carol] = [
      await register(relay, '+14155550101'),
      await register(relay, '+14155550102'),
      await register(relay, '+14155550103'),
    ];
    const slow = await rawUpgrade(relay, bob);
    slow.socket.pause();
    const hello = ClientFrames.encode({ frames: [{ hello: { protocolMin: 1, protocolMax: 1 } }] });
    slow.socket.write(wsFrame(hello, 2, true));
    const from = await open(relay, alice);
    const many = 120;
    for (let sent = 0; sent < many; sent++) {
      from.send({ send: rawSend({ to: bob.keys, ciphertext: new Uint8Array(200 * 1024) }) });
      await from.next('sendResult');
    }
    const to = await open(relay, carol);
    from.send({ send: rawSend({ to: carol.keys }) });
    await to.next('deliver');
    // Of 24 MiB only what the sockets' own buffers took has left the mailbox, and no more than the bound waits beside them.
    const { body } = await call<string>(relay, 'GET', '/metrics');
    const delivered = Number(/^relay_deliveries_total (\d+)$/m.exec(body)?.[1]) - 1;
    expect(delivered).toBeGreaterThan(0);
    expect(delivered).toBeLessThan(many);
    slow.socket.destroy();
    await slow.closed;
  });
});
