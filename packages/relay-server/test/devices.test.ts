import { IdentityKeyPair, PrivateKey } from '@signalapp/libsignal-client';
import {
  type BundlesAnswer,
  type DeviceListAnswer,
  type DevicesAnswer,
  fromBase64Url,
  SignedDeviceList,
  toBase64Url,
} from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import type { DeviceAddress } from '../src/ports/ids.ts';
import { call, connect, open, type RawAccount, refusal, register, ticketProtocols } from './raw-client.ts';
import { deviceCode, familyOf, grown, join, newDevice, nextOf, type RawFamily, signedJoin } from './raw-devices.ts';
import { makePrekeys, randomToken } from './raw-keys.ts';
import { type RawStream, rawSend } from './raw-stream.ts';
import { startRelay, storeKinds, type TestRelay } from './test-relay.ts';

const day = 86_400_000;

const listOf = async (relay: TestRelay, account: RawAccount) =>
  (await call<DeviceListAnswer>(relay, 'GET', `/v1/users/${account.keys.userId}/devices`, { token: account.token }))
    .body.deviceList;
const put = (relay: TestRelay, token: string, family: RawFamily, prekeys?: unknown) =>
  call<DeviceListAnswer>(relay, 'PUT', '/v1/devices', {
    token,
    body: { deviceList: toBase64Url(family.list), ...(prekeys !== undefined && { prekeys }) },
  });
const bundles = (relay: TestRelay, by: RawAccount, of: RawAccount) =>
  call<BundlesAnswer>(relay, 'GET', `/v1/users/${of.keys.userId}/bundles`, { token: by.token });
const standings = async (relay: TestRelay, { token }: RawAccount) =>
  (await call<DevicesAnswer>(relay, 'GET', '/v1/devices', { token })).body.devices;

/** A Send to all devices of a family, but for those that are to be left out. */
function sendTo(family: RawFamily, leftOut: readonly number[] = []) {
  const send = rawSend({ to: family.account.keys, listVersion: family.version });
  const [recipient] = send.recipients ?? [];
  const [template] = recipient?.devices ?? [];
  const named = family.devices.filter(({ deviceId }) => !leftOut.includes(deviceId));
  const devices = named.map(({ deviceId, registrationId }) => ({ ...template, deviceId, registrationId }));
  return { ...send, recipients: [{ ...recipient, devices }] };
}

