import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PublicKey, SenderCertificate } from '@signalapp/libsignal-client';
import {
  CiphertextKind,
  Envelope,
  fromBase64Url,
  RecipientStatus,
  type RelayDescription,
  SealedSends,
  type SenderCertificateAnswer,
  SignedDeviceList,
  toBase64Url,
  uuidToBytes,
} from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { call, open, type RawAccount, refusal, register } from './raw-client.ts';
import { signedList } from './raw-keys.ts';
import { outcomesOf, postSealed, registerWithKey, resultsOf, type SealedAccount, sealedSend } from './raw-sealed.ts';
import { startRelay, storeKinds, type TestRelay } from './test-relay.ts';

const accepted = RecipientStatus.RECIPIENT_STATUS_ACCEPTED;
const changed = RecipientStatus.RECIPIENT_STATUS_DEVICES_CHANGED;
const full = RecipientStatus.RECIPIENT_STATUS_MAILBOX_FULL;
const day = 86_400_000;

async function delivered(relay: TestRelay, account: RawAccount): Promise<Envelope[]> {
  const stream = await open(relay, account);
  await stream.next('queueEmpty');
  const count = stream.kinds.filter((kind) => kind === 'deliver').length;
  const envelopes = (await stream.take('deliver', count)).map(({ envelope }) => Envelope.decode(envelope ?? nothing));
  await stream.close();
  return envelopes;
}

const nothing = new Uint8Array();

/** Gives `account` a second device in a second version of its list. */
async function addDevice(relay: TestRelay, account: RawAccount): Promise<void> {
  const before = SignedDeviceList.decode(signedList(account.keys)).list;
  const list = signedList(account.keys, {
    version: 2,
    previousHash: createHash('sha256').update(before).digest(),
    devices: [
      { deviceId: 1, registrationId: account.keys.registrationId },
      { deviceId: 2, registrationId: 22 },
    ],
  });
  const body = { deviceList: toBase64Url(list) };
  expect((await call(relay, 'PUT', '/v1/devices', { token: account.token, body })).status).toBe(200);
}

function askCertificate(relay: TestRelay, token: string) {
  return call<SenderCertificateAnswer>(relay, 'GET', '/v1/certificates/sender', { token });
}

