import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { AuthenticationError, NetworkError } from '@platformatic/kafka';
import { afterEach, describe, expect, it } from 'vitest';
import { LogReader } from '../../conformance/log-reader.ts';
import { RelayError } from '../../relay-error.ts';
import { openFailure, storeFailure } from './kafka-failure.ts';
import { KafkaMailLog } from './mail-log.ts';
import { makeLogTopics } from './topics.ts';

const bytes = new Uint8Array([1]);
const group = { group: 'nobody', topics: ['nothing'], maxRecords: 1, drainMs: 10 };
let server: Server | undefined;

afterEach(() => {
  server?.close();
});

/** A port on which somebody listens that never answers. */
async function silentPort(): Promise<number> {
  const listening = createServer((socket) => {
    socket.resume();
    socket.on('error', () => socket.destroy());
  });
  server = listening;
  await new Promise<void>((resolve) => void listening.listen(0, '127.0.0.1', resolve));
  return (listening.address() as AddressInfo).port;
}

/** A port that was free a moment ago. */
async function closedPort(): Promise<number> {
  const port = await silentPort();
  await new Promise((resolve) => server?.close(resolve));
  return port;
}

/** How everything that a log does is refused when its brokers are these. */
async function refusals(brokers: readonly string[]): Promise<readonly unknown[]> {
  const kafka = { brokers, connectTimeoutMs: 200, requestTimeoutMs: 300 };
  const log = new KafkaMailLog({ kafka });
  const outcomes = await Promise.allSettled([
    log.append('nothing', bytes, bytes),
    log.consume(group, new LogReader()),
    log.committed('nobody', 'nothing'),
    log.deleteBefore('nothing', { topicId: '', partition: 0, offset: 1 }),
    log.describe('nothing'),
    makeLogTopics({ kafka, topics: ['nothing'] }),
  ]);
  await log.close();
  return outcomes.map((outcome) =>
    outcome.status === 'rejected' && outcome.reason instanceof RelayError
      ? `${outcome.reason.code} ${outcome.reason.retryable} ${outcome.reason.cause !== undefined}`
      : outcome,
  );
}

describe('a Kafka that can not be used', () => {
  it('is unavailable when nobody listens', async () => {
    const broker = `127.0.0.1:${await closedPort()}`;
    expect(await refusals([broker, broker])).toEqual(Array(6).fill('store-unavailable true true'));
  });

  it('is unavailable when a broker does not answer, in bounded time', async () => {
    expect(await refusals([`127.0.0.1:${await silentPort()}`])).toEqual(Array(6).fill('store-unavailable true true'));
  });

  it('refuses credentials: the settings are wrong at opening, and it is tried again while the relay runs', () => {
    const refused = new AuthenticationError('SASL authentication failed.');
    const wrapped = new NetworkError('Connection to a broker failed.', { cause: refused });
    const deep = new AggregateError([new Error('other'), wrapped]);
    expect(openFailure(deep)).toMatchObject({ code: 'config-invalid', retryable: false, cause: deep });
    expect(openFailure(deep).message).toContain('`kafka.sasl`');
    expect(storeFailure(deep)).toMatchObject({ code: 'store-unavailable', retryable: true, cause: deep });
  });

  it('is not trusted: likewise', () => {
    const untrusted = Object.assign(new Error('self-signed'), { code: 'SELF_SIGNED_CERT_IN_CHAIN' });
    expect(openFailure(untrusted)).toMatchObject({ code: 'config-invalid' });
    expect(openFailure(untrusted).message).toContain('`kafka.authorityFile`');
    expect(storeFailure(untrusted)).toMatchObject({ code: 'store-unavailable', retryable: true });
    expect(openFailure(new Error('late'))).toMatchObject({ code: 'store-unavailable', retryable: true });
  });

  it('takes a connection and ends it, as it does when it wants SASL or TLS: the settings of both are named', async () => {
    const listening = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.destroy());
    });
    server = listening;
    await new Promise<void>((resolve) => void listening.listen(0, '127.0.0.1', resolve));
    const { port } = listening.address() as AddressInfo;
    const kafka = { brokers: [`127.0.0.1:${port}`], connectTimeoutMs: 200, requestTimeoutMs: 300 };
    await expect(makeLogTopics({ kafka, topics: ['nothing'] })).rejects.toMatchObject({
      code: 'store-unavailable',
      retryable: true,
      message: expect.stringMatching(/`kafka\.sasl\.mechanism`.*`kafka\.tls` to `true`/),
    });
    const closed = { ...kafka, brokers: [`127.0.0.1:${await closedPort()}`] };
    await expect(makeLogTopics({ kafka: closed, topics: ['nothing'] })).rejects.toThrow('Kafka can not be reached');
  });

  it('is not taken for unreachable when the relay itself is wrong', () => {
    expect(storeFailure(new TypeError('planted')).code).toBe('internal');
  });
});