describe.each(storeKinds)('devices on %s stores', (stores) => {
  it('join an account with mailbox, keys and tokens, and every other device is told  [security: linking-phishing]', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const bob = await register(relay, '+14155550102');
    const first = await open(relay, alice);
    const second = await grown(relay, familyOf(alice));
    expect(await toldOf(first)).toBe(second.request.deviceList);
    expect(second.device.body).toMatchObject({ userId: alice.keys.userId, deviceId: 2, accessExpiresInMs: 3_600_000 });

    const third = await grown(relay, second.family);
    expect(await toldOf(first)).toBe(third.request.deviceList);
    expect(await listOf(relay, bob)).not.toBe(await listOf(relay, alice));
    expect(await listOf(relay, alice)).toBe(third.request.deviceList);
    const { body } = await bundles(relay, bob, alice);
    expect(body.bundles.map(({ deviceId }) => deviceId)).toEqual([1, 2, 3]);
    const from = await open(relay, bob);
    from.send({ send: sendTo(third.family) });
    expect((await from.next('sendResult')).recipients).toMatchObject([{ status: 1 }]);
    const stream = await open(relay, third.device);
    expect((await stream.next('deliver')).envelope?.length).toBeGreaterThan(0);
  });

  it('join once by a code; the same request again is the same device', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const code = await deviceCode(relay, alice.token);
    const { request, family } = newDevice(familyOf(alice), code);
    const stream = await open(relay, alice);
    const answers = await Promise.all(Array.from({ length: 4 }, () => join(relay, request)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    relay.time.jump(10 * 60_000);
    const late = await join(relay, request);
    expect(late.body).toMatchObject({ deviceId: 2 });
    expect((await call(relay, 'GET', '/v1/prekeys', { token: late.body.accessToken })).body).toEqual({
      ec: 2,
      kyber: 2,
    });
    await stream.settled();
    expect(stream.kinds.filter((kind) => kind === 'devicesChanged')).toHaveLength(1);
    const other = { ...request, refreshToken: randomToken() };
    expect(await refusal(join(relay, other))).toMatchObject({ status: 409, code: 'idempotency-mismatch' });

    // Another device may not use the code again.
    const replay = newDevice(family, code);
    expect(await refusal(join(relay, replay.request))).toMatchObject({ status: 404, code: 'link-unknown' });
    expect(await listOf(relay, alice)).toBe(request.deviceList);
  });

  it('do not join by a code that is late, guessed, or of another account  [security: linking-phishing]', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const mallory = await register(relay, '+14155550102');
    const family = familyOf(alice);
    const late = newDevice(family, await deviceCode(relay, alice.token));
    relay.time.jump(120_000);
    const refused = await refusal(join(relay, late.request));
    expect(refused).toMatchObject({ status: 404, code: 'link-unknown' });
    expect(await refusal(join(relay, newDevice(family, randomToken()).request))).toEqual(refused);
    const foreign = newDevice(family, await deviceCode(relay, mallory.token));
    expect(await refusal(join(relay, foreign.request))).toMatchObject({ status: 400, code: 'device-list-invalid' });
    expect(await refusal(call(relay, 'POST', '/v1/devices/codes'))).toMatchObject({ code: 'token-missing' });
    expect(await listOf(relay, alice)).toBe(alice.request.deviceList);
  });

  it('do not join but by the next list, with that device alone, under root and device key  [security: device-injection]', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const family = familyOf(alice);
    const attempt = async (
      change: (devices: Parameters<typeof nextOf>[1] & {}) => RawFamily,
      deviceId = 2,
    ): Promise<unknown> => {
      const { request } = newDevice(family, await deviceCode(relay, alice.token), { deviceId, list: change });
      return (await refusal(join(relay, request))).code;
    };
    const registrationId = (alice.keys.registrationId % 16_380) + 1;
    const stranger = PrivateKey.generate().getPublicKey().serialize();
    expect(await attempt((devices) => nextOf(family, devices, { signer: PrivateKey.generate() }))).toBe(
      'signature-invalid',
    );
    expect(await attempt((devices) => nextOf(family, devices, { previousHash: new Uint8Array(32) }))).toBe(
      'device-list-invalid',
    );
    expect(await attempt((devices) => nextOf(family, devices, { version: 3 }))).toBe('devices-changed');
    expect(await attempt(() => nextOf(family))).toBe('device-list-invalid');
    expect(await attempt((devices) => nextOf(family, devices.slice(1)))).toBe('device-list-invalid');
    expect(await attempt((devices) => nextOf(family, [...devices, { deviceId: 3, registrationId: 3 }]))).toBe(
      'device-list-invalid',
    );
    expect(
      await attempt((devices) =>
        nextOf(
          family,
          devices.map((each) => ({ ...each, registrationId })),
        ),
      ),
    ).toBe('device-list-invalid');
    expect(
      await attempt(([first, ...rest]) => nextOf(family, first ? [{ ...first, deviceKey: stranger }, ...rest] : rest)),
    ).toBe('device-list-invalid');
    const identityKey = IdentityKeyPair.generate().publicKey.serialize();
    expect(await attempt((devices) => nextOf(family, devices, { identityKey }))).toBe('device-list-invalid');
    expect(await attempt((devices) => nextOf(family, devices), 1)).toBe('device-list-invalid');

    const { request, keys } = newDevice(family, await deviceCode(relay, alice.token));
    const forged = signedJoin(request, { ...keys, device: PrivateKey.generate() });
    expect(await refusal(join(relay, forged))).toMatchObject({ status: 400, code: 'signature-invalid' });
    const swapped = { ...request, refreshToken: randomToken() };
    expect(await refusal(join(relay, swapped))).toMatchObject({ code: 'signature-invalid' });
    const foreignKeys = { ...request, prekeys: makePrekeys({ ...keys, identity: IdentityKeyPair.generate() }) };
    expect(await refusal(join(relay, foreignKeys))).toMatchObject({ code: 'signature-invalid' });
    expect(await listOf(relay, alice)).toBe(alice.request.deviceList);
    // What was refused has not used up the code for who asked.
    expect((await join(relay, request)).status).toBe(200);
  });

  it('join one after the other: the second of two is told the list that there is', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const family = familyOf(alice);
    const [one, other] = [
      newDevice(family, await deviceCode(relay, alice.token)),
      newDevice(family, await deviceCode(relay, alice.token)),
    ];
    const answers = await Promise.all([join(relay, one.request), join(relay, other.request)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    const refused = answers.find(({ status }) => status === 409);
    expect(refused?.body).toMatchObject({ error: { code: 'devices-changed', deviceList: await listOf(relay, alice) } });
  });

  it('are seven at most, or as many as the relay allows', async () => {
    await using relay = await startRelay({ stores, config: { accounts: { linkedDevices: 2 } } });
    const alice = await register(relay, '+14155550101');
    const second = await grown(relay, familyOf(alice));
    const third = await grown(relay, second.family);
    const fourth = newDevice(third.family, await deviceCode(relay, alice.token));
    const full = { status: 409, code: 'devices-full', retryable: false };
    expect(await refusal(join(relay, fourth.request))).toMatchObject(full);
    expect(await refusal(put(relay, alice.token, fourth.family))).toMatchObject(full);
    expect((await put(relay, alice.token, nextOf(third.family))).status).toBe(200);
  });

  it('are renamed, and the others are told, but not who did it', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const { family, device } = await grown(relay, familyOf(alice));
    const [first, second] = [await open(relay, alice), await open(relay, device)];
    const renamed = nextOf(family);
    expect((await put(relay, alice.token, renamed)).body.deviceList).toBe(toBase64Url(renamed.list));
    expect(await toldOf(second)).toBe(toBase64Url(renamed.list));
    expect((await put(relay, alice.token, renamed)).status).toBe(200);
    for (const stream of [first, second]) await stream.settled();
    expect([...first.kinds, ...second.kinds]).not.toContain('devicesChanged');
    expect(await refusal(put(relay, alice.token, nextOf(family)))).toMatchObject({
      code: 'devices-changed',
      deviceList: toBase64Url(renamed.list),
    });
  });

  it('are given with the list that they belong to, also when it is replaced meanwhile: keys of another identity key say that they are forged', async () => {
    let meanwhile: (() => Promise<unknown>) | undefined;
    await using relay = await startRelay({
      stores,
      wrapStores: (real) => {
        const prekeys = Object.create(real.prekeys);
        prekeys.take = async (device: DeviceAddress) => {
          const act = meanwhile;
          meanwhile = undefined;
          await act?.();
          return real.prekeys.take(device);
        };
        return { ...real, prekeys };
      },
    });
    const [alice, bob] = [await register(relay, '+14155550101'), await register(relay, '+14155550102')];
    const { family } = await grown(relay, familyOf(alice));
    await bundles(relay, bob, alice);
    const identity = IdentityKeyPair.generate();
    const next = nextOf(family, family.devices.slice(0, 1), { identityKey: identity.publicKey.serialize() });
    meanwhile = () => put(relay, alice.token, next, makePrekeys({ ...alice.keys, identity }, 2, 50));
    const { body } = await bundles(relay, bob, alice);
    expect(body.deviceList).toBe(toBase64Url(next.list));
    expect(body.bundles.map(({ deviceId }) => deviceId)).toEqual([1]);
    const [{ signedPrekey }] = body.bundles as [BundlesAnswer['bundles'][number]];
    const signature = fromBase64Url(signedPrekey.signature);
    expect(
      identity.publicKey.verify(Uint8Array.from(fromBase64Url(signedPrekey.publicKey)), Uint8Array.from(signature)),
    ).toBe(true);
  });

  it('that are revoked have nothing any more, and the others stand without keys until they bring new ones', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const bob = await register(relay, '+14155550102');
    const second = await grown(relay, familyOf(alice));
    const third = await grown(relay, second.family);
    const [stolen, kept] = [await open(relay, second.device), await open(relay, third.device)];
    const protocols = await ticketProtocols(relay, second.device.token);
    const code = await deviceCode(relay, second.device.token);

    const identity = IdentityKeyPair.generate();
    const left = third.family.devices.filter(({ deviceId }) => deviceId !== 2);
    const next = nextOf(third.family, left, { identityKey: identity.publicKey.serialize() });
    expect(await refusal(put(relay, alice.token, next))).toMatchObject({ code: 'request-malformed' });
    expect(await refusal(put(relay, alice.token, next, makePrekeys(alice.keys, 2, 50)))).toMatchObject({
      code: 'signature-invalid',
    });
    const prekeys = makePrekeys({ ...alice.keys, identity }, 2, 50);
    expect((await put(relay, alice.token, next, prekeys)).status).toBe(200);
    expect((await put(relay, alice.token, next, prekeys)).status).toBe(200);

    expect(await stolen.closed).toMatchObject({ code: 4003 });
    expect(await toldOf(kept)).toBe(toBase64Url(next.list));
    expect(await refusal(call(relay, 'GET', '/v1/prekeys', { token: second.device.token }))).toMatchObject({
      code: 'token-invalid',
    });
    await expect(connect(relay, { protocols })).rejects.toThrow('401');
    const nextToken = randomToken();
    const refresh = { refreshToken: second.request.refreshToken, nextRefreshToken: nextToken };
    // It sees the signature of the root key before its stream ends; and the relay says why.
    expect(await toldOf(stolen)).toBe(toBase64Url(next.list));
    expect(await refusal(call(relay, 'POST', '/v1/tokens', { body: refresh }))).toMatchObject({
      status: 401,
      code: 'device-revoked',
    });
    expect(await refusal(join(relay, second.request))).toMatchObject({ code: 'devices-changed' });
    expect(await refusal(join(relay, newDevice(next, code, { deviceId: 4 }).request))).toMatchObject({
      code: 'link-unknown',
    });

    // Whoever writes begins a session with the device that brought keys; the other may be left out, or not.
    const { body } = await bundles(relay, bob, alice);
    expect(body.bundles.map(({ deviceId, signedPrekey }) => [deviceId, signedPrekey])).toEqual([
      [1, prekeys.signedPrekey],
    ]);
    const from = await open(relay, bob);
    const statuses = [];
    for (const leftOut of [[3], [], [1]]) statuses.push((await resultOf(from, sendTo(next, leftOut)))?.status);
    expect(statuses).toEqual([1, 1, 2]);
    expect((await kept.next('deliver')).envelope?.length).toBeGreaterThan(0);

    expect(await standings(relay, alice)).toMatchObject([{ keyless: false }, { deviceId: 3, keyless: true }]);
    const upload = (keys: unknown) => call(relay, 'PUT', '/v1/prekeys', { token: third.device.token, body: keys });
    expect(await refusal(upload(makePrekeys(third.device.keys, 1, 80)))).toMatchObject({ code: 'signature-invalid' });
    expect((await upload(makePrekeys({ ...third.device.keys, identity }, 1, 80))).status).toBe(200);
    expect((await bundles(relay, bob, alice)).body.bundles.map(({ deviceId }) => deviceId)).toEqual([1, 3]);
    expect((await resultOf(from, sendTo(next, [3])))?.status).toBe(2);
  });

  it('that are not used for 45 days get no mail, and the primary is told, until they are', async () => {
    // A day has four ticks, as many as a stream may be silent for.
    const config = { stream: { idleTimeoutMs: day }, mailbox: { sweepEveryMs: day } };
    await using relay = await startRelay({ stores, config });
    const alice = await register(relay, '+14155550101');
    const bob = await register(relay, '+14155550102');
    const second = await grown(relay, familyOf(alice));
    const third = await grown(relay, second.family);
    const { family } = third;
    const [primary, used] = [await open(relay, alice), await open(relay, third.device)];
    for (const stream of [primary, used]) await stream.settled();
    const begin = relay.time.now();
    expect(begin % day).toBe(0);
    for (let days = 1; days <= 45; days++) {
      relay.time.advance(day);
      for (const stream of [primary, used]) await stream.settled();
    }
    const own = await refreshed(relay, alice);
    const seen = begin + 45 * day;
    while ((await standings(relay, own))[0]?.lastSeenDay !== seen);
    expect(await standings(relay, own)).toEqual([
      { deviceId: 1, lastSeenDay: seen, idle: false, keyless: false },
      { deviceId: 2, lastSeenDay: begin, idle: false, keyless: false },
      { deviceId: 3, lastSeenDay: seen, idle: false, keyless: false },
    ]);
    relay.time.advance(day);
    expect(await primary.next('devicesIdle')).toMatchObject({ deviceIds: [2] });
    await used.settled();
    expect(used.kinds).not.toContain('devicesIdle');

    const from = await open(relay, await refreshed(relay, bob));
    for (const send of [sendTo(family), sendTo(family, [2])]) {
      const { status, devices } = (await resultOf(from, send)) ?? {};
      const states = new Map(devices?.map((device) => [device.deviceId, device.status]));
      expect([status, states.get(1), states.get(2), states.get(3)]).toEqual([1, 1, 3, 1]);
    }
    const again = await open(relay, await refreshed(relay, alice));
    expect(await again.next('devicesIdle')).toMatchObject({ deviceIds: [2] });

    const back = await refreshed(relay, { ...second.device, request: { ...alice.request, ...second.request } });
    const stream = await open(relay, back);
    await stream.next('queueEmpty');
    expect(stream.kinds).not.toContain('deliver');
    expect((await standings(relay, back))[1]).toMatchObject({ deviceId: 2, idle: false });
    expect((await resultOf(from, sendTo(family, [2])))?.status).toBe(2);
    expect((await resultOf(from, sendTo(family)))?.status).toBe(1);
    expect((await stream.next('deliver')).envelope?.length).toBeGreaterThan(0);
  });

  it('are not idle because the clock of the relay was set on: time that it did not run through says nothing of them', async () => {
    const config = { stream: { idleTimeoutMs: day }, mailbox: { sweepEveryMs: day } };
    await using relay = await startRelay({ stores, config });
    const alice = await register(relay, '+14155550101');
    const second = await grown(relay, familyOf(alice));
    const stream = await open(relay, second.device);
    await stream.settled();
    await stream.close();
    const idle = async () => (await standings(relay, await refreshed(relay, alice))).map((standing) => standing.idle);
    relay.time.jump(60 * day);
    relay.time.advance(day);
    for (let looks = 0; looks < 10; looks++) expect(await idle()).toEqual([false, false]);
    relay.time.jump(-60 * day);
    relay.time.advance(day);
    for (let looks = 0; looks < 10; looks++) expect(await idle()).toEqual([false, false]);
  });

  it('that are alone are never idle, and nothing is kept of when they are there', async () => {
    await using relay = await startRelay({ stores, config: { mailbox: { sweepEveryMs: day, scrubEveryMs: day } } });
    const alice = await register(relay, '+14155550101');
    await (await open(relay, alice)).close();
    relay.time.advance(100 * day);
    // The sweep is on its way: what asks after it has waited for it.
    await grown(relay, familyOf(await register(relay, '+14155550109')));
    expect(await standings(relay, await refreshed(relay, alice))).toEqual([
      { deviceId: 1, idle: false, keyless: false },
    ]);
  });
});

/** What became of a Send to one account. */
async function resultOf(from: RawStream, send: ReturnType<typeof sendTo>) {
  from.send({ send });
  return (await from.next('sendResult')).recipients?.[0];
}

/** The list that a stream is told of. */
async function toldOf(stream: RawStream): Promise<string> {
  return toBase64Url(SignedDeviceList.encode((await stream.next('devicesChanged')).deviceList ?? {}));
}

/** The account with a new access token. */
async function refreshed(relay: TestRelay, account: RawAccount): Promise<RawAccount> {
  const nextRefreshToken = randomToken();
  const body = { refreshToken: account.request.refreshToken, nextRefreshToken };
  const answer = await call<{ accessToken: string }>(relay, 'POST', '/v1/tokens', { body });
  if (answer.status !== 200) throw new Error(`no token: ${answer.status}`);
  Object.assign(account.request, { refreshToken: nextRefreshToken });
  return { ...account, token: answer.body.accessToken };
}
