import type { ServerFrame } from '@sotto/proto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualTimers } from '../../test/manual-timers.ts';
import { MovingClock } from '../../test/moving-clock.ts';
import { hello, type ScriptedStream, scriptedStream } from '../../test/scripted-stream.ts';
import { until } from '../../test/turn-of-events.ts';
import { defaultPlatform } from '../platform/platform.node.ts';
import { SottoError } from '../sotto-error.ts';
import { Connection } from './connection.ts';
import type { ConnectionState } from './connection-state.ts';
import type { StreamHello } from './stream.ts';

describe('Connection', () => {
  let server: ScriptedStream;
  let timers: ManualTimers;
  let connection: Connection;
  let states: { state: ConnectionState; reason?: string; retryAt?: number }[];
  let received: (readonly ServerFrame[])[];
  let hellos: StreamHello[];
  let replaced: boolean[];
  let refusal: SottoError | undefined;
  let failing: boolean;
  let errors: string[];
  const clock = new MovingClock(1_800_000_000_000);

  beforeEach(async () => {
    server = await scriptedStream();
    timers = new ManualTimers();
    [states, received, hellos, replaced, errors] = [[], [], [], [], []];
    refusal = undefined;
    failing = false;
    const { randomness, sockets, logger } = defaultPlatform();
    connection = new Connection({
      url: server.url,
      credentials: {
        async credential(replace) {
          replaced.push(replace);
          if (refusal) throw refusal;
          return { headers: { authorization: 'Bearer token' }, protocols: [] };
        },
      },
      sockets,
      timers,
      clock,
      randomness,
      logger: { ...logger, error: (event) => errors.push(event) },
      agent: 'test/1',
      handlers: {
        stateChanged: (state, detail) => states.push({ state, ...detail }),
        opened: (said) => hellos.push(said),
        received: (frames) => {
          received.push(frames);
          if (failing) throw new TypeError('a handler with a bug');
        },
      },
    });
  });
  afterEach(async () => {
    await connection.stop();
    expect(timers.delays).toEqual([]);
    await server[Symbol.asyncDispose]();
  });

  const names = () => states.map(({ state }) => state);
  const open = async () => {
    connection.start();
    await until(() => connection.state === 'catching-up');
    const stream = server.streams.at(-1);
    if (stream === undefined) throw new Error('no stream');
    return stream;
  };
  const offline = (reason: string) => until(() => states.at(-1)?.reason === reason);

  it('greets, catches up, is live, and knows the relay’s clock', async () => {
    const stream = await open();
    expect(stream.request.headers.authorization).toBe('Bearer token');
    expect(stream.messages[0]?.[0]?.hello).toMatchObject({ protocolMin: 1, protocolMax: 1, agent: 'test/1' });
    const unlimited = { burst: 0, perSecond: 0 };
    expect(hellos).toEqual([
      {
        serverTime: 1_900_000_000_000,
        inFlight: 256,
        maxMessageBytes: 1024 * 1024,
        contactRate: unlimited,
        strangerRate: unlimited,
        deviceRate: unlimited,
      },
    ]);
    expect(connection.serverClockOffset).toBe(100_000_000_000);
    stream.send({ deliver: { deliveryId: Uint8Array.of(1) } }, { pong: {} }, { queueEmpty: {} });
    await until(() => connection.state === 'live');
    expect(received.map((frames) => frames.length)).toEqual([2]);
    expect(names()).toEqual(['connecting', 'catching-up', 'live']);
  });

  it('sends what was given in one turn as one message, and nothing while it is not open', async () => {
    expect(connection.send([{ ack: { deliveryIds: [] } }])).toBe(false);
    const stream = await open();
    const id = (value: number) => ({ ack: { deliveryIds: [Uint8Array.of(value)] } });
    expect(connection.send([id(1), id(2)])).toBe(true);
    expect(connection.send([id(3)])).toBe(true);
    expect(connection.bufferedBytes).toBeGreaterThan(0);
    await until(() => stream.messages.length === 2);
    expect(stream.messages[1]?.map((frame) => frame.ack?.deliveryIds?.[0]?.[0])).toEqual([1, 2, 3]);
    const big = { ephemeral: { payload: new Uint8Array(600 * 1024) } };
    connection.send([big, big]);
    await until(() => stream.messages.length === 4);
    expect(() => connection.send([{ ephemeral: { payload: new Uint8Array(1024 * 1024) } }])).toThrow(
      expect.objectContaining({ code: 'argument-invalid' }),
    );
  });

  it('sends what was given before it stops, closes with 1000, and can start again', async () => {
    const stream = await open();
    connection.send([{ ack: { deliveryIds: [Uint8Array.of(9)] } }]);
    await Promise.all([connection.stop(), connection.stop()]);
    await until(() => stream.closedWith !== undefined);
    expect(stream.closedWith).toBe(1000);
    expect(stream.messages).toHaveLength(2);
    expect(connection.state).toBe('stopped');
    expect(connection.send([])).toBe(false);
    await open();
    expect(server.streams).toHaveLength(2);
  });

  it('reconnects after a break, a drain and a wake', async () => {
    let stream = await open();
    stream.socket.terminate();
    await offline('broken');
    expect(states.at(-1)?.retryAt).toBeGreaterThanOrEqual(clock.now());
    timers.runAll();
    await until(() => connection.state === 'catching-up');
    stream = server.streams[1] ?? stream;
    stream.send({ drain: { retryAfterMs: 5_000 } });
    stream.socket.close(1012, 'drain');
    await offline('drain');
    expect(states.at(-1)?.retryAt).toBeGreaterThanOrEqual(clock.now() + 5_000);
    connection.wake();
    await until(() => connection.state === 'catching-up');
    expect(server.streams).toHaveLength(3);
  });

  it('stays replaced until it is woken', async () => {
    (await open()).socket.close(4001, 'replaced');
    await until(() => connection.state === 'replaced');
    expect(timers.delays).toEqual([]);
    connection.wake();
    await until(() => connection.state === 'catching-up');
  });

  it('gets a new token when the relay refuses the one it has, and ends when there is none', async () => {
    server.refuse(401);
    connection.start();
    await offline('session-refused');
    expect(replaced).toEqual([false, true]);
    server.refuse(undefined);
    timers.runAll();
    await until(() => connection.state === 'catching-up');
    timers.runAll();
    refusal = new SottoError('session-ended', 'register again');
    server.streams[0]?.socket.close(4003, 'ended');
    await until(() => connection.state === 'ended');
    expect(replaced.at(-1)).toBe(true);
    expect(timers.delays).toEqual([]);
  });

  it('waits when no token can be got', async () => {
    refusal = new SottoError('rate-limited', 'wait', { retryAfterMs: 9_000 });
    connection.start();
    await offline('rate-limited');
    expect(states.at(-1)?.retryAt).toBeGreaterThanOrEqual(clock.now() + 9_000);
    expect(server.streams).toEqual([]);
  });

  it.each([
    ['relay-unreachable', 'unreachable'],
    ['relay-misbehaved', 'misbehaved'],
    ['relay-refused', 'refused'],
    ['store-unavailable', 'failed-here'],
  ] as const)('tells a token that fails with %s as %s', async (code, reason) => {
    refusal = new SottoError(code, 'later');
    connection.start();
    await offline(reason);
    expect(states.map(({ state }) => state)).toEqual(['connecting', 'offline']);
  });

  it.each([
    ['bytes that are no frames', (send: (bytes: Uint8Array) => void) => send(Uint8Array.of(255, 255, 255))],
    ['text', (_: unknown, text: () => void) => text()],
  ])('backs off from a relay that sends %s', async (_, misbehave) => {
    const { socket } = await open();
    misbehave(
      (bytes) => socket.send(bytes),
      () => socket.send('hello'),
    );
    await offline('misbehaved');
  });

  it.each([
    ['a delivery before the hello', { deliver: {} }, 'misbehaved'],
    ['a version that nobody offered', { hello: { ...hello.hello, protocol: 2 } }, 'misbehaved'],
    ['a size in which nothing fits', { hello: { ...hello.hello, maxMessageBytes: 10 } }, 'misbehaved'],
    ['a refusal of the version', { error: { code: 'protocol-unsupported' } }, 'protocol-unsupported'],
  ])('backs off from %s', async (_, frame, reason) => {
    server.onOpen((stream) => stream.send(frame));
    connection.start();
    await offline(reason);
    expect(received).toEqual([]);
    expect(errors).not.toEqual([]);
  });

  it('tells how fast the relay lets it send; a rate that could never refill is none', async () => {
    const pace = {
      sendBurst: 600,
      sendsPerSecond: 100,
      strangerBurst: 60,
      deviceBurst: 2_000,
      deviceSendsPerSecond: 500,
    };
    server.onOpen((stream) => stream.send({ hello: { ...hello.hello, ...pace } }));
    await open();
    expect(hellos).toMatchObject([
      {
        contactRate: { burst: 600, perSecond: 100 },
        strangerRate: { burst: 0, perSecond: 0 },
        deviceRate: { burst: 2_000, perSecond: 500 },
      },
    ]);
  });

  it('gives up on a relay that never says hello, and on one that falls silent', async () => {
    server.onOpen(() => undefined);
    connection.start();
    await until(() => server.streams[0]?.messages.length === 1);
    timers.runAll();
    expect(states.at(-1)).toMatchObject({ state: 'offline', reason: 'timed-out' });
    server.onOpen((stream) => stream.send(hello));
    connection.wake();
    await until(() => connection.state === 'catching-up');
    timers.runAll();
    await until(() => server.streams[1]?.messages.length === 2);
    expect(server.streams[1]?.messages[1]?.[0]?.ping?.nonce).toHaveLength(8);
    timers.runAll();
    expect(states.at(-1)).toMatchObject({ state: 'offline', reason: 'silent' });
  });

  it('has the relay deliver again what a handler failed on', async () => {
    failing = true;
    (await open()).send({ deliver: {} });
    await offline('handler-failed');
    expect(errors).toContain('stream.handler-failed');
  });

  it('can be stopped in the middle of anything', async () => {
    connection.start();
    await connection.stop();
    connection.start();
    await until(() => server.streams.length === 1);
    await connection.stop();
    server.refuse(503);
    connection.start();
    await offline('upgrade-refused');
    await connection.stop();
    expect(connection.state).toBe('stopped');
  });
});
