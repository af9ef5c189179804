import { randomUUID } from 'node:crypto';
import { PrivateKey } from '@signalapp/libsignal-client';
import {
  type RegistrationAnswer,
  type RegistrationRequest,
  toBase64Url,
  uuidToBytes,
  type VerificationAnswer,
} from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { RelayError } from '../src/relay-error.ts';
import { call, connect, open, refusal, register, ticketProtocols, verify } from './raw-client.ts';
import { makeKeys, makeRegistration, type RawKeys, randomToken, signedList } from './raw-keys.ts';
import { rawSend } from './raw-stream.ts';
import { startRelay, storeKinds, type TestRelay } from './test-relay.ts';

const number = '+14155550101';
const ask = (relay: TestRelay, of: string) => call(relay, 'POST', '/v1/verifications', { body: { number: of } });
const post = (relay: TestRelay, body: unknown) =>
  call<RegistrationAnswer>(relay, 'POST', '/v1/registrations', { body });
const wrong = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0');

describe.each(storeKinds)('verification on %s stores', (stores) => {
  it('sends six digits and says how long they live', async () => {
    await using relay = await startRelay({ stores });
    const answer = await call<VerificationAnswer>(relay, 'POST', '/v1/verifications', { body: { number } });
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({ codeLength: 6, expiresInMs: 600_000, resendAfterMs: 60_000 });
    expect(relay.codeFor(number)).toMatch(/^\d{6}$/);
  });

  it.each([
    '14155550101',
    '+1 415 555 0101',
    '+1415',
    '+1999555010199',
    'tel:+14155550101',
    '+٤١٤١٥٥٥٥٠١٠',
    '+',
    '+14155550101\n',
  ])('refuses %j as no number', async (text) => {
    await using relay = await startRelay({ stores });
    expect(await refusal(ask(relay, text))).toMatchObject({ status: 400, code: 'number-invalid', retryable: false });
  });

  it.each(['+8613800138000', '+971501234567', '+989121234567', '+963944567890', '+8501921234567', '+5351234567'])(
    'refuses the barred %s',
    async (text) => {
      await using relay = await startRelay({ stores });
      expect(await refusal(ask(relay, text))).toMatchObject({ status: 403, code: 'number-barred' });
    },
  );

  it('lets a number ask again after a minute, and voids the code before', async () => {
    await using relay = await startRelay({ stores });
    const first = await verify(relay, number);
    relay.time.jump(59_000);
    expect(await refusal(ask(relay, number))).toMatchObject({ status: 429, code: 'rate-limited', retryAfterMs: 1_000 });
    relay.time.jump(1_000);
    await verify(relay, number);
    const request = makeRegistration(makeKeys(), first.verificationId, first.code);
    expect(await refusal(post(relay, request))).toMatchObject({ status: 410, code: 'code-void' });
  });

  it('takes the code back when the sender fails, so that the number may ask at once', async () => {
    let fails = true;
    const sent: string[] = [];
    await using relay = await startRelay({
      stores,
      codeSender: {
        async send({ code }) {
          if (fails) throw new RelayError('code-sender-unavailable', 'down', { retryable: true });
          sent.push(code);
        },
      },
    });
    expect(await refusal(ask(relay, number))).toMatchObject({
      status: 503,
      code: 'code-sender-unavailable',
      retryable: true,
    });
    fails = false;
    expect((await ask(relay, number)).status).toBe(202);
    expect(sent).toHaveLength(1);
  });

  it('gives up on a sender that does not answer', async () => {
    const asked = Promise.withResolvers<void>();
    await using relay = await startRelay({
      stores,
      codeSender: {
        send: (_message, { signal }) => {
          asked.resolve();
          return new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason));
          });
        },
      },
    });
    const refused = refusal(ask(relay, number));
    await asked.promise;
    relay.time.advance(10_000);
    expect(await refused).toMatchObject({ status: 503, code: 'code-sender-unavailable' });
  });

  it('stops sending to one address after a while', async () => {
    await using relay = await startRelay({ stores, config: { limits: { codesPerAddress: { burst: 3 } } } });
    for (const last of ['1', '2', '3']) expect((await ask(relay, `+1415555010${last}`)).status).toBe(202);
    const refused = await ask(relay, '+14155550104');
    expect(refused.headers.get('retry-after')).toBe('10');
    expect(await refusal(Promise.resolve(refused))).toMatchObject({
      status: 429,
      code: 'rate-limited',
      retryAfterMs: 10_000,
    });
  });
});