describe.each(storeKinds)('sealed sends on %s stores', (stores) => {
  it('reach whoever gave their access key, and name no sender and no message', async () => {
    await using relay = await startRelay({ stores });
    const bob = await registerWithKey(relay, '+14155550102');
    const sends = [sealedSend(bob), sealedSend(bob, { urgent: true, attempt: 2, ttlSeconds: 60 })];
    const results = await resultsOf(postSealed(relay, bob, sends));
    expect(results.map(({ sendId }) => Buffer.from(sendId ?? []).toString('hex'))).toEqual(
      sends.map(({ sendId }) => Buffer.from(sendId ?? []).toString('hex')),
    );
    expect(results[0]?.recipients).toMatchObject([{ status: accepted, devices: [{ deviceId: 1, status: 1 }] }]);
    const envelopes = await delivered(relay, bob);
    expect(envelopes).toMatchObject([
      { suite: 1, kind: CiphertextKind.CIPHERTEXT_KIND_SEALED, attempt: 1, urgent: false },
      { attempt: 2, urgent: true },
    ]);
    for (const [at, { ciphertext, senderUser, senderDevice, messageId, groupId, ...rest }] of envelopes.entries()) {
      expect([senderUser.length, senderDevice, messageId.length, groupId.length]).toEqual([0, 0, 0, 0]);
      expect(Buffer.from(ciphertext)).toEqual(Buffer.from(sends[at]?.devices?.[0]?.ciphertext ?? []));
      expect(rest.expiresAt - rest.acceptedAt).toBe(at === 0 ? 30 * day : 60_000);
    }
  });

  it('are refused alike whatever is wrong with key or account  [security: sealed-sends]', async () => {
    await using relay = await startRelay({ stores });
    const bob = await registerWithKey(relay, '+14155550102');
    const keyless = { ...(await register(relay, '+14155550103')), accessKey: randomBytes(16) };
    const nobody = { ...bob, keys: { ...bob.keys, userId: randomUUID() } };
    const attempts: [string, SealedAccount, Uint8Array][] = [
      ['a wrong key', bob, randomBytes(16)],
      ['a key that differs in a bit', bob, bob.accessKey.map((byte, at) => (at === 15 ? byte ^ 1 : byte))],
      ['the key of somebody else', keyless, bob.accessKey],
      ['an account without a key', keyless, keyless.accessKey],
      ['no account', nobody, bob.accessKey],
    ];
    const told = new Set<string>();
    for (const [, to, key] of attempts) {
      const answer = await postSealed(relay, to, [sealedSend(to)], key);
      told.add(JSON.stringify([answer.status, answer.body, answer.headers.get('content-length')]));
    }
    expect(told.size).toBe(1);
    expect([...told][0]).toContain('sealed-refused');
    expect([...told][0]).toContain('[401,');
    expect(await delivered(relay, bob)).toEqual([]);
    expect(await delivered(relay, keyless)).toEqual([]);
  });

  it('end when the key is made anew: who is blocked has the old one  [security: sealed-sends]', async () => {
    await using relay = await startRelay({ stores });
    const bob = await registerWithKey(relay, '+14155550102');
    expect(await outcomesOf(postSealed(relay, bob, [sealedSend(bob)]))).toEqual([accepted]);
    const accessKey = randomBytes(16);
    const body = { profile: toBase64Url(randomBytes(64)), accessKey: toBase64Url(accessKey) };
    await call(relay, 'PUT', '/v1/profile', { token: bob.token, body });
    expect(await refusal(postSealed(relay, bob, [sealedSend(bob)]))).toMatchObject({ code: 'sealed-refused' });
    expect(await outcomesOf(postSealed(relay, bob, [sealedSend(bob)], accessKey))).toEqual([accepted]);
    expect(await delivered(relay, bob)).toHaveLength(2);
  });

  it('are stored once, and keep their result whatever the list says later', async () => {
    await using relay = await startRelay({ stores });
    const bob = await registerWithKey(relay, '+14155550102');
    const send = sealedSend(bob);
    const [first] = await resultsOf(postSealed(relay, bob, [send]));
    relay.time.jump(60_000);
    await Promise.all([1, 2, 3].map(() => postSealed(relay, bob, [send])));
    await addDevice(relay, bob);
    const [again] = await resultsOf(postSealed(relay, bob, [send]));
    expect([again?.acceptedAt, again?.recipients?.[0]?.status]).toEqual([first?.acceptedAt, accepted]);
    expect(await delivered(relay, bob)).toHaveLength(1);
  });

  it('to other devices than there are get the signed list; what follows is superseded, and nothing is stored', async () => {
    await using relay = await startRelay({ stores });
    const bob = await registerWithKey(relay, '+14155550102');
    const first = sealedSend(bob);
    await postSealed(relay, bob, [first]);
    await addDevice(relay, bob);
    const both = {
      deviceListVersion: 2,
      devices: [...devicesOf(bob), { ...devicesOf(bob)[0], deviceId: 2, registrationId: 22 }],
    };
    // What was accepted before stays accepted, also behind a refusal.
    const results = postSealed(relay, bob, [sealedSend(bob), first, sealedSend(bob, both)]);
    expect(await outcomesOf(results)).toEqual([changed, accepted, 'superseded']);
    const [{ recipients } = { recipients: [] }] = await resultsOf(results);
    expect(recipients?.[0]?.deviceList?.rootKey).toEqual(bob.keys.root.getPublicKey().serialize());
    expect(await outcomesOf(postSealed(relay, bob, [sealedSend(bob, both)]))).toEqual([accepted]);
    expect(await delivered(relay, bob)).toHaveLength(2);
  });

  it('beyond the quota are refused in order, and contacts do not count as strangers', async () => {
    const config = { mailbox: { quotaCount: 3, strangerQuotaCount: 1 } };
    await using relay = await startRelay({ stores, config });
    const bob = await registerWithKey(relay, '+14155550102');
    const sends = [1, 2, 3, 4, 5].map(() => sealedSend(bob));
    expect(await outcomesOf(postSealed(relay, bob, sends))).toEqual([accepted, accepted, accepted, full, 'superseded']);
    expect(await outcomesOf(postSealed(relay, bob, sends))).toEqual([accepted, accepted, accepted, full, 'superseded']);
    expect(await delivered(relay, bob)).toHaveLength(3);
  });

  it('come in the order of the request', async () => {
    await using relay = await startRelay({ stores });
    const bob = await registerWithKey(relay, '+14155550102');
    const sends = Array.from({ length: 100 }, () => sealedSend(bob));
    expect(new Set(await outcomesOf(postSealed(relay, bob, sends)))).toEqual(new Set([accepted]));
    const got = (await delivered(relay, bob)).map(({ ciphertext }) => toBase64Url(ciphertext));
    expect(got).toEqual(sends.map(({ devices }) => toBase64Url(devices?.[0]?.ciphertext ?? nothing)));
  });

  it('name nobody in tables, log and metrics  [security: sealed-sends]', async () => {
    await using relay = await startRelay({ stores });
    const alice = await registerWithKey(relay, '+14155550101');
    const bob = await registerWithKey(relay, '+14155550102');
    await askCertificate(relay, alice.token);
    const before = await heldOf(relay, alice);
    await postSealed(relay, bob, [sealedSend(bob)]);
    await postSealed(relay, bob, [sealedSend(bob)], randomBytes(16));
    // Whatever the relay holds of the one who sent, it held before.
    expect(await heldOf(relay, alice)).toEqual(before);
    const metrics = await call<string>(relay, 'GET', '/metrics');
    for (const text of [relay.log(), metrics.body]) {
      for (const secret of [alice.keys.userId, bob.keys.userId, toBase64Url(bob.accessKey)]) {
        expect(text.includes(secret)).toBe(false);
      }
    }
    expect(metrics.body).toContain('relay_sealed_accepted_total 1');
    expect(metrics.body).toContain('relay_sealed_refused_total 1');
  });
});

