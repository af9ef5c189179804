import { SealedMultiSends, SealedResults, SealedSends, type SendFields } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { SottoError } from '../sotto-error.ts';
import type { HttpClient } from '../transport/http-client.ts';
import { postSends, sizeOfPost } from './sealed-post.ts';
import { isUnnamed } from './unnamed-send.ts';

const bytes = (length: number, value = 1) => new Uint8Array(length).fill(value);

function send(id: number, ciphertext = bytes(10)): SendFields {
  const devices = [{ deviceId: 1, registrationId: 7, kind: 4, ciphertext }];
  const recipients = [{ userId: bytes(16, 9), accessKey: bytes(16, 8), deviceListVersion: 3, devices }];
  return { sendId: bytes(16, id), attempt: 2, suite: 1, urgent: true, ttlSeconds: 60, recipients };
}

/** A relay that answers in one way, and what it was asked. */
function relay(answer: (body: SealedSends) => Uint8Array): { readonly http: HttpClient; readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    http: {
      async ask({ path, body, answer: form }, token) {
        if (!(body instanceof Uint8Array) || form.type !== 'bytes') throw new Error('no bytes were sent');
        asked.push(`${path} ${token}`);
        return form.read(answer(SealedSends.decode(body)));
      },
    },
  };
}

function failing(error: SottoError): HttpClient {
  return {
    ask: async () => {
      throw error;
    },
  };
}

describe('postSends', () => {
  it('sends what stands in the outbox, with no token and no message id, and gives the results', async () => {
    let seen: SealedSends | undefined;
    const { http, asked } = relay((body) => {
      seen = body;
      return SealedResults.encode({ results: body.sends.map(({ sendId }) => ({ sendId: sendId ?? bytes(0) })) });
    });
    const results = await postSends(http, [send(1), send(2)]);
    expect(asked).toEqual(['/v1/sealed undefined']);
    expect(results.map(({ sendId }) => sendId?.[0])).toEqual([1, 2]);
    expect(seen?.sends).toMatchObject([
      { attempt: 2, suite: 1, urgent: true, ttlSeconds: 60, deviceListVersion: 3, devices: [{ registrationId: 7 }] },
      { attempt: 2 },
    ]);
    expect([seen?.userId[0], seen?.accessKey[0]]).toEqual([9, 8]);
  });

  it('sends messages to many as they stand in the outbox, in one request, each recipient by key and list alone', async () => {
    const seen: unknown[] = [];
    const http: HttpClient = {
      async ask({ path, body, answer: form }, token) {
        if (!(body instanceof Uint8Array) || form.type !== 'bytes') throw new Error('no bytes were sent');
        const { sends } = SealedMultiSends.decode(body);
        seen.push([path, token]);
        for (const { recipients, message, attempt, urgent } of sends) {
          seen.push([recipients?.map((one) => ({ ...one })), message?.length, attempt, urgent]);
        }
        return form.read(
          SealedResults.encode({ results: sends.map(({ sendId }) => ({ sendId: sendId ?? bytes(0) })) }),
        );
      },
    };
    const [recipient] = send(1).recipients ?? [];
    const many = { ...send(1), recipients: recipient ? [recipient] : [], sharedCiphertext: bytes(99) };
    const next = { ...many, sendId: bytes(16, 2), sharedCiphertext: bytes(98) };
    expect((await postSends(http, [many, next])).map(({ sendId }) => sendId?.[0])).toEqual([1, 2]);
    const named = { userId: bytes(16, 9), accessKey: bytes(16, 8), deviceListVersion: 3 };
    expect(seen).toEqual([
      ['/v1/sealed/multi', undefined],
      [[named], 99, 2, true],
      [[named], 98, 2, true],
    ]);
    // None of the keys is right; the relay knows no such request.
    for (const [relayCode, code] of [
      ['sealed-refused', 'sealed-refused'],
      ['not-found', 'sealed-unavailable'],
    ] as const) {
      const failed = failing(new SottoError('relay-refused', 'no', { relayCode }));
      const results = (await postSends(failed, [many, next])).map(({ refused }) => refused);
      expect(results).toMatchObject([
        { code, retryable: false },
        { code: 'superseded', retryable: true },
      ]);
    }
  });

  it('takes a relay that is not there, or strange, as one to ask again', async () => {
    const errors = [
      new SottoError('relay-unreachable', 'gone', { retryable: true }),
      new SottoError('relay-misbehaved', 'no relay'),
      new SottoError('rate-limited', 'slow', { retryable: true, relayCode: 'rate-limited', retryAfterMs: 70 }),
    ];
    for (const error of errors) {
      const [first, second] = await postSends(failing(error), [send(1), send(2)]);
      expect(first).toMatchObject({ refused: { code: error.code, retryable: true } });
      expect(first?.refused?.retryAfterMs).toBe(error.retryAfterMs ?? 0);
      expect(second).toMatchObject({ refused: { code: 'superseded', retryable: true } });
    }
  });

  it('never lets a message fail because the relay does not take it in this way', async () => {
    for (const relayCode of ['sealed-refused', 'request-malformed', 'not-found', 'request-too-large']) {
      const [first] = await postSends(failing(new SottoError('relay-refused', 'no', { relayCode })), [send(1)]);
      expect(first?.refused).toMatchObject({ code: 'sealed-refused', retryable: false });
    }
  });

  it('says nothing of the sends when the client is stopped', async () => {
    const stopped = failing(new SottoError('client-stopped', 'over'));
    await expect(postSends(stopped, [send(1)])).rejects.toMatchObject({ code: 'client-stopped' });
  });

  it('refuses an answer that lacks a result', async () => {
    const { http } = relay(() => SealedResults.encode({ results: [{}] }));
    await expect(postSends(http, [send(1), send(2)])).rejects.toMatchObject({ code: 'malformed-message' });
  });
});

