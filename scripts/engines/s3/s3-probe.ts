import { randomBytes } from 'node:crypto';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';

/** Where an S3 server listens, and who may do everything there. */
export interface S3Access {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The list of buckets. */
export async function askS3(access: S3Access): Promise<string> {
  const client = clientOf(access);
  try {
    const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
    return `S3 with ${Buckets.length} buckets`;
  } finally {
    client.destroy();
  }
}

/** A bucket is made, an object put and read, and both are deleted. */
export async function tryS3(access: S3Access): Promise<string> {
  const client = clientOf(access);
  const Bucket = `engines-probe-${randomBytes(8).toString('hex')}`;
  const Key = 'folder/object';
  try {
    await client.send(new CreateBucketCommand({ Bucket }));
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'written' }));
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    if ((await Body?.transformToString()) !== 'written') throw new Error('the S3 server does not read what it wrote');
    await client.send(new DeleteObjectCommand({ Bucket, Key }));
    await client.send(new DeleteBucketCommand({ Bucket }));
    return 'a bucket made, an object put and read';
  } finally {
    client.destroy();
  }
}

function clientOf({ endpoint, region, accessKeyId, secretAccessKey }: S3Access): S3Client {
  return new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}
