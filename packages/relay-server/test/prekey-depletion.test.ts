import type { BundlesAnswer } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { call, refusal, register } from './raw-client.ts';
import { makePrekeys } from './raw-keys.ts';
import { startRelay, storeKinds, type TestRelay } from './test-relay.ts';

const take = (relay: TestRelay, token: string, userId: string) =>
  call<BundlesAnswer>(relay, 'GET', `/v1/users/${userId}/bundles`, { token });
const generous = { burst: 1_000, refillMs: 1 };

describe.each(storeKinds)('taking key bundles on %s stores [security: prekey-depletion]', (stores) => {
  it('one requester has six of one account, then one in ten minutes', async () => {
    await using relay = await startRelay({ stores });
    const [alice, bob, carol] = [
      await register(relay, '+14155550101'),
      await register(relay, '+14155550102'),
      await register(relay, '+14155550103'),
    ];
    for (let taken = 0; taken < 6; taken++) expect((await take(relay, alice.token, bob.keys.userId)).status).toBe(200);
    expect(await refusal(take(relay, alice.token, bob.keys.userId))).toMatchObject({
      status: 429,
      code: 'rate-limited',
      retryAfterMs: 600_000,
    });
    expect((await take(relay, alice.token, carol.keys.userId)).status).toBe(200);
    expect((await take(relay, carol.token, bob.keys.userId)).status).toBe(200);
    relay.time.jump(600_000);
    expect((await take(relay, alice.token, bob.keys.userId)).status).toBe(200);
  });

  it('all requesters together have only so many of one account', async () => {
    await using relay = await startRelay({
      stores,
      config: { limits: { bundlesPerTarget: { burst: 2, refillMs: 9_000 } } },
    });
    const [alice, bob, carol] = [
      await register(relay, '+14155550101'),
      await register(relay, '+14155550102'),
      await register(relay, '+14155550103'),
    ];
    expect((await take(relay, alice.token, bob.keys.userId)).status).toBe(200);
    expect((await take(relay, carol.token, bob.keys.userId)).status).toBe(200);
    expect(await refusal(take(relay, carol.token, bob.keys.userId))).toMatchObject({
      status: 429,
      retryAfterMs: 9_000,
    });
  });

  it('two hundred at once: no key twice, and bundles without one-time keys are whole', async () => {
    const limits = { bundlesPerPair: generous, bundlesPerTarget: generous, requestsPerAddress: generous };
    await using relay = await startRelay({ stores, config: { limits } });
    const alice = await register(relay, '+14155550101');
    const bob = await register(relay, '+14155550102', (request, keys) => ({
      ...request,
      prekeys: makePrekeys(keys, 50),
    }));
    const answers = await Promise.all(Array.from({ length: 200 }, () => take(relay, alice.token, bob.keys.userId)));
    const bundles = answers.flatMap(({ body }) => body.bundles);
    expect(bundles).toHaveLength(200);
    const lastResort = bob.request.prekeys.lastResortKyberPrekey.id;
    const ec = bundles.flatMap(({ prekey }) => (prekey === undefined ? [] : [prekey.id]));
    const kyber = bundles.map(({ kyberPrekey }) => kyberPrekey.id).filter((id) => id !== lastResort);
    expect([ec.length, new Set(ec).size, kyber.length, new Set(kyber).size]).toEqual([50, 50, 50, 50]);
    const signed = bob.request.prekeys.signedPrekey;
    const standing = bob.request.prekeys.lastResortKyberPrekey;
    for (const bundle of bundles.filter(({ prekey }) => prekey === undefined)) {
      expect(bundle.signedPrekey).toEqual(signed);
      expect(bundle.kyberPrekey).toEqual(standing);
    }
  });
});
