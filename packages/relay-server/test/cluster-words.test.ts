import { randomBytes } from 'node:crypto';
import { SignedDeviceList, toBase64Url, uuidToBytes } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { call, open, refusal, register } from './raw-client.ts';
import { familyOf, grown, leave, nextOf, openLink, poll } from './raw-devices.ts';
import { makePrekeys, randomToken } from './raw-keys.ts';
import type { RawStream } from './raw-stream.ts';
import { pairOf, startCluster, type TestNode, turns } from './test-cluster.ts';
import { unlimitedSends } from './test-relay.ts';

const config = { limits: unlimitedSends, stream: { idleTimeoutMs: 86_400_000 } };

async function toldOf(stream: RawStream): Promise<string> {
  return toBase64Url(SignedDeviceList.encode((await stream.next('devicesChanged')).deviceList ?? {}));
}

const refresh = (node: TestNode, refreshToken: string, nextRefreshToken: string) =>
  call(node, 'POST', '/v1/tokens', { body: { refreshToken, nextRefreshToken } });

describe('one of two relays tells a device at the other', () => {
  it('ephemeral signals, in their order', async () => {
    await using cluster = await startCluster({ config });
    const [first, second] = pairOf(cluster);
    const alice = await register(first, '+14155550101');
    const bob = await register(second, '+14155550102');
    const [from, to] = [await open(first, alice), await open(second, bob)];
    await from.next('queueEmpty');
    await to.next('queueEmpty');
    const payloads = Array.from({ length: 5 }, (_, at) => Uint8Array.of(at, at, at));
    const userId = uuidToBytes(bob.keys.userId);
    from.send(...payloads.map((payload) => ({ ephemeral: { userId, deviceId: 1, payload } })));
    for (const payload of payloads) {
      const got = await to.next('ephemeral');
      expect([Buffer.from(got.payload ?? []), Buffer.from(got.userId ?? []), got.deviceId]).toEqual([
        Buffer.from(payload),
        Buffer.from(uuidToBytes(alice.keys.userId)),
        1,
      ]);
    }
    to.send({ ephemeral: { userId: uuidToBytes(alice.keys.userId), deviceId: 1, payload: randomBytes(9) } });
    expect((await from.next('ephemeral')).payload).toHaveLength(9);
  });

  it('that its account has another list, and ends the stream of who was taken off', async () => {
    await using cluster = await startCluster({ config });
    const [first, second] = pairOf(cluster);
    const alice = await register(first, '+14155550101');
    const primary = await open(first, alice);
    const linked = await grown(second, familyOf(alice));
    expect(await toldOf(primary)).toBe(linked.request.deviceList);
    const other = await open(second, linked.device);
    await other.next('queueEmpty');
    const without = nextOf(linked.family, familyOf(alice).devices);
    const body = { deviceList: toBase64Url(without.list) };
    expect((await call(first, 'PUT', '/v1/devices', { token: alice.token, body })).status).toBe(200);
    expect(await toldOf(other)).toBe(body.deviceList);
    expect(await other.closed).toMatchObject({ code: 4003 });
    await primary.settled();
  });

  it('that its account has ended', async () => {
    await using cluster = await startCluster({ config });
    const [first, second] = pairOf(cluster);
    const alice = await register(first, '+14155550101');
    const stream = await open(second, alice);
    await stream.next('queueEmpty');
    cluster.time.advance(60_000);
    await turns();
    await register(first, '+14155550101');
    expect(await stream.closed).toMatchObject({ code: 4003 });
  });

  it('how many prekeys it has left', async () => {
    await using cluster = await startCluster({ config });
    const [first, second] = pairOf(cluster);
    const alice = await register(first, '+14155550101');
    const bob = await register(first, '+14155550102', (request, keys) => ({
      ...request,
      prekeys: makePrekeys(keys, 20),
    }));
    const stream = await open(second, bob);
    await stream.next('queueEmpty');
    expect(stream.kinds).not.toContain('prekeysLow');
    await call(first, 'GET', `/v1/users/${bob.keys.userId}/bundles`, { token: alice.token });
    expect(await stream.next('prekeysLow')).toMatchObject({ ecLeft: 19, kyberLeft: 19 });
    // Told once, until there were enough again: which it says at the first.
    const { prekeys, kyberPrekeys } = makePrekeys(bob.keys, 10, 100);
    const added = await call(first, 'PUT', '/v1/prekeys', { token: bob.token, body: { prekeys, kyberPrekeys } });
    expect(added.status).toBe(200);
    await turns();
    for (let taken = 0; taken < 5; taken++) {
      await call(first, 'GET', `/v1/users/${bob.keys.userId}/bundles`, { token: alice.token });
    }
    await turns();
    await stream.settled();
    expect(stream.kinds).not.toContain('prekeysLow');
  });

  it('that a refresh token of it was stolen; where nobody hears that, its stream ends within a minute', async () => {
    await using cluster = await startCluster({ config });
    const [first, second] = pairOf(cluster);
    for (const isHeard of [true, false]) {
      const alice = await register(first, isHeard ? '+14155550101' : '+14155550102');
      const stream = await open(second, alice);
      await stream.next('queueEmpty');
      if (!isHeard) cluster.engines.network.cut(first.name, second.name);
      expect((await refresh(first, alice.request.refreshToken, randomToken())).status).toBe(200);
      expect(await refusal(refresh(first, alice.request.refreshToken, randomToken()))).toMatchObject({
        code: 'token-reused',
      });
      if (!isHeard) cluster.time.advance(60_000);
      expect(await cluster.during(stream.closed)).toMatchObject({ code: isHeard ? 4003 : 1012 });
      expect(await refusal(call(second, 'GET', '/v1/devices', { token: alice.token }))).toMatchObject({ status: 401 });
    }
  });

  it('that the message for a new device has been left', async () => {
    await using cluster = await startCluster({ config });
    const [first, second] = pairOf(cluster);
    const alice = await register(first, '+14155550101');
    const link = await openLink(first);
    const { pending } = cluster.time;
    const waiting = poll(second, link);
    while (cluster.time.pending <= pending) await turns(1);
    const message = toBase64Url(randomBytes(700));
    expect((await leave(first, alice.token, link, message)).status).toBe(204);
    expect(await waiting).toMatchObject({ status: 200, body: { message } });
  });
});
