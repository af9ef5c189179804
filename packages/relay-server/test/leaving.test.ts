import { randomBytes } from 'node:crypto';
import { type RegistrationAnswer, toBase64Url } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import type { UserId } from '../src/ports/ids.ts';
import type { RelayStores } from '../src/ports/relay-stores.ts';
import { call, refusal, register, verify } from './raw-client.ts';
import { randomToken } from './raw-keys.ts';
import { listHashOf, recoveryOf } from './raw-proofs.ts';
import { startRelay, storeKinds } from './test-relay.ts';

const number = '+14155550101';
type Moment = () => Promise<unknown>;

/** Stores that let something happen once, right after a token was found valid or a blob was put. */
function interrupted(real: RelayStores, moments: { afterSession?: Moment; afterPut?: Moment }): RelayStores {
  const once = async (name: keyof typeof moments) => {
    const moment = moments[name];
    delete moments[name];
    await moment?.();
  };
  const { tokens, blobs } = real;
  return {
    ...real,
    tokens: {
      grant: (...given) => tokens.grant(...given),
      rotate: (...given) => tokens.rotate(...given),
      hasSession: (device) => tokens.hasSession(device),
      revoke: (...given) => tokens.revoke(...given),
      sweep: (...given) => tokens.sweep(...given),
      session: async (...given) => {
        const session = await tokens.session(...given);
        await once('afterSession');
        return session;
      },
    },
    blobs: {
      put: async (...given) => {
        await blobs.put(...given);
        await once('afterPut');
      },
      get: (key) => blobs.get(key),
      delete: (key) => blobs.delete(key),
    },
  };
}

describe.each(storeKinds)('who leaves, on %s stores', (kind) => {
  it.each(['afterSession', 'afterPut'] as const)('leaves no avatar, however late its bytes come (%s)', async (when) => {
    const moments: { afterSession?: Moment; afterPut?: Moment } = {};
    await using relay = await startRelay({ stores: kind, wrapStores: (real) => interrupted(real, moments) });
    const account = await register(relay, number);
    const { keys, token } = account;
    moments[when] = () =>
      relay.stores.control.end({
        userId: keys.userId as UserId,
        listHash: listHashOf(account),
        receipt: randomBytes(32),
        now: relay.time.now(),
      });
    const late = call(relay, 'PUT', '/v1/profile/avatar', { token, body: randomBytes(100) });
    expect(await refusal(late)).toMatchObject({ status: 401, code: 'token-invalid' });
    expect(await relay.stores.blobs.get(`avatars/${keys.userId}`)).toBe(undefined);
  });

  it('hears that its proof is worth nothing when another device has taken the account over meanwhile', async () => {
    const moments: { afterSession?: Moment } = {};
    await using relay = await startRelay({ stores: kind, wrapStores: (real) => interrupted(real, moments) });
    const account = await register(relay, number);
    relay.time.jump(60_000);
    const body = recoveryOf(account, await verify(relay, number));
    moments.afterSession = () => call(relay, 'POST', '/v1/registrations', { body });
    const late = call(relay, 'POST', '/v1/account/deletion', {
      token: account.token,
      body: { proof: randomToken(64) },
    });
    expect(await refusal(late)).toMatchObject({ status: 403, code: 'proof-invalid' });
  });

  it('writes no profile over that of a recovered account', async () => {
    const moments: { afterSession?: Moment } = {};
    await using relay = await startRelay({ stores: kind, wrapStores: (real) => interrupted(real, moments) });
    const account = await register(relay, number);
    const { token, keys } = account;
    relay.time.jump(60_000);
    const body = recoveryOf(account, await verify(relay, number));
    moments.afterSession = () => call(relay, 'POST', '/v1/registrations', { body });
    const late = call(relay, 'PUT', '/v1/profile', { token, body: { profile: randomToken(100) } });
    expect(await refusal(late)).toMatchObject({ status: 401, code: 'token-invalid' });
    const profile = await relay.stores.accounts.profile(keys.userId as UserId);
    expect(toBase64Url(profile ?? new Uint8Array())).toBe(body.profile);
  });

  it('has its picture taken away by a recovery, also when the relay stopped in between', async () => {
    await using relay = await startRelay({ stores: kind });
    const account = await register(relay, number);
    const { userId } = account.keys;
    relay.time.jump(60_000);
    const body = recoveryOf(account, await verify(relay, number));
    const recover = () => call<RegistrationAnswer>(relay, 'POST', '/v1/registrations', { body });
    for (let time = 0; time < 2; time++) {
      await relay.stores.blobs.put(`avatars/${userId}`, randomBytes(10));
      expect((await recover()).status).toBe(200);
      expect(await relay.stores.blobs.get(`avatars/${userId}`)).toBe(undefined);
    }
  });
});
