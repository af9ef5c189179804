import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { IdentityKeyPair, PrivateKey } from '@signalapp/libsignal-client';
import { type BundlesAnswer, fromBase64Url, type ProfileAnswer, SignedDeviceList, toBase64Url } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { call, connect, open, refusal, register, ticketProtocols } from './raw-client.ts';
import { ecPrekey, kyberPrekey, makePrekeys, randomToken, signedList } from './raw-keys.ts';
import { startRelay, storeKinds } from './test-relay.ts';

const hashOf = (signed: Uint8Array) => createHash('sha256').update(SignedDeviceList.decode(signed).list).digest();

describe.each(storeKinds)('accounts on %s stores', (stores) => {
  it('are found by number, and only then', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const bob = await register(relay, '+14155550102');
    const lookup = (numbers: unknown) => call(relay, 'POST', '/v1/lookups', { token: alice.token, body: { numbers } });
    const found = await lookup([bob.number, '+14155550103', bob.number]);
    expect(found.body).toEqual({ users: [{ number: bob.number, userId: bob.keys.userId }] });
    expect(await refusal(lookup([bob.number, '12']))).toMatchObject({ status: 400, code: 'number-invalid' });
    expect(await refusal(lookup('x'))).toMatchObject({ status: 400, code: 'request-malformed' });
    expect(await refusal(lookup(Array.from({ length: 101 }, () => bob.number)))).toMatchObject({
      code: 'request-malformed',
    });
    expect(await refusal(call(relay, 'POST', '/v1/lookups', { body: { numbers: [] } }))).toMatchObject({
      code: 'token-missing',
    });
  });

  it('can not be looked up by the thousand', async () => {
    await using relay = await startRelay({ stores, config: { limits: { lookupsPerAccount: { burst: 100 } } } });
    const alice = await register(relay, '+14155550101');
    const lookup = (first: number) => {
      const numbers = Array.from({ length: 60 }, (_, at) => `+1415555${String(first + at)}`);
      return call(relay, 'POST', '/v1/lookups', { token: alice.token, body: { numbers } });
    };
    expect((await lookup(2_000)).status).toBe(200);
    expect((await lookup(2_000)).status).toBe(200);
    expect(await refusal(lookup(3_000))).toMatchObject({ status: 429, code: 'rate-limited', retryable: true });
  });

  it('change their device list along its chain only', async () => {
    await using relay = await startRelay({ stores });
    const { keys, token } = await register(relay, '+14155550101');
    const put = (list: Uint8Array) =>
      call<{ deviceList: string }>(relay, 'PUT', '/v1/devices', { token, body: { deviceList: toBase64Url(list) } });
    const [first] = [
      fromBase64Url(
        (await call<{ deviceList: string }>(relay, 'GET', `/v1/users/${keys.userId}/devices`, { token })).body
          .deviceList,
      ),
    ];
    const devices = [
      { deviceId: 1, registrationId: keys.registrationId },
      { deviceId: 2, registrationId: 77 },
    ];
    const second = signedList(keys, { version: 2, previousHash: hashOf(first), devices });
    const foreign = { ...keys, root: PrivateKey.generate() };
    expect(await refusal(put(signedList(foreign, { version: 2, previousHash: hashOf(first), devices })))).toMatchObject(
      { code: 'device-list-invalid' },
    );
    expect(await refusal(put(signedList(keys, { version: 2, previousHash: randomBytes(32), devices })))).toMatchObject({
      code: 'device-list-invalid',
    });
    expect(
      await refusal(
        put(
          signedList(keys, {
            version: 2,
            previousHash: hashOf(first),
            devices: [devices[1], devices[1]].flatMap((d) => (d ? [d] : [])),
          }),
        ),
      ),
    ).toMatchObject({ code: 'device-list-invalid' });
    expect(await refusal(put(randomBytes(100)))).toMatchObject({ status: 400, code: 'request-malformed' });
    const skipped = signedList(keys, { version: 3, previousHash: hashOf(first), devices });
    expect(await refusal(put(skipped))).toMatchObject({
      status: 409,
      code: 'devices-changed',
      deviceList: toBase64Url(first),
    });
    expect((await put(second)).body.deviceList).toBe(toBase64Url(second));
    expect((await put(second)).status).toBe(200);
    const rival = signedList(keys, { version: 2, previousHash: hashOf(first) });
    expect(await refusal(put(rival))).toMatchObject({
      status: 409,
      code: 'devices-changed',
      deviceList: toBase64Url(second),
    });
    const read = await call<{ deviceList: string }>(relay, 'GET', `/v1/users/${keys.userId}/devices`, { token });
    expect(read.body.deviceList).toBe(toBase64Url(second));
    expect(await refusal(call(relay, 'GET', `/v1/users/${randomUUID()}/devices`, { token }))).toMatchObject({
      status: 404,
      code: 'user-unknown',
    });
  });

  it.each([
    ['is listed no more', 2],
    ['comes back under another registration id', 1],
  ])('end the stream and the tickets of a device that %s', async (_what, deviceId) => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const stream = await open(relay, alice);
    const protocols = await ticketProtocols(relay, alice.token);
    const next = signedList(alice.keys, {
      version: 2,
      previousHash: hashOf(signedList(alice.keys)),
      devices: [{ deviceId, registrationId: (alice.keys.registrationId % 16_380) + 1 }],
      identityKey: IdentityKeyPair.generate().publicKey.serialize(),
    });
    const { status } = await call(relay, 'PUT', '/v1/devices', {
      token: alice.token,
      body: { deviceList: toBase64Url(next) },
    });
    expect(status).toBe(200);
    expect(await stream.closed).toMatchObject({ code: 4003 });
    await expect(connect(relay, { protocols })).rejects.toThrow('401');
  });

  it('have a profile that others read and the limit holds', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const bob = await register(relay, '+14155550102');
    const path = `/v1/users/${alice.keys.userId}/profile`;
    const read = async () => (await call<ProfileAnswer>(relay, 'GET', path, { token: bob.token })).body;
    expect(await read()).toEqual({ profile: alice.request.profile, hasAvatar: false });
    const put = (profile: string) => call(relay, 'PUT', '/v1/profile', { token: alice.token, body: { profile } });
    const largest = randomToken(4_096);
    expect((await put(largest)).status).toBe(204);
    expect(await refusal(put(randomToken(4_097)))).toMatchObject({ status: 413, code: 'profile-too-large' });
    expect(await read()).toEqual({ profile: largest, hasAvatar: false });
    expect(await refusal(call(relay, 'GET', `/v1/users/${randomUUID()}/profile`, { token: bob.token }))).toMatchObject({
      status: 404,
      code: 'user-unknown',
    });
    expect(await refusal(call(relay, 'GET', '/v1/users/x/profile', { token: bob.token }))).toMatchObject({
      status: 400,
      code: 'request-malformed',
    });
  });

  it('have an avatar of at most 1 MiB and a bit', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const path = `/v1/users/${alice.keys.userId}/avatar`;
    const { token } = alice;
    const put = (body: unknown, headers = {}) => call(relay, 'PUT', '/v1/profile/avatar', { token, body, headers });
    expect(await refusal(call(relay, 'GET', path, { token }))).toMatchObject({ status: 404, code: 'not-found' });
    const largest = randomBytes(1024 * 1024 + 1024);
    expect((await put(largest)).status).toBe(204);
    expect(Buffer.from((await call<Uint8Array>(relay, 'GET', path, { token })).body)).toEqual(largest);
    expect(await refusal(put(randomBytes(largest.length + 1)))).toMatchObject({
      status: 413,
      code: 'avatar-too-large',
    });
    expect(await refusal(put({ not: 'bytes' }))).toMatchObject({ status: 400, code: 'request-malformed' });
    expect(await refusal(put(new Uint8Array()))).toMatchObject({ status: 400, code: 'request-malformed' });
    const profile = `/v1/users/${alice.keys.userId}/profile`;
    expect((await call(relay, 'GET', profile, { token })).body).toMatchObject({ hasAvatar: true });
    expect((await call(relay, 'DELETE', '/v1/profile/avatar', { token })).status).toBe(204);
    expect((await call(relay, 'GET', profile, { token })).body).toMatchObject({ hasAvatar: false });
    expect(await refusal(call(relay, 'GET', path, { token }))).toMatchObject({ status: 404 });
  });

  it.each([false, true])(
    'take their avatar along when the number is registered anew (deleting fails: %s)',
    async (fails) => {
      await using relay = await startRelay({
        stores,
        wrapStores: (real) => ({
          ...real,
          blobs: {
            put: (key, bytes) => real.blobs.put(key, bytes),
            get: (key) => real.blobs.get(key),
            delete: (key) => (fails ? Promise.reject(new Error('no disk')) : real.blobs.delete(key)),
          },
        }),
      });
      const before = await register(relay, '+14155550101');
      const { userId } = before.keys;
      const path = `/v1/users/${userId}/avatar`;
      const body = randomBytes(100);
      expect((await call(relay, 'PUT', '/v1/profile/avatar', { token: before.token, body })).status).toBe(204);
      relay.time.jump(60_000);
      const after = await register(relay, '+14155550101');
      expect(await refusal(call(relay, 'GET', path, { token: after.token }))).toMatchObject({ status: 404 });
      expect((await relay.stores.blobs.get(`avatars/${userId}`)) === undefined).toBe(!fails);
      expect(relay.log().includes('account.ending-failed')).toBe(fails);
      const late = call(relay, 'PUT', '/v1/profile/avatar', { token: before.token, body });
      expect(await refusal(late)).toMatchObject({ status: 401 });
    },
  );
});

