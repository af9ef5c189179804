import {
  type AccountAnswer,
  type AccountPurpose,
  fromBase64Url,
  signedBytesOfAccountProof,
  toBase64Url,
} from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { call, type RawAccount, refusal, register, verify } from './raw-client.ts';
import { familyOf, grown, hashOfList, type RawFamily } from './raw-devices.ts';
import { randomToken } from './raw-keys.ts';
import { startRelay, storeKinds, type TestRelay } from './test-relay.ts';

/** What a device of an account signs over its list as it is. */
function proofBy({ keys }: RawAccount, family: RawFamily, purpose: AccountPurpose, subject: Uint8Array): string {
  const message = signedBytesOfAccountProof(purpose, keys.userId, hashOfList(family.list), subject);
  return toBase64Url(keys.device.sign(new Uint8Array(message)));
}

/** Does with the account what its owner may, as one of its devices. */
async function asks(relay: TestRelay, by: RawAccount, family: RawFamily, purpose: AccountPurpose) {
  const { token } = by;
  if (purpose === 'lock') {
    const lock = { salt: randomToken(), secret: randomToken() };
    const subject = Buffer.concat([fromBase64Url(lock.salt), fromBase64Url(lock.secret)]);
    return call(relay, 'PUT', '/v1/account/lock', {
      token,
      body: { lock, proof: proofBy(by, family, purpose, subject) },
    });
  }
  if (purpose === 'number') {
    const { verificationId, code } = await verify(relay, '+14155550109');
    const proof = proofBy(by, family, purpose, Buffer.from(verificationId));
    return call(relay, 'POST', '/v1/account/number', { token, body: { verificationId, code, proof } });
  }
  const proof = proofBy(by, family, purpose, new Uint8Array());
  return call(relay, 'POST', '/v1/account/deletion', { token, body: { proof } });
}

describe.each(storeKinds)('what is done with a whole account, on %s stores', (stores) => {
  it.each([
    ['set no lock on it  [security: sim-swap]', 'lock'],
    ['move it to no other number  [security: sim-swap]', 'number'],
    ['not end it  [security: leaving]', 'delete'],
  ] as const)('is the primary device alone to do: a linked one can %s', async (_, purpose) => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const { family, device } = await grown(relay, familyOf(alice));
    expect(await refusal(asks(relay, device, family, purpose))).toMatchObject({
      status: 403,
      code: 'proof-invalid',
    });
    const { body } = await call<AccountAnswer>(relay, 'GET', '/v1/account', { token: alice.token });
    expect(body).toMatchObject({ number: '+14155550101', locked: false });
    // Codes for one number don't follow each other at once.
    relay.time.jump(60_000);
    expect((await asks(relay, alice, family, purpose)).status).toBe(204);
  });
});