/** How often the files of the relay, or what is in memory, hold an account's id. */
async function heldOf(relay: TestRelay, { keys }: RawAccount): Promise<number> {
  const names = await readdir(relay.folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const forms = [Buffer.from(uuidToBytes(keys.userId)), Buffer.from(keys.userId)];
  let found = 0;
  for (const file of files) {
    const bytes = await readFile(file);
    for (const form of forms) for (let at = bytes.indexOf(form); at >= 0; at = bytes.indexOf(form, at + 1)) found++;
  }
  return found;
}

function devicesOf(to: RawAccount): NonNullable<ReturnType<typeof sealedSend>['devices']> {
  return sealedSend(to).devices ?? [];
}

describe('limits of sealed sends', () => {
  it('a flood under one key is capped, by itself  [security: sealed-sends]', async () => {
    await using relay = await startRelay({ config: { limits: { sealedPerKey: { burst: 20, refillMs: 100 } } } });
    const bob = await registerWithKey(relay, '+14155550102');
    const carol = await registerWithKey(relay, '+14155550103');
    const flood = Array.from({ length: 50 }, () => sealedSend(bob));
    const results = await resultsOf(postSealed(relay, bob, flood));
    expect(results.filter(({ refused }) => !refused)).toHaveLength(20);
    expect(results[20]?.refused).toMatchObject({ code: 'rate-limited', retryable: true, retryAfterMs: 100 });
    expect(results[21]?.refused?.code).toBe('superseded');
    expect(await outcomesOf(postSealed(relay, carol, [sealedSend(carol)]))).toEqual([accepted]);
    // Who shows no right key takes nothing from those who do.
    relay.time.jump(100);
    for (let tries = 0; tries < 10; tries++) await postSealed(relay, bob, [sealedSend(bob)], randomBytes(16));
    expect(await outcomesOf(postSealed(relay, bob, [sealedSend(bob)]))).toEqual([accepted]);
    expect(await delivered(relay, bob)).toHaveLength(21);
  });

  it('a flood from one address is capped, right key or not  [security: sealed-sends]', async () => {
    const limits = { sealedPerAddress: { burst: 15, refillMs: 1_000 } };
    await using relay = await startRelay({ config: { limits, trustedProxies: ['127.0.0.1'] } });
    const bob = await registerWithKey(relay, '+14155550102');
    const userId = uuidToBytes(bob.keys.userId);
    const post = (address: string, count: number, accessKey = bob.accessKey) => {
      const sends = Array.from({ length: count }, () => sealedSend(bob));
      const body = SealedSends.encode({ userId, accessKey, sends });
      return call<Uint8Array>(relay, 'POST', '/v1/sealed', { body, headers: { 'x-forwarded-for': address } });
    };
    const first = await resultsOf(post('192.0.2.1', 20));
    expect(first.filter(({ refused }) => !refused)).toHaveLength(15);
    expect(first[15]?.refused).toMatchObject({ code: 'rate-limited', retryAfterMs: 1_000 });
    expect(await refusal(post('192.0.2.1', 1))).toMatchObject({
      status: 429,
      code: 'rate-limited',
      retryAfterMs: 1_000,
    });
    for (let tries = 0; tries < 15; tries++) {
      expect(await refusal(post('192.0.2.2', 1, randomBytes(16)))).toMatchObject({ code: 'sealed-refused' });
    }
    expect(await refusal(post('192.0.2.2', 1, randomBytes(16)))).toMatchObject({ code: 'rate-limited' });
    expect(await outcomesOf(post('192.0.2.3', 1))).toEqual([accepted]);
    // Other requests have a budget of their own.
    expect(
      (await call(relay, 'GET', '/v1/account', { token: bob.token, headers: { 'x-forwarded-for': '192.0.2.1' } }))
        .status,
    ).toBe(200);
  });
});

describe('the form of sealed sends', () => {
  it('is checked, with advice', async () => {
    await using relay = await startRelay();
    const bob = await registerWithKey(relay, '+14155550102');
    const [device] = devicesOf(bob);
    const wrong: ReturnType<typeof sealedSend>[][] = [
      [],
      Array.from({ length: 129 }, () => sealedSend(bob)),
      [sealedSend(bob, { sendId: randomBytes(15) })],
      [sealedSend(bob, { suite: 0 })],
      [sealedSend(bob, { attempt: 0 })],
      [sealedSend(bob, { devices: [] })],
      [sealedSend(bob, { devices: [{ ...device, kind: CiphertextKind.CIPHERTEXT_KIND_WHISPER }] })],
      [sealedSend(bob, { devices: [{ ...device, ciphertext: nothing }] })],
      [sealedSend(bob, { devices: [{ ...device }, { ...device }] })],
      [sealedSend(bob, { ttlSeconds: 30 * 86_400 + 1 })],
    ];
    for (const sends of wrong) {
      expect(await refusal(postSealed(relay, bob, sends))).toMatchObject({ status: 400, code: 'request-malformed' });
    }
    const short = postSealed(relay, bob, [sealedSend(bob)], randomBytes(8));
    expect(await refusal(short)).toMatchObject({ status: 400, code: 'request-malformed' });
    for (const body of [nothing, randomBytes(60), '{}']) {
      const answer = call(relay, 'POST', '/v1/sealed', { body });
      expect(await refusal(answer)).toMatchObject({ status: 400, code: 'request-malformed' });
    }
    expect(await delivered(relay, bob)).toEqual([]);
  });

  it('has no token: a client that sends one by mistake is told', async () => {
    await using relay = await startRelay();
    const bob = await registerWithKey(relay, '+14155550102');
    const body = SealedSends.encode({
      userId: uuidToBytes(bob.keys.userId),
      accessKey: bob.accessKey,
      sends: [sealedSend(bob)],
    });
    const answer = call(relay, 'POST', '/v1/sealed', { body, token: bob.token });
    expect(await refusal(answer)).toMatchObject({ status: 400, code: 'request-malformed' });
    expect(await delivered(relay, bob)).toEqual([]);
  });
});

describe('certificates of senders', () => {
  it('say who a device is under the root that the relay names, for a day', async () => {
    await using relay = await startRelay();
    const alice = await register(relay, '+14155550101');
    const { body } = await askCertificate(relay, alice.token);
    const { body: description } = await call<RelayDescription>(relay, 'GET', '/.well-known/sotto.json');
    const roots = (description.trustRoots ?? []).map((root) => PublicKey.deserialize(owned(fromBase64Url(root))));
    const certificate = SenderCertificate.deserialize(owned(fromBase64Url(body.certificate)));
    const now = relay.time.now();
    expect(body.expiresAt).toBe(now + day);
    expect(certificate.expiration()).toBe(now + day);
    expect([certificate.senderUuid(), certificate.senderDeviceId(), certificate.senderE164()]).toEqual([
      alice.keys.userId,
      1,
      null,
    ]);
    expect(certificate.key().serialize()).toEqual(alice.keys.identity.publicKey.serialize());
    expect(certificate.validateWithTrustRoots(roots, now + day)).toBe(true);
    expect(certificate.validateWithTrustRoots(roots, now + day + 1)).toBe(false);
    expect(certificate.validate(alice.keys.root.getPublicKey(), now)).toBe(false);
  });

  it('are signed by another server key every 30 days; the ones before are good until their end', async () => {
    await using relay = await startRelay();
    const alice = await register(relay, '+14155550101');
    const { body: description } = await call<RelayDescription>(relay, 'GET', '/.well-known/sotto.json');
    const roots = (description.trustRoots ?? []).map((root) => PublicKey.deserialize(owned(fromBase64Url(root))));
    const ask = async () => {
      const session = await relayToken(relay, alice);
      const { body } = await askCertificate(relay, session);
      return SenderCertificate.deserialize(owned(fromBase64Url(body.certificate)));
    };
    const [first, same] = [await ask(), await ask()];
    expect(same.serverCertificate().key().serialize()).toEqual(first.serverCertificate().key().serialize());
    const period = 30 * day;
    relay.time.jump(period - (relay.time.now() % period) - 1);
    const last = await ask();
    relay.time.jump(1);
    const next = await ask();
    expect(last.serverCertificate().serialize()).not.toEqual(next.serverCertificate().serialize());
    expect([last, next].map((each) => each.serverCertificate().keyId())).toEqual([
      Math.floor(relay.time.now() / period) - 1,
      Math.floor(relay.time.now() / period),
    ]);
    for (const each of [last, next]) expect(each.validateWithTrustRoots(roots, relay.time.now())).toBe(true);
  });

  it('are for whoever has a token', async () => {
    await using relay = await startRelay();
    expect(await refusal(call(relay, 'GET', '/v1/certificates/sender'))).toMatchObject({ code: 'token-missing' });
  });
});

/** A new access token: the ones before end within the hour. */
async function relayToken(relay: TestRelay, account: RawAccount): Promise<string> {
  const nextRefreshToken = toBase64Url(randomBytes(32));
  const refreshToken = refreshTokens.get(account) ?? account.request.refreshToken;
  refreshTokens.set(account, nextRefreshToken);
  const body = { refreshToken, nextRefreshToken };
  return (await call<{ accessToken: string }>(relay, 'POST', '/v1/tokens', { body })).body.accessToken;
}

const refreshTokens = new WeakMap<RawAccount, string>();

function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
