import { describe, expect, it } from 'vitest';
import { conflictOf, defaultShape, type EngineShape, membersOf, portsOf } from './engine-shape.ts';

const three: EngineShape = { ...defaultShape, brokers: 3, nodes: 3 };

describe('the processes of the engines', () => {
  it('are one of each', () => {
    expect(membersOf(defaultShape).map(({ name }) => name)).toEqual(['cassandra-1', 'kafka-1', 'redis', 's3']);
  });

  it('listen on ports that nobody has to look up', () => {
    const ports = membersOf(defaultShape).flatMap(portsOf);
    expect(Object.fromEntries(ports.map(({ user, port }) => [user, port]))).toEqual({
      'cassandra-1': 19042,
      'cassandra-1 (storage)': 19700,
      'cassandra-1 (jmx)': 19710,
      'kafka-1': 19092,
      'kafka-1 (controller)': 19093,
      'kafka-1 (sasl)': 19102,
      'kafka-1 (tls)': 19103,
      redis: 19379,
      s3: 19070,
    });
  });

  it('share no port on an address, though nodes share theirs on addresses of their own', () => {
    const uses = membersOf(three).flatMap(portsOf);
    expect(new Set(uses.map(({ host, port }) => `${host}:${port}`)).size).toBe(uses.length);
    expect(uses.filter(({ port }) => port === 19042).map(({ host }) => host)).toEqual([
      '127.0.0.1',
      '127.0.0.2',
      '127.0.0.3',
    ]);
    // Cassandra opens its port for tools on this address alone.
    expect(uses.filter(({ user }) => user.includes('jmx')).map(({ host }) => host)).toEqual(Array(3).fill('127.0.0.1'));
  });

  it('keep below the ports that an operating system gives out, and within a thousand', () => {
    for (const { port } of membersOf(three).flatMap(portsOf)) {
      expect(port).toBeGreaterThanOrEqual(19_000);
      expect(port).toBeLessThan(20_000);
    }
  });

  it('are reached behind proxies at addresses that no member has', () => {
    const members = membersOf({ ...three, isProxied: true });
    const places = members.map(({ far }) => `${far.host}:${far.port}`);
    expect(new Set(places).size).toBe(members.length);
    for (const { far } of members) expect(far.host).toMatch(/^127\.0\.1\.[123]$/);
    expect(members.filter(({ engine }) => engine === 'kafka').map(({ further }) => further.proxied)).toEqual([
      19_121, 19_122, 19_123,
    ]);
  });

  it('move together', () => {
    const [first] = membersOf({ ...defaultShape, portBase: 21_000 });
    expect(first).toMatchObject({ port: 21_042, further: { storage: 21_700, jmx: 21_710 } });
  });
});

describe('a folder that was made', () => {
  it('takes what it was made with, and what does not say', () => {
    expect(conflictOf({}, three)).toBeUndefined();
    expect(conflictOf({ brokers: 3, portBase: 19_000 }, three)).toBeUndefined();
  });

  it.each([
    [{ brokers: 1 }, '--brokers 3, not 1'],
    [{ nodes: 1 }, '--nodes 3, not 1'],
    [{ portBase: 21_000 }, '--ports 19000, not 21000'],
    [{ retentionMs: 60_000 }, '--retention-ms 604800000, not 60000'],
    [{ isProxied: true }, 'no --proxied'],
  ] as const)('does not take %j', (asked, conflict) => {
    expect(conflictOf(asked, three)).toBe(conflict);
  });
});
