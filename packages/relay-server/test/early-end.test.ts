import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { TestAuthority } from './certificates.ts';
import { CommandProcess } from './command-process.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** The settings of a node whose Redis is at this port, and whose other engines nobody is at. */
async function settings(redisPort: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sotto-early-'));
  ends.push(() => rm(folder, { recursive: true }));
  const authority = new TestAuthority();
  const { certificate, key } = authority.issue();
  const file = async (name: string, content: string | Uint8Array) => {
    const path = join(folder, name);
    await writeFile(path, content, { mode: 0o600 });
    return path;
  };
  const text = JSON.stringify({
    store: 'cluster',
    port: 0,
    cluster: {
      host: 'localhost',
      port: 0,
      listen: '127.0.0.1',
      certificateFile: await file('node.pem', certificate),
      certificateKeyFile: await file('node-key.pem', key),
      authorityFile: await file('authority.pem', authority.certificate),
      relayKeyFile: await file('relay.key', randomBytes(32)),
    },
    kafka: { brokers: ['127.0.0.1:1'], partitions: 6, replicas: 1 },
    cassandra: { contactPoints: ['127.0.0.1'], port: 1, localDataCenter: 'one', replication: ['one:1'] },
    redis: { url: `redis://127.0.0.1:${redisPort}` },
    blobs: {
      store: 's3',
      s3: { endpoint: 'http://127.0.0.1:1', region: 'one', bucket: 'one', accessKeyId: 'one', secretAccessKey: 'one' },
    },
  });
  return file('relay.json', text);
}

describe('sotto-relay', () => {
  it('ends in order when it is told to while engines do not answer yet', { timeout: 400_000 }, async () => {
    const redis = createServer();
    redis.listen(0, '127.0.0.1');
    await once(redis, 'listening');
    ends.push(() => redis.close());
    const command = new CommandProcess('--config', await settings((redis.address() as AddressInfo).port));
    ends.push(() => command.kill());
    const [socket] = await Promise.race([once(redis, 'connection'), command.exited.then(() => [undefined])]);
    const status = command.end();
    redis.close();
    socket?.destroy();
    expect({ status: await status, out: command.out }).toEqual({ status: 0, out: '' });
    expect(command.err).toMatch(/^sotto-relay: [^\n]+\n$/m);
  });
});
