import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import {
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { runningEngines } from '../../../test/engines.ts';
import { freePort } from '../../../test/own-redis.ts';
import { blobStoreConformance } from '../../conformance/blob-store.ts';
import { type HarnessMaker, hex } from '../../conformance/harness.ts';
import { someBytes } from '../../conformance/samples.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import type { BlobStore } from '../../ports/blob-store.ts';
import { RelayError } from '../../relay-error.ts';
import { S3BlobStore, type S3Options } from './blob-store.ts';

const { endpoint, region, accessKeyId, secretAccessKey } = runningEngines().s3;
const credentials = { accessKeyId, secretAccessKey };
const missing = "the files of an object store are not the adapter's to read";
const large = 12 * 1_024 * 1_024;

function optionsOf(change: Partial<S3Options> = {}): S3Options {
  const bucket = `test-${randomUUID()}`;
  return { bucket, region, endpoint, credentials, forcePathStyle: true, prefix: 'relay/', ...change };
}

const admin = new S3Client({ region, endpoint, credentials, forcePathStyle: true });

async function namesIn(bucket: string): Promise<string[]> {
  const { Contents = [] } = await admin.send(new ListObjectsV2Command({ Bucket: bucket }));
  return Contents.map(({ Key = '' }) => Key);
}

async function uploadsIn(bucket: string): Promise<number> {
  return (await admin.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0;
}

/** Removes a bucket of a test's own. */
async function removeBucket(bucket: string): Promise<void> {
  for (const name of await namesIn(bucket)) await admin.send(new DeleteObjectCommand({ Bucket: bucket, Key: name }));
  await admin.send(new DeleteBucketCommand({ Bucket: bucket }));
}

async function openStore(change: Partial<S3Options> = {}) {
  const options = optionsOf(change);
  const blobs = new S3BlobStore(options);
  await blobs.prepare();
  return {
    blobs,
    bucket: options.bucket,
    options,
    async [Symbol.asyncDispose]() {
      blobs.close();
      await removeBucket(options.bucket);
    },
  };
}

const harness: HarnessMaker<{ readonly blobs: BlobStore }> = {
  missing: { files: missing },
  async open() {
    const opened = await openStore();
    let { blobs } = opened;
    return {
      get stores() {
        return { blobs };
      },
      clock: settableClock(),
      async reopen() {
        blobs.close();
        blobs = new S3BlobStore(opened.options);
      },
      files: () => Promise.reject(new Error(missing)),
      async close() {
        blobs.close();
        await opened[Symbol.asyncDispose]();
      },
    };
  },
};

async function failureOf(work: Promise<unknown>): Promise<Pick<RelayError, 'code' | 'retryable'>> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RelayError)) throw new Error('it did not fail', { cause: error });
  return { code: error.code, retryable: error.retryable };
}

const unavailable = { code: 'store-unavailable', retryable: true };

