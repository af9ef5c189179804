import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { UserId } from '../src/ports/ids.ts';
import type { RelayStores } from '../src/ports/relay-stores.ts';
import { RelayError } from '../src/relay-error.ts';
import { call, type RawAccount, refusal, register } from './raw-client.ts';
import { randomToken } from './raw-keys.ts';
import { accountProof, listHashOf } from './raw-proofs.ts';
import { startRelay, storeKinds, type TestRelay } from './test-relay.ts';

const number = '+14155550101';
const minute = 60_000;

const proofOf = (account: RawAccount) => accountProof(account, 'delete', new Uint8Array());

function end(relay: TestRelay, token: string, proof: string) {
  return call(relay, 'POST', '/v1/account/deletion', { token, body: { proof } });
}

/** Blobs of a store that is away. */
function withoutDeletes(real: RelayStores): RelayStores {
  const { blobs } = real;
  return {
    ...real,
    blobs: {
      put: (...given) => blobs.put(...given),
      get: (key) => blobs.get(key),
      delete: async () => {
        throw new RelayError('store-unavailable', 'away', { retryable: true });
      },
    },
  };
}

describe.each(storeKinds)('the end of an account, on %s stores', (kind) => {
  it('is answered the same when the same proof comes again, with a token that ended with it  [security: leaving]', async () => {
    await using relay = await startRelay({ stores: kind });
    const account = await register(relay, number);
    const proof = proofOf(account);
    const [first, second] = await Promise.all([end(relay, account.token, proof), end(relay, account.token, proof)]);
    expect([first.status, second.status]).toEqual([204, 204]);
    expect((await end(relay, account.token, proof)).status).toBe(204);
    expect((await end(relay, randomToken(), proof)).status).toBe(204);
  });

  it('is told to nobody who did not ask for it: any other proof is as a token that was never given  [security: leaving]', async () => {
    await using relay = await startRelay({ stores: kind });
    const [gone, there] = [await register(relay, number), await register(relay, '+14155550102')];
    await end(relay, gone.token, proofOf(gone));
    const unknown = await refusal(end(relay, randomToken(), randomToken(64)));
    expect(unknown).toMatchObject({ status: 401, code: 'token-invalid' });
    // Signed anew by the right key, it is another proof.
    for (const proof of [proofOf(gone), randomToken(64)]) {
      expect(await refusal(end(relay, gone.token, proof))).toEqual(unknown);
    }
    expect(await refusal(end(relay, randomToken(), proofOf(there)))).toEqual(unknown);
    expect(await refusal(end(relay, there.token, randomToken(64)))).toMatchObject({ code: 'proof-invalid' });
    const { url } = relay;
    const bare = await fetch(`${url}/v1/account/deletion`, { method: 'POST' });
    expect(bare.status).toBe(401);
  });

  it('takes the avatar with it once the blobs can be reached again  [security: leaving]', async () => {
    let isAway = true;
    await using relay = await startRelay({
      stores: kind,
      wrapStores: (real) => {
        const away = withoutDeletes(real);
        return { ...away, blobs: { ...away.blobs, delete: (key) => (isAway ? away : real).blobs.delete(key) } };
      },
    });
    const account = await register(relay, number);
    const { token } = account;
    const key = `avatars/${account.keys.userId}`;
    await call(relay, 'PUT', '/v1/profile/avatar', { token, body: randomBytes(100) });
    expect((await end(relay, token, proofOf(account))).status).toBe(204);
    expect(await relay.stores.blobs.get(key)).not.toBe(undefined);
    isAway = false;
    relay.time.advance(minute);
    await expect.poll(() => relay.stores.blobs.get(key)).toBe(undefined);
    // Until no upload can be under way any more it stays written down whose avatar it was.
    expect(await relay.stores.control.remains()).toMatchObject([{ userId: account.keys.userId }]);
    await relay.stores.blobs.put(key, randomBytes(10));
    for (let passed = 0; passed < 10; passed++) relay.time.advance(minute);
    await expect.poll(() => relay.stores.control.remains()).toEqual([]);
    expect(await relay.stores.blobs.get(key)).toBe(undefined);
  });
});

it('a relay that was cut off between the end of an account and that of its avatar deletes it when it starts again  [security: leaving]', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-relay-'));
  try {
    let key = '';
    {
      await using relay = await startRelay({ stores: 'embedded', folder });
      const account = await register(relay, number);
      const { keys, token } = account;
      key = `avatars/${keys.userId}`;
      await call(relay, 'PUT', '/v1/profile/avatar', { token, body: randomBytes(100) });
      const ending = {
        userId: keys.userId as UserId,
        listHash: listHashOf(account),
        receipt: randomBytes(32),
        now: relay.time.now(),
      };
      expect(await relay.stores.control.end(ending)).toBe('ended');
    }
    await using again = await startRelay({ stores: 'embedded', folder });
    await expect.poll(() => again.stores.blobs.get(key)).toBe(undefined);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