describe.each(storeKinds)('registration on %s stores', (stores) => {
  it('gives tokens that work', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, number);
    expect(alice.body).toMatchObject({ userId: alice.keys.userId, deviceId: 1, accessExpiresInMs: 3_600_000 });
    expect((await call(relay, 'GET', '/v1/prekeys', { token: alice.token })).body).toEqual({ ec: 2, kyber: 2 });
  });

  it('counts wrong codes, and the sixth guess fails even when it is right', async () => {
    await using relay = await startRelay({ stores });
    const { verificationId, code } = await verify(relay, number);
    for (const attemptsLeft of [4, 3, 2, 1, 0]) {
      const guess = makeRegistration(makeKeys(), verificationId, wrong(code));
      expect(await refusal(post(relay, guess))).toMatchObject({ status: 403, code: 'code-wrong', attemptsLeft });
    }
    const right = makeRegistration(makeKeys(), verificationId, code);
    expect(await refusal(post(relay, right))).toMatchObject({ status: 410, code: 'code-void' });
  });

  it('counts parallel guesses', async () => {
    await using relay = await startRelay({ stores, config: { limits: { guessesPerNumber: { burst: 100 } } } });
    const { verificationId, code } = await verify(relay, number);
    const guesses = Array.from({ length: 12 }, () => makeRegistration(makeKeys(), verificationId, wrong(code)));
    const codes = (await Promise.all(guesses.map((guess) => refusal(post(relay, guess))))).map((each) => each.code);
    expect(codes.filter((each) => each === 'code-wrong')).toHaveLength(5);
    expect(codes.filter((each) => each === 'code-void')).toHaveLength(7);
  });

  it('refuses a late code, a used one and one of nobody', async () => {
    await using relay = await startRelay({ stores });
    const used = await register(relay, number);
    const again = makeRegistration(makeKeys(), used.request.verificationId, used.request.code);
    expect(await refusal(post(relay, again))).toMatchObject({ status: 410, code: 'code-used' });
    const late = await verify(relay, '+14155550102');
    relay.time.jump(600_000);
    const request = makeRegistration(makeKeys(), late.verificationId, late.code);
    expect(await refusal(post(relay, request))).toMatchObject({ status: 410, code: 'code-expired' });
    const nobody = makeRegistration(makeKeys(), randomUUID(), '123456');
    expect(await refusal(post(relay, nobody))).toMatchObject({ status: 404, code: 'verification-unknown' });
  });

  it('takes the same request twice for the same, also with a new code, and another under its key for a mistake', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, number);
    const repeated = await post(relay, alice.request);
    expect(repeated.status).toBe(200);
    expect(repeated.body.accessToken).not.toBe(alice.token);
    expect((await call(relay, 'GET', '/v1/prekeys', { token: alice.token })).status).toBe(200);
    const other: RegistrationRequest = { ...alice.request, profile: randomToken() };
    expect(await refusal(post(relay, other))).toMatchObject({ status: 409, code: 'idempotency-mismatch' });
    relay.time.jump(3_600_000);
    const fresh = await verify(relay, number);
    expect((await post(relay, { ...alice.request, ...fresh })).status).toBe(200);
  });

  it('refuses a userId that somebody has', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, number);
    const { verificationId, code } = await verify(relay, '+14155550102');
    const request = makeRegistration({ ...makeKeys(), userId: alice.keys.userId }, verificationId, code);
    expect(await refusal(post(relay, request))).toMatchObject({ status: 409, code: 'user-id-taken' });
  });

  const deviceKey = PrivateKey.generate().getPublicKey().serialize();
  const first = { deviceId: 1, registrationId: 5 };
  it.each<[string, string, (request: RegistrationRequest, keys: RawKeys) => Partial<RegistrationRequest>]>([
    ['a list signed by another key', 'signature-invalid', (_r, k) => list(k, { signer: PrivateKey.generate() })],
    ['a list of another user', 'device-list-invalid', (_r, k) => list(k, { userId: uuidToBytes(randomUUID()) })],
    [
      'a list of version 2',
      'device-list-invalid',
      (_r, k) => list(k, { version: 2, previousHash: new Uint8Array(32) }),
    ],
    ['a list with a past', 'device-list-invalid', (_r, k) => list(k, { previousHash: new Uint8Array(32) })],
    [
      'a list of two devices',
      'device-list-invalid',
      (_r, k) => list(k, { devices: [first, { deviceId: 2, registrationId: 6 }] }),
    ],
    [
      'a list of device 2',
      'device-list-invalid',
      (_r, k) => list(k, { devices: [{ deviceId: 2, registrationId: 6 }] }),
    ],
    ['a list of nobody', 'device-list-invalid', (_r, k) => list(k, { devices: [] })],
    [
      'a registration id of 16381',
      'device-list-invalid',
      (_r, k) => list(k, { devices: [{ deviceId: 1, registrationId: 16_381 }] }),
    ],
    ['a broken identity key', 'key-malformed', (_r, k) => list(k, { identityKey: deviceKey.subarray(1) })],
    [
      'a broken device key',
      'key-malformed',
      (_r, k) => list(k, { devices: [{ ...first, deviceKey: new Uint8Array(33) }] }),
    ],
    ['a list of random bytes', 'request-malformed', () => ({ deviceList: randomToken(200) })],
    [
      'prekeys of another identity',
      'signature-invalid',
      (r) => ({ prekeys: { ...r.prekeys, signedPrekey: makeRegistration(makeKeys(), '', '').prekeys.signedPrekey } }),
    ],
    [
      'a broken Kyber key',
      'key-malformed',
      (r) => ({
        prekeys: {
          ...r.prekeys,
          lastResortKyberPrekey: { ...r.prekeys.lastResortKyberPrekey, publicKey: randomToken(1_569) },
        },
      }),
    ],
    [
      'a broken one-time key',
      'key-malformed',
      (r) => ({ prekeys: { ...r.prekeys, prekeys: [{ id: 1, publicKey: randomToken(33) }] } }),
    ],
    [
      'one id for two keys',
      'request-malformed',
      (r) => ({ prekeys: { ...r.prekeys, prekeys: [...r.prekeys.prekeys, ...r.prekeys.prekeys] } }),
    ],
    [
      'a prekey id of 2^24',
      'request-malformed',
      (r) => ({ prekeys: { ...r.prekeys, signedPrekey: { ...r.prekeys.signedPrekey, id: 2 ** 24 } } }),
    ],
    ['a short refresh token', 'request-malformed', () => ({ refreshToken: randomToken(31) })],
    ['a userId that is not random', 'request-malformed', () => ({ userId: '00000000-0000-1000-8000-000000000000' })],
    ['bytes that are not base64url', 'request-malformed', () => ({ profile: 'a' })],
    ['a profile over 4 KiB', 'profile-too-large', () => ({ profile: randomToken(4_097) })],
  ])('refuses %s with %s, and the code is still good', async (_what, code, change) => {
    await using relay = await startRelay({ stores });
    const keys = makeKeys();
    const verified = await verify(relay, number);
    const request = makeRegistration(keys, verified.verificationId, verified.code);
    const refused = await refusal(post(relay, { ...request, ...change(request, keys) }));
    expect(refused).toMatchObject({ code, status: code === 'profile-too-large' ? 413 : 400 });
    expect((await post(relay, request)).status).toBe(200);
  });

  it('ends the account that had the number: its stream, its tokens and tickets, its place in the directory', async () => {
    await using relay = await startRelay({ stores, config: { tokens: { ticketTtlMs: 600_000 } } });
    const before = await register(relay, number);
    const stream = await open(relay, before);
    const protocols = await ticketProtocols(relay, before.token);
    const friend = await open(relay, await register(relay, '+14155550102'));
    friend.send({ send: rawSend({ to: before.keys }) });
    expect(await friend.next('sendResult')).toMatchObject({ recipients: [{ status: 1 }] });
    relay.time.jump(60_000);
    const after = await register(relay, number);
    friend.send({ send: rawSend({ to: before.keys }) }, { send: rawSend({ to: after.keys }) });
    expect(await friend.take('sendResult', 2)).toMatchObject([
      { recipients: [{ status: 3 }] },
      { recipients: [{ status: 1 }] },
    ]);
    expect(await stream.closed).toMatchObject({ code: 4003 });
    expect(await refusal(call(relay, 'GET', '/v1/prekeys', { token: before.token }))).toMatchObject({
      status: 401,
      code: 'token-invalid',
    });
    await expect(connect(relay, { token: before.token })).rejects.toThrow('401');
    await expect(connect(relay, { protocols })).rejects.toThrow('401');
    const found = await call(relay, 'POST', '/v1/lookups', { token: after.token, body: { numbers: [number] } });
    expect(found.body).toEqual({ users: [{ number, userId: after.keys.userId }] });
    const tokens = { refreshToken: before.request.refreshToken, nextRefreshToken: randomToken() };
    expect(await refusal(call(relay, 'POST', '/v1/tokens', { body: tokens }))).toMatchObject({
      status: 401,
      code: 'account-replaced',
    });
  });
});

function list(keys: RawKeys, changes: Parameters<typeof signedList>[1]): Partial<RegistrationRequest> {
  return { deviceList: toBase64Url(signedList(keys, changes)) };
}