describe('s3', () => {
  blobStoreConformance({ describe, it, expect }, harness);

  it('takes what is larger than a part, and replaces it', async () => {
    await using store = await openStore();
    const [first, second] = [someBytes(large), someBytes(5 * 1_024 * 1_024 + 1)];
    for (const bytes of [first, second]) {
      await store.blobs.put('avatars/large', bytes);
      const got = await store.blobs.get('avatars/large');
      expect(got !== undefined && Buffer.compare(got, bytes) === 0).toBe(true);
    }
    await store.blobs.put('avatars/large', someBytes(3));
    expect((await store.blobs.get('avatars/large'))?.length).toBe(3);
    expect([await namesIn(store.bucket), await uploadsIn(store.bucket)]).toEqual([['relay/avatars_large'], 0]);
  });

  it('of parallel large puts one is left whole', async () => {
    await using store = await openStore();
    const versions = Array.from({ length: 3 }, () => someBytes(6 * 1_024 * 1_024));
    await Promise.all(versions.map((bytes) => store.blobs.put('a', bytes)));
    const left = (await store.blobs.get('a')) ?? new Uint8Array();
    expect(versions.filter((bytes) => Buffer.compare(bytes, left) === 0).length).toBe(1);
  });

  it('a large put that is broken off leaves what was there, and no parts', async () => {
    await using store = await openStore();
    await using breaking = await breakingProxy((method, path) => method === 'PUT' && path.includes('partNumber=2'));
    const before = someBytes(100);
    await store.blobs.put('a', before);
    const cut = new S3BlobStore({ ...store.options, endpoint: breaking.endpoint });
    expect(await failureOf(cut.put('a', someBytes(large)))).toEqual(unavailable);
    expect(await failureOf(cut.put('b', someBytes(large)))).toEqual(unavailable);
    cut.close();
    expect(breaking.broken()).toBe(2);
    expect(hex(await store.blobs.get('a'))).toBe(hex(before));
    expect(await store.blobs.get('b')).toBe(undefined);
    expect([await namesIn(store.bucket), await uploadsIn(store.bucket)]).toEqual([['relay/a'], 0]);
  });

  it('parts that nobody could delete are deleted later, and only those of the own prefix', async () => {
    await using store = await openStore();
    const broken = (method: string, path: string) =>
      (method === 'PUT' && path.includes('partNumber=2')) || (method === 'DELETE' && path.includes('uploadId='));
    await using breaking = await breakingProxy(broken);
    const cut = new S3BlobStore({ ...store.options, endpoint: breaking.endpoint });
    expect(await failureOf(cut.put('a', someBytes(large)))).toEqual(unavailable);
    cut.close();
    await admin.send(new CreateMultipartUploadCommand({ Bucket: store.bucket, Key: 'other/a' }));
    expect([await store.blobs.get('a'), await uploadsIn(store.bucket)]).toEqual([undefined, 2]);
    expect(await store.blobs.endUploads(0)).toBe(0);
    expect(await store.blobs.endUploads(Number.MAX_SAFE_INTEGER)).toBe(1);
    expect(await uploadsIn(store.bucket)).toBe(1);
    const others = new S3BlobStore({ ...store.options, prefix: 'other/' });
    expect(await others.endUploads(Number.MAX_SAFE_INTEGER)).toBe(1);
    others.close();
  });

  it('makes a bucket only when it is asked to, on several nodes at once too', async () => {
    const options = optionsOf();
    const [one, two] = [new S3BlobStore(options), new S3BlobStore(options)];
    expect(await failureOf(one.put('a', someBytes(1)))).toEqual(unavailable);
    expect(await failureOf(one.get('a'))).toEqual(unavailable);
    await Promise.all([one.prepare(), two.prepare(), one.prepare()]);
    await one.put('a', someBytes(1));
    await two.prepare();
    expect((await two.get('a'))?.length).toBe(1);
    for (const blobs of [one, two]) blobs.close();
    await removeBucket(options.bucket);
  });

  it('wrong credentials keep the relay from starting; one that runs says that it will pass', async () => {
    await using store = await openStore();
    const wrong = [
      { accessKeyId, secretAccessKey: 'another' },
      { accessKeyId: 'nobody', secretAccessKey },
    ];
    for (const credentials of wrong) {
      const blobs = new S3BlobStore({ ...store.options, credentials });
      expect(await failureOf(blobs.prepare())).toEqual({ code: 'config-invalid', retryable: false });
      expect(await failureOf(blobs.put('a', someBytes(1)))).toEqual(unavailable);
      expect(await failureOf(blobs.put('a', someBytes(large)))).toEqual(unavailable);
      expect(await failureOf(blobs.get('a'))).toEqual(unavailable);
      expect(await failureOf(blobs.delete('a'))).toEqual(unavailable);
      blobs.close();
    }
    expect(await namesIn(store.bucket)).toEqual([]);
  });

  it('a server that is down, or says nothing, is an error that passes, and comes in time', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    const ports = [await freePort(), typeof address === 'object' ? address?.port : undefined];
    for (const port of ports) {
      const blobs = new S3BlobStore(optionsOf({ endpoint: `http://127.0.0.1:${port}`, requestTimeoutMs: 500 }));
      const calls = [
        blobs.prepare(),
        blobs.put('a', someBytes(1)),
        blobs.put('a', someBytes(large)),
        blobs.get('a'),
        blobs.delete('a'),
        blobs.endUploads(0),
      ];
      for (const failure of await Promise.all(calls.map(failureOf))) expect(failure).toEqual(unavailable);
      blobs.close();
    }
    silent.closeAllConnections();
    silent.close();
  });

  it('a blob that trickles, or ends before its end, is not given', async () => {
    for (const ends of [true, false]) {
      const server = createServer((_, response) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write(Buffer.alloc(500));
        if (ends) response.socket?.end();
        else response.on('close', () => clearInterval(drops));
        const drops = ends ? undefined : setInterval(() => response.write(Buffer.alloc(1)), 50);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      const port = typeof address === 'object' ? address?.port : undefined;
      const blobs = new S3BlobStore(optionsOf({ endpoint: `http://127.0.0.1:${port}`, requestTimeoutMs: 500 }));
      expect(await failureOf(blobs.get('a'))).toEqual(unavailable);
      blobs.close();
      server.closeAllConnections();
      server.close();
    }
  });
});

/** Passes requests on as they are, so that their signatures hold, and breaks off those that are named. */
async function breakingProxy(isBroken: (method: string, path: string) => boolean) {
  const target = new URL(endpoint);
  let broken = 0;
  const server = createServer((near, answer) => {
    if (isBroken(near.method ?? '', near.url ?? '')) {
      broken++;
      near.socket.destroy();
      return;
    }
    const { method = 'GET', url: path = '/', headers } = near;
    const far = request({ host: target.hostname, port: target.port, method, path, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 500, response.headers);
      response.pipe(answer);
    });
    far.on('error', () => near.socket.destroy());
    near.pipe(far);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    broken: () => broken,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
