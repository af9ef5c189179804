import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteBucketCommand, DeleteObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadConfig } from '../src/config/load-config.ts';
import { openEmbeddedRelay } from '../src/embedded-relay.ts';
import { RelayError } from '../src/relay-error.ts';
import { runningEngines } from './engines.ts';
import { call, register } from './raw-client.ts';

const { endpoint, region, accessKeyId, secretAccessKey } = runningEngines().s3;
const number = '+14155550101';
const admin = new S3Client({
  region,
  endpoint,
  credentials: { accessKeyId, secretAccessKey },
  forcePathStyle: true,
});
let folder = '';
let bucket = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sotto-bucket-'));
  bucket = `test-${randomUUID()}`;
});
afterEach(() => rm(folder, { recursive: true }));

async function startOn(s3: object) {
  const text = JSON.stringify({ port: 0, data: folder, logLevel: 'silent', blobs: { store: 's3', s3 } });
  let code = '';
  const relay = await openEmbeddedRelay({
    config: loadConfig({ file: { path: 'test', text } }),
    codeSender: {
      async send(message) {
        code = message.code;
      },
    },
  });
  const { url } = await relay.start();
  return { url, codeFor: () => code, [Symbol.asyncDispose]: () => relay.stop() };
}

async function objects(): Promise<string[]> {
  const { Contents = [] } = await admin.send(new ListObjectsV2Command({ Bucket: bucket }));
  return Contents.map(({ Key = '' }) => Key);
}

it('a relay with SQLite keeps avatars in a bucket: in no file of its own, also over a restart, until they are deleted', async () => {
  const s3 = { endpoint, region, bucket, prefix: 'chat/', accessKeyId, secretAccessKey };
  const avatar = randomBytes(5_000);
  let token = '';
  let path = '';
  {
    await using relay = await startOn(s3);
    const account = await register(relay, number);
    token = account.token;
    path = `/v1/users/${account.keys.userId}/avatar`;
    expect((await call(relay, 'PUT', '/v1/profile/avatar', { token, body: avatar })).status).toBeLessThan(300);
    expect(await objects()).toEqual([`chat/avatars_${account.keys.userId}`]);
  }
  expect((await readdir(join(folder, 'blobs'), { recursive: true })).sort()).toEqual(['stored', 'unfinished']);
  {
    await using relay = await startOn(s3);
    const { status, body } = await call<Uint8Array>(relay, 'GET', path, { token });
    expect(status).toBe(200);
    expect(Buffer.from(body).equals(avatar)).toBe(true);
    expect((await call(relay, 'DELETE', '/v1/profile/avatar', { token })).status).toBeLessThan(300);
    expect(await objects()).toEqual([]);
  }
  await admin.send(new DeleteBucketCommand({ Bucket: bucket }));
});

it('says at the start what is wrong with the bucket, and lets the data folder go', async () => {
  const right = { endpoint, region, bucket, accessKeyId, secretAccessKey };
  const refused = await startOn({ ...right, secretAccessKey: 'wrong' }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(RelayError);
  expect(refused).toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining('`blobs.s3.secretAccessKey`'),
  });
  const nowhere = await startOn({ ...right, endpoint: 'http://127.0.0.1:1' }).catch((error: unknown) => error);
  expect(nowhere).toMatchObject({ code: 'store-unavailable', retryable: true });
  await using relay = await startOn(right);
  const { token } = await register(relay, number);
  await call(relay, 'PUT', '/v1/profile/avatar', { token, body: randomBytes(10) });
  for (const Key of await objects()) await admin.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
  await admin.send(new DeleteBucketCommand({ Bucket: bucket }));
});