describe.each(storeKinds)('prekeys on %s stores', (stores) => {
  it('are given out once each, then the last resort', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const bob = await register(relay, '+14155550102');
    const take = async (query = '') =>
      (await call<BundlesAnswer>(relay, 'GET', `/v1/users/${bob.keys.userId}/bundles${query}`, { token: alice.token }))
        .body;
    const taken = (await Promise.all([take(), take('?device=1'), take(), take()])).flatMap(({ bundles }) => bundles);
    expect(taken.map(({ prekey }) => prekey?.id).sort()).toEqual([1, 2, undefined, undefined]);
    expect(taken.map(({ kyberPrekey: { id } }) => id).sort((a, b) => a - b)).toEqual([1, 2, 16_000_000, 16_000_000]);
    for (const bundle of taken) {
      expect(bundle).toMatchObject({ deviceId: 1, registrationId: bob.keys.registrationId });
      const key = new Uint8Array(fromBase64Url(bundle.kyberPrekey.publicKey));
      expect(bob.keys.identity.publicKey.verify(key, new Uint8Array(fromBase64Url(bundle.kyberPrekey.signature)))).toBe(
        true,
      );
    }
    expect((await take('?device=2')).bundles).toEqual([]);
    const unknown = call(relay, 'GET', `/v1/users/${randomUUID()}/bundles`, { token: alice.token });
    expect(await refusal(unknown)).toMatchObject({ status: 404, code: 'user-unknown' });
    for (const device of ['0', '128', 'x', '1x']) {
      const odd = call(relay, 'GET', `/v1/users/${bob.keys.userId}/bundles?device=${device}`, { token: alice.token });
      expect(await refusal(odd)).toMatchObject({ status: 400, code: 'request-malformed' });
    }
  });

  it('can not be drained by one account', async () => {
    await using relay = await startRelay({ stores, config: { limits: { bundlesPerPair: { burst: 2 } } } });
    const alice = await register(relay, '+14155550101');
    const bob = await register(relay, '+14155550102');
    const take = () => call(relay, 'GET', `/v1/users/${bob.keys.userId}/bundles`, { token: alice.token });
    expect((await take()).status).toBe(200);
    expect((await take()).status).toBe(200);
    expect(await refusal(take())).toMatchObject({ status: 429, code: 'rate-limited' });
  });

  it('are uploaded idempotently, up to 200 of a kind', async () => {
    await using relay = await startRelay({ stores });
    const { keys, token } = await register(relay, '+14155550101');
    const put = (body: unknown) => call(relay, 'PUT', '/v1/prekeys', { token, body });
    const batch = Array.from({ length: 99 }, (_, at) => ecPrekey(100 + at));
    const other = Array.from({ length: 99 }, (_, at) => ecPrekey(300 + at));
    expect((await put({ prekeys: batch })).body).toEqual({ ec: 101, kyber: 2 });
    expect((await put({ prekeys: batch })).body).toEqual({ ec: 101, kyber: 2 });
    expect((await put({ prekeys: other, kyberPrekeys: [kyberPrekey(keys, 50)] })).body).toEqual({ ec: 200, kyber: 3 });
    expect(await refusal(put({ prekeys: [ecPrekey(999)] }))).toMatchObject({ status: 409, code: 'prekeys-full' });
    expect(await refusal(put({ prekeys: [ecPrekey(100)] }))).toMatchObject({ status: 409, code: 'prekey-conflict' });
    expect(await refusal(put({ signedPrekey: { ...ecPrekey(2), signature: randomToken(64) } }))).toMatchObject({
      status: 400,
      code: 'signature-invalid',
    });
    expect(await refusal(put({ prekeys: [{ id: 7, publicKey: 'AAAA' }] }))).toMatchObject({
      status: 400,
      code: 'key-malformed',
    });
    expect((await put({})).status).toBe(200);
  });

  it('tell their owner once when they run low, and again after a refill', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const bob = await register(relay, '+14155550102', (request, keys) => ({
      ...request,
      prekeys: makePrekeys(keys, 21),
    }));
    const stream = await open(relay, bob);
    await stream.next('queueEmpty');
    const take = () => call(relay, 'GET', `/v1/users/${bob.keys.userId}/bundles`, { token: alice.token });
    await take();
    expect(stream.kinds).toEqual([]);
    await take();
    expect(await stream.next('prekeysLow')).toMatchObject({ ecLeft: 19, kyberLeft: 19 });
    await take();
    await stream.settled();
    expect(stream.kinds).toEqual([]);
    const ids = [101, 102, 103];
    const refill = { prekeys: ids.map(ecPrekey), kyberPrekeys: ids.map((id) => kyberPrekey(bob.keys, id)) };
    await call(relay, 'PUT', '/v1/prekeys', { token: bob.token, body: refill });
    await take();
    await take();
    expect(await stream.next('prekeysLow')).toMatchObject({ ecLeft: 19, kyberLeft: 19 });
  });
});
