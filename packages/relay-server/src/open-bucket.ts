import type { S3BlobStore } from './adapters/s3/blob-store.ts';
import type { S3Config } from './config/relay-config.ts';
import { RelayError } from './relay-error.ts';

/**
 * Opens the bucket of the settings, and makes it when it is not there.
 *
 * The client of S3 is loaded here and nowhere else: a relay that keeps its files in a folder needs no package for it.
 * @throws {RelayError} `config-invalid` when the package is not installed, or the server refuses the credentials or the bucket; `store-unavailable` when it does not answer
 */
export async function openBucket(s3: S3Config): Promise<S3BlobStore> {
  return (await opened(s3, 'prepare')).store;
}

/**
 * Opens the bucket of the settings, which has to be there.
 * @throws {RelayError} as `openBucket`, and `config-invalid` when there is none
 */
export async function openMadeBucket(s3: S3Config): Promise<S3BlobStore> {
  return (await opened(s3, 'check')).store;
}

/** Makes the bucket of the settings when it is not there, and says whether it was. @throws {RelayError} as `openBucket` */
export async function prepareBucket(s3: S3Config): Promise<'found' | 'made'> {
  const { store, outcome } = await opened(s3, 'prepare');
  store.close();
  return outcome;
}

async function opened(
  s3: S3Config,
  look: 'check' | 'prepare',
): Promise<{ readonly store: S3BlobStore; readonly outcome: 'found' | 'made' }> {
  const { S3BlobStore } = await loadAdapter();
  const { endpoint, region, bucket, prefix, accessKeyId, secretAccessKey, pathStyle } = s3;
  const store = new S3BlobStore({
    bucket,
    region,
    prefix,
    forcePathStyle: pathStyle,
    ...(endpoint !== '' && { endpoint }),
    ...(accessKeyId !== '' && { credentials: { accessKeyId, secretAccessKey } }),
  });
  try {
    return { store, outcome: await store[look]() };
  } catch (error) {
    store.close();
    throw error;
  }
}

async function loadAdapter(): Promise<typeof import('./adapters/s3/blob-store.ts')> {
  try {
    return await import('./adapters/s3/blob-store.ts');
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')) throw cause;
    throw new RelayError(
      'config-invalid',
      '`blobs.store` is `s3`, whose client is not installed: `npm install @aws-sdk/client-s3 @aws-sdk/lib-storage`.',
      { cause },
    );
  }
}
