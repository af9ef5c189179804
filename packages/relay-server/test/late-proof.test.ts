import { randomBytes } from 'node:crypto';
import { type AccountAnswer, fromBase64Url, type RegistrationAnswer } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import type { AccountControl } from '../src/ports/account-control.ts';
import type { UserId } from '../src/ports/ids.ts';
import { call, type RawAccount, refusal, register, verify } from './raw-client.ts';
import { randomToken } from './raw-keys.ts';
import { accountProof, recoveryOf } from './raw-proofs.ts';
import { startRelay, storeKinds, type TestRelay } from './test-relay.ts';

const number = '+14155550101';
const otherNumber = '+14155550102';
type Moment = { happens?: (() => Promise<unknown>) | undefined };

/** Lets something happen once, after a proof was found good and before what it is for is written. */
function interrupted(control: AccountControl, moment: Moment): AccountControl {
  const once = async () => {
    const { happens } = moment;
    moment.happens = undefined;
    await happens?.();
  };
  return {
    standing: (userId) => control.standing(userId),
    hasEnded: (receipt) => control.hasEnded(receipt),
    remains: () => control.remains(),
    swept: (userIds) => control.swept(userIds),
    putLock: async (change) => {
      await once();
      return control.putLock(change);
    },
    moveNumber: async (move) => {
      await once();
      return control.moveNumber(move);
    },
    end: async (ending) => {
      await once();
      return control.end(ending);
    },
  };
}

const asks = {
  async delete(relay: TestRelay, account: RawAccount) {
    const proof = accountProof(account, 'delete', new Uint8Array());
    return () => call(relay, 'POST', '/v1/account/deletion', { token: account.token, body: { proof } });
  },
  async number(relay: TestRelay, account: RawAccount) {
    const { verificationId, code } = await verify(relay, otherNumber);
    const body = { verificationId, code, proof: accountProof(account, 'number', Buffer.from(verificationId)) };
    return () => call(relay, 'POST', '/v1/account/number', { token: account.token, body });
  },
  async lock(relay: TestRelay, account: RawAccount) {
    const lock = { salt: randomToken(), secret: randomToken() };
    const subject = Buffer.concat([fromBase64Url(lock.salt), fromBase64Url(lock.secret)]);
    const body = { lock, proof: accountProof(account, 'lock', subject) };
    return () => call(relay, 'PUT', '/v1/account/lock', { token: account.token, body });
  },
};

describe.each(storeKinds)('the old phone of an account that is recovered meanwhile, on %s stores', (kind) => {
  it.each([
    ['ends no account  [security: leaving]', 'delete'],
    ['moves it to no other number  [security: sim-swap]', 'number'],
    ['sets no lock on it  [security: sim-swap]', 'lock'],
  ] as const)('%s', async (_name, purpose) => {
    const moment: Moment = {};
    await using relay = await startRelay({
      stores: kind,
      wrapStores: (real) => ({ ...real, control: interrupted(real.control, moment) }),
    });
    const account = await register(relay, number);
    const { userId } = account.keys;
    relay.time.jump(60_000);
    const body = recoveryOf(account, await verify(relay, number));
    const ask = await asks[purpose](relay, account);
    const avatar = randomBytes(10);
    let token = '';
    moment.happens = async () => {
      const recovered = await call<RegistrationAnswer>(relay, 'POST', '/v1/registrations', { body });
      token = recovered.body.accessToken;
      await relay.stores.blobs.put(`avatars/${userId}`, avatar);
    };
    expect(await refusal(ask())).toMatchObject({ status: 403, code: 'proof-invalid' });
    const now = await call<AccountAnswer>(relay, 'GET', '/v1/account', { token });
    expect(now.body).toEqual({ userId, deviceId: 2, number, locked: false });
    expect(await relay.stores.control.remains()).toEqual([]);
    // Nobody was told that the account has ended: what it has got since is there.
    expect(await relay.stores.blobs.get(`avatars/${userId as UserId}`)).toEqual(avatar);
  });
});