describe('sizeOfPost', () => {
  it('is bounded by count and bytes, but never nothing', () => {
    expect(sizeOfPost(Array.from({ length: 100 }, (_, at) => send(at)))).toBe(64);
    expect(sizeOfPost([send(1, bytes(500_000)), send(2)])).toBe(1);
    expect(sizeOfPost([send(1, bytes(200_000)), send(2, bytes(200_000)), send(3)])).toBe(1);
    expect(sizeOfPost([send(1, bytes(100_000)), send(2, bytes(200_000)), send(3, bytes(200_000))])).toBe(2);
    expect(sizeOfPost([])).toBe(0);
  });

  it('counts what is for many with all whom it is for', () => {
    const toMany = (id: number, people: number, length: number): SendFields => {
      const recipients = Array.from({ length: people }, () => ({ userId: bytes(16), accessKey: bytes(16) }));
      return { ...send(id), recipients, sharedCiphertext: bytes(length) };
    };
    expect(sizeOfPost(Array.from({ length: 100 }, (_, at) => toMany(at, 5, 800)))).toBe(64);
    expect(sizeOfPost([toMany(1, 1_000, 250_000), toMany(2, 1, 100_000)])).toBe(1);
    expect(
      sizeOfPost([
        toMany(1, 1_000, 80_000),
        toMany(2, 1_000, 80_000),
        toMany(3, 1_000, 80_000),
        toMany(4, 1_000, 80_000),
      ]),
    ).toBe(3);
    expect(sizeOfPost(Array.from({ length: 5 }, (_, at) => toMany(at, 1_024, 100)))).toBe(4);
  });
});

describe('isUnnamed', () => {
  it('is a Send without a message id', () => {
    expect([isUnnamed({}), isUnnamed({ messageId: bytes(0) }), isUnnamed({ messageId: bytes(16) })]).toEqual([
      true,
      true,
      false,
    ]);
  });
});
