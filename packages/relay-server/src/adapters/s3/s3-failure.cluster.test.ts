import { S3ServiceException } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { openFailure, storeFailure } from './s3-failure.ts';

/** As the client makes it of an answer: to a HEAD it has no words, and its name is `Unknown`. */
function answer(httpStatusCode: number, name = 'Unknown'): S3ServiceException {
  return new S3ServiceException({ name, $fault: 'client', $metadata: { httpStatusCode }, message: 'hidden' });
}

function named(name: string): Error {
  return Object.assign(new Error('hidden'), { name });
}

describe('a bucket that can not be used when the relay starts', () => {
  it.each<[string, unknown, string, readonly string[]]>([
    ['a name against the rules, found by HEAD', answer(400), 'Bad_Name', ['`blobs.s3.bucket` has (Bad_Name)']],
    ['a name that nobody may have, by the server', answer(400, 'InvalidBucketName'), 'good', ['`blobs.s3.bucket`']],
    ['a name of two parts, by the client', named('InvalidBucketName'), 'a/b', ['`blobs.s3.bucket` has (a/b)']],
    ['a name that is no ARN, by the client', named('EndpointError'), 'arn:x', ['`blobs.s3.bucket` has (arn:x)']],
    ['a method that is not allowed there', answer(405), '..', ['`blobs.s3.bucket` has (..)']],
    [
      'a wrong key',
      answer(403),
      'good',
      ['`blobs.s3.accessKeyId`', '`blobs.s3.secretAccessKey`', '(`blobs.s3.bucket`)'],
    ],
    ['no key', named('CredentialsProviderError'), 'good', ['set `blobs.s3.accessKeyId` and']],
    ['another region', answer(301, 'PermanentRedirect'), 'good', ['`blobs.s3.region`']],
    [
      'what nobody foresaw',
      answer(400, 'InvalidLocationConstraint'),
      'good',
      ['(InvalidLocationConstraint, HTTP 400)'],
    ],
  ])('is for the operator, with the settings to look at: %s', (_, error, bucket, parts) => {
    const failure = openFailure(error, bucket);
    expect(failure.code).toBe('config-invalid');
    expect(failure.cause).toBe(error);
    for (const part of parts) expect(failure.message).toContain(part);
    expect(failure.message.includes('hidden')).toBe(false);
  });

  it('may come back by itself when it is busy or away', () => {
    for (const error of [answer(503), answer(429), new Error('socket hang up')]) {
      expect(openFailure(error, 'good').code).toBe('store-unavailable');
    }
    expect(openFailure(new TypeError('ours'), 'good').code).toBe('internal');
  });

  it('is not for the operator alone once the relay runs', () => {
    expect(storeFailure(answer(403)).code).toBe('store-unavailable');
  });
});
