import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListMultipartUploadsCommand,
  type MultipartUpload,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { BlobStore } from '../../ports/blob-store.ts';
import { RelayError } from '../../relay-error.ts';
import { checkBlobKey } from '../blob-key.ts';
import { openFailure, statusOf, storeFailure } from './s3-failure.ts';

/** How a relay reaches its bucket. */
export interface S3Options {
  readonly bucket: string;
  readonly region: string;
  /** Of a server other than Amazon's: `https://host:port`. */
  readonly endpoint?: string;
  /** Whether the bucket stands in the path and not in the host name, as most other servers want it. */
  readonly forcePathStyle?: boolean;
  /** What the environment or the machine has when left out, as the AWS SDK finds it. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** What all object names begin with: relays that share a bucket each have their own. Nothing by default. */
  readonly prefix?: string;
  /** How long one request may take, the way of its bytes included, in milliseconds; 30,000 by default. */
  readonly requestTimeoutMs?: number;
}

/** What is larger is put in parts of this size: the least that S3 takes, 5 MiB. */
const partBytes = 5 * 1_024 * 1_024;

/**
 * Blobs as objects of one bucket of any S3.
 *
 * An object is there whole or not at all: a put replaces at once, in parts or not, and the last one to be done wins. A put that failed may have been done; what it left in parts is never read, is deleted by it if it can, and else by {@link S3BlobStore.endUploads}.
 * Slashes of a key are underscores in the name, since servers that keep files can't have `a` beside `a/b`.
 * Nothing is retried, every request ends by its time. The bucket must keep no versions, or what is deleted stays; the relay needs the rights to list it, or S3 answers 403 for what is not there.
 */
export class S3BlobStore implements BlobStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #region: string;
  readonly #prefix: string;
  readonly #requestTimeoutMs: number;

  constructor(options: S3Options) {
    const { bucket, region, endpoint, forcePathStyle = false, credentials, prefix = '' } = options;
    this.#bucket = bucket;
    this.#region = region;
    this.#prefix = prefix;
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 30_000;
    this.#client = new S3Client({
      region,
      ...(endpoint !== undefined && { endpoint }),
      ...(credentials !== undefined && { credentials: { ...credentials } }),
      forcePathStyle,
      // Whoever retries knows whether it is worth it.
      maxAttempts: 1,
      // What the SDK adds of itself, other servers than Amazon's refuse or misread.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: {
        connectionTimeout: Math.min(5_000, this.#requestTimeoutMs),
        requestTimeout: this.#requestTimeoutMs,
        throwOnRequestTimeout: true,
        socketTimeout: this.#requestTimeoutMs,
      },
    });
  }

  /**
   * Looks whether the bucket can be used, and makes it when it is not there: says which. Harmless when several nodes do so at once.
   * @throws {RelayError} `config-invalid` when credentials, region or rights are refused; `store-unavailable`
   */
  async prepare(): Promise<'found' | 'made'> {
    try {
      if (await this.#hasBucket()) return 'found';
      const elsewhere = this.#region !== 'us-east-1' && {
        CreateBucketConfiguration: { LocationConstraint: this.#region as 'eu-central-1' },
      };
      try {
        await this.#client.send(new CreateBucketCommand({ Bucket: this.#bucket, ...elsewhere }), this.#inTime());
        return 'made';
      } catch (error) {
        // Another node was first.
        if (statusOf(error) !== 409 || !(await this.#hasBucket())) throw error;
        return 'found';
      }
    } catch (error) {
      throw openFailure(error, this.#bucket);
    }
  }

  /** Looks whether the bucket is there. @throws {RelayError} `config-invalid` when it is not, or this relay is refused; `store-unavailable` */
  async check(): Promise<'found'> {
    try {
      if (await this.#hasBucket()) return 'found';
    } catch (error) {
      throw openFailure(error, this.#bucket);
    }
    throw new RelayError(
      'config-invalid',
      `the object store has no bucket ${this.#bucket} (\`blobs.s3.bucket\`): \`sotto-relay migrate\` makes it`,
    );
  }

  put(key: string, bytes: Uint8Array): Promise<void> {
    return guarded(async () => {
      const params = {
        Bucket: this.#bucket,
        Key: this.#name(key),
        ContentType: 'application/octet-stream',
        Body: bytes,
      };
      if (bytes.length <= partBytes) await this.#client.send(new PutObjectCommand(params), this.#inTime());
      else await new Upload({ client: this.#client, params, partSize: partBytes, queueSize: 2 }).done();
    });
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return guarded(async () => {
      try {
        const got = new GetObjectCommand({ Bucket: this.#bucket, Key: this.#name(key) });
        const { Body } = await this.#client.send(got, this.#inTime());
        return (await Body?.transformToByteArray()) ?? new Uint8Array();
      } catch (error) {
        if (error instanceof Error && error.name === 'NoSuchKey') return undefined;
        throw error;
      }
    });
  }

  delete(key: string): Promise<void> {
    return guarded(async () => {
      await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: this.#name(key) }), this.#inTime());
    });
  }

  /**
   * Deletes what puts left in parts that began before `before` (milliseconds since the Unix epoch, by the server's clock) and never ended, of this prefix; gives how many there were. For servers that have no rule for it: a day ago is safe.
   */
  endUploads(before: number): Promise<number> {
    return guarded(async () => {
      let ended = 0;
      for await (const { Key, UploadId, Initiated } of this.#uploads()) {
        if (Key === undefined || UploadId === undefined || (Initiated?.getTime() ?? 0) >= before) continue;
        const end = new AbortMultipartUploadCommand({ Bucket: this.#bucket, Key, UploadId });
        try {
          await this.#client.send(end, this.#inTime());
          ended++;
        } catch (error) {
          // It has ended meanwhile.
          if (statusOf(error) !== 404) throw error;
        }
      }
      return ended;
    });
  }

  /** Lets go of all connections; idempotent. What is under way fails. */
  close(): void {
    this.#client.destroy();
  }

  async *#uploads(): AsyncGenerator<MultipartUpload> {
    let from: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
    for (;;) {
      const page = new ListMultipartUploadsCommand({ Bucket: this.#bucket, Prefix: this.#prefix, ...from });
      const {
        Uploads = [],
        IsTruncated,
        NextKeyMarker,
        NextUploadIdMarker,
      } = await this.#client.send(page, this.#inTime());
      yield* Uploads;
      if (IsTruncated !== true) return;
      from = { KeyMarker: NextKeyMarker, UploadIdMarker: NextUploadIdMarker };
    }
  }

  async #hasBucket(): Promise<boolean> {
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }), this.#inTime());
      return true;
    } catch (error) {
      if (statusOf(error) === 404) return false;
      throw error;
    }
  }

  /** Ends a request with all its bytes; the time-outs of its socket alone would let one trickle for ever. */
  #inTime(): { abortSignal: AbortSignal } {
    return { abortSignal: AbortSignal.timeout(this.#requestTimeoutMs) };
  }

  #name(key: string): string {
    checkBlobKey(key);
    return this.#prefix + key.replaceAll('/', '_');
  }
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storeFailure(error);
  }
}
