import { describe, expect, it } from 'vitest';
import { IdentityKeyPair } from '#libsignal';
import { accountClient } from '../../test/account-client.ts';
import { refusal } from '../../test/scripted-relay.ts';
import { meetDevice, sha256, startSession, testDevice } from '../../test/test-device.ts';
import { openChat } from '../chats/chat-state.ts';
import { asBuffer } from '../crypto/as-buffer.ts';
import type { SottoError } from '../sotto-error.ts';
import { Deletion } from './deletion.ts';

const day = 86_400_000;

async function registered() {
  const client = await accountClient();
  await client.register();
  return client;
}

type AccountClient = Awaited<ReturnType<typeof registered>>;

/** The account is over, and nothing secret of it is left. */
async function expectDeleted({ account, store, steps }: AccountClient): Promise<void> {
  const after = await account();
  if (after === undefined) throw new Error('no record');
  const { identityKeyPair, devicePrivateKey, rootSecret, profileKey, refreshToken } = after;
  for (const secret of [identityKeyPair, devicePrivateKey, rootSecret, profileKey, refreshToken]) {
    expect(secret?.every((byte) => byte === 0)).toBe(true);
  }
  const { nextRefreshToken, accessToken, ended, deletion } = after;
  expect([nextRefreshToken, accessToken, ended, deletion]).toEqual([undefined, '', true, undefined]);
  expect(await store.prekeys()).toEqual([]);
  expect(steps.at(-1)).toBe('deletion.committed');
}

async function toldDeleted({ store }: AccountClient): Promise<number> {
  return (await deletions({ store })).length;
}

/** For each time that it was told whether the relay had confirmed it. */
async function deletions({ store }: Pick<AccountClient, 'store'>): Promise<(boolean | undefined)[]> {
  const events = await store.events(0, 1_000);
  return events.flatMap(({ fact }) => (fact.type === 'account.deleted' ? [fact.confirmed] : []));
}

/** In which fields of which records, of all kinds, a secret stands. */
function placesOf(secret: Uint8Array | string, { disk }: Pick<AccountClient, 'disk'>): string[] {
  const forms =
    typeof secret === 'string' ? [secret] : ['latin1', 'base64url', 'hex'].map((form) => textOf(secret, form));
  return Object.entries(disk.tables).flatMap(([kind, table]) =>
    [...table.values()].flatMap((record) =>
      Object.entries(record)
        .filter(([, value]) => forms.some((form) => everythingIn(value).includes(form)))
        .map(([field]) => `${kind}.${field}`),
    ),
  );
}

function textOf(bytes: Uint8Array, form: string): string {
  return Buffer.from(bytes).toString(form as BufferEncoding);
}

function everythingIn(value: unknown): string {
  if (value instanceof Uint8Array) return textOf(value, 'latin1');
  if (typeof value === 'object' && value !== null) return Object.values(value).map(everythingIn).join('|');
  return String(value);
}

/** What nobody but this device may know. */
async function secretsOf({ account, store }: AccountClient): Promise<(Uint8Array | string)[]> {
  const own = await account();
  if (own?.rootSecret === undefined) throw new Error('no account with a root secret');
  const { devicePrivateKey, rootSecret, profileKey, refreshToken, accessToken } = own;
  const identity = IdentityKeyPair.deserialize(asBuffer(own.identityKeyPair)).privateKey.serialize();
  const prekeys = (await store.prekeys()).map(({ record }) => record);
  return [identity, devicePrivateKey, rootSecret, profileKey, refreshToken, accessToken, ...prekeys.slice(0, 3)];
}

describe('deletion', () => {
  it('leaves no secret of the account in the store  [security: leaving]', async () => {
    await using client = await registered();
    const secrets = await secretsOf(client);
    // The control: each is found while the account lasts.
    for (const secret of secrets) expect(placesOf(secret, client)).not.toEqual([]);
    await client.deletion.begin();
    expect(await client.deletion.finish()).toBe(undefined);
    await expectDeleted(client);
    expect(secrets.flatMap((secret) => placesOf(secret, client))).toEqual([]);
    expect(await deletions(client)).toEqual([true]);
    expect(await client.deletion.finish()).toBe(undefined);
    expect(client.service.proofs).toHaveLength(1);
    await expect(client.deletion.begin()).rejects.toMatchObject({ code: 'session-ended' });
  });

  it.each([
    ['deletion', async ({ deletion }: AccountClient) => void (await deletion.begin().then(() => deletion.finish()))],
    [
      'an end by the relay',
      async ({ service, tokens, account }: AccountClient) => {
        service.endSession();
        const { accessToken } = (await account()) ?? {};
        await expect(tokens.replace(accessToken ?? '')).rejects.toMatchObject({ code: 'session-ended' });
      },
    ],
  ])('leaves no former identity key after %s  [security: leaving]', async (_, end) => {
    await using client = await registered();
    const pair = IdentityKeyPair.generate();
    const former = { identityKeyPair: pair.serialize(), replacedAt: client.clock.now() };
    await client.executor.run(['account'], async (overlay) => {
      const own = await overlay.get('account', {});
      if (own) overlay.put('account', { ...own, formerIdentities: [former] });
    });
    const secret = pair.privateKey.serialize();
    expect(placesOf(secret, client)).not.toEqual([]);
    await end(client);
    expect((await client.account())?.ended).toBe(true);
    expect(placesOf(secret, client)).toEqual([]);
  });

  it('leaves no session', async () => {
    const [alice, bob] = [await testDevice(), await testDevice()];
    await meetDevice(alice, bob);
    await startSession(alice, bob);
    const { userId, deviceId } = bob.account;
    await alice.executor.run([], (overlay) => openChat(overlay, userId, 1).then(() => undefined));
    expect(await alice.store.get('session', { userId, deviceId })).toBeDefined();
    const { executor, store } = alice;
    const http = { ask: async () => undefined as never };
    const tokens = { accessToken: async () => '', replace: async () => '' };
    const tracer = { reached: () => undefined };
    const leaveGroups = async () => undefined;
    const deletion = new Deletion({ executor, queries: store, http, tokens, sha256, tracer, leaveGroups });
    await deletion.begin();
    await deletion.finish();
    expect(await store.get('session', { userId, deviceId })).toBe(undefined);
  });

  it('is finished after a crash whose answer was lost, with the same proof, and told once  [security: leaving]', async () => {
    let client = await registered();
    const { service } = client;
    await client.deletion.begin();
    service.lose = () => 'cut';
    await expect(client.deletion.finish()).rejects.toMatchObject({ code: 'relay-unreachable', retryable: true });
    service.lose = undefined;
    client = await client.restart();
    client.clock.advance(day);
    expect(await client.deletion.finish()).toBe(undefined);
    await expectDeleted(client);
    expect(await toldDeleted(client)).toBe(1);
    expect(new Set(service.proofs).size).toBe(1);
    expect(service.tokenRequests).toEqual([]);
    await client[Symbol.asyncDispose]();
  });

  it('is finished after the answer could not be committed  [security: leaving]', async () => {
    let client = await registered();
    const { service, store } = client;
    const full = new Error('the disk is full');
    await client.deletion.begin();
    service.lose = () => {
      store.failNextCommit(full);
      return undefined;
    };
    await expect(client.deletion.finish()).rejects.toBe(full);
    service.lose = undefined;
    client = await client.restart();
    expect(await client.deletion.finish()).toBe(undefined);
    await expectDeleted(client);
    expect(new Set(service.proofs).size).toBe(1);
    await client[Symbol.asyncDispose]();
  });

  it('is finished although the session was found to have ended with it  [security: leaving]', async () => {
    await using client = await registered();
    const { service } = client;
    await client.deletion.begin();
    service.lose = () => 'cut';
    await expect(client.deletion.finish()).rejects.toMatchObject({ code: 'relay-unreachable' });
    service.lose = undefined;
    const { accessToken } = (await client.account()) ?? {};
    await expect(client.tokens.replace(accessToken ?? '')).rejects.toMatchObject({ code: 'session-ended' });
    expect((await client.account())?.ended).toBe(true);
    await client.deletion.begin();
    expect(await client.deletion.finish()).toBe(undefined);
    await expectDeleted(client);
  });

  it('that another one finished meanwhile is no failure', async () => {
    await using client = await registered();
    await client.deletion.begin();
    client.service.lose = () => {
      client.service.lose = undefined;
      return 'hang';
    };
    const ending = new AbortController();
    const first = client.deletion.finish({ signal: ending.signal });
    await expect.poll(() => client.service.proofs).toHaveLength(1);
    await client.deletion.finish();
    ending.abort();
    expect(await first).toBe(undefined);
    expect(await toldDeleted(client)).toBe(1);
  });

  it('asks for nothing that could not be committed before', async () => {
    await using client = await registered();
    client.store.failNextCommit(new Error('the disk is full'));
    await expect(client.deletion.begin()).rejects.toThrow('full');
    expect(await client.deletion.finish()).toBe(undefined);
    expect(client.service.proofs).toEqual([]);
  });

  it('asks again with a new token when the one it had has run out', async () => {
    await using client = await registered();
    client.service.expireAccess();
    await client.deletion.begin();
    expect(await client.deletion.finish()).toBe(undefined);
    await expectDeleted(client);
    expect(client.service.tokenRequests).toHaveLength(1);
  });

  it('takes an account that ended while it was asked for as gone', async () => {
    await using client = await registered();
    await client.deletion.begin();
    client.service.lose = () => refusal(404, 'user-unknown');
    expect(await client.deletion.finish()).toBe(undefined);
    await expectDeleted(client);
  });

  it('of an account that the relay took from this device before is one of this device alone, and is not said to be one at the relay  [security: leaving]', async () => {
    await using client = await registered();
    const secrets = await secretsOf(client);
    client.service.endSession();
    await client.deletion.begin();
    const [one, other] = await Promise.all([client.deletion.finish(), client.deletion.finish()]);
    for (const why of [one, other]) expect(why).toMatchObject({ code: 'session-ended', retryable: false });
    await expectDeleted(client);
    expect(secrets.flatMap((secret) => placesOf(secret, client))).toEqual([]);
    expect(await deletions(client)).toEqual([false]);
  });

  it.each(['before', 'after'])(
    'takes along prekeys that were asked for right %s it  [security: leaving]',
    async (order) => {
      await using client = await registered();
      const { executor, service, store, maintenance, deletion } = client;
      service.left = { ec: 0, kyber: 0 };
      await deletion.begin();
      const run = executor.run.bind(executor);
      let goOn = (): void => undefined;
      const planned = new Promise<void>((resolve) => {
        executor.run = async (locks, operation, options) => {
          if (options?.after === 'prekeys.committed') {
            await new Promise<void>((go) => {
              goOn = go;
              resolve();
            });
            return run(locks, operation, options);
          }
          if (options?.after !== 'deletion.committed') return run(locks, operation, options);
          // In one turn, as behind the commit of a slow disk: without more they would be one batch.
          if (order === 'before') goOn();
          await Promise.resolve();
          const ended = run(locks, operation, options);
          if (order === 'after') goOn();
          return ended;
        };
      });
      const pass = maintenance.pass().then(
        () => 'done',
        (error: SottoError) => error.code,
      );
      await planned;
      expect(await deletion.finish()).toBe(undefined);
      expect(await pass).toBe('session-ended');
      expect((await client.account())?.ended).toBe(true);
      expect(await store.prekeys()).toEqual([]);
    },
  );

  it('that the relay does not take leaves the account as it was', async () => {
    await using client = await registered();
    const before = await client.account();
    await client.deletion.begin();
    client.service.lose = () => refusal(403, 'proof-invalid');
    expect(await client.deletion.finish()).toMatchObject({ relayCode: 'proof-invalid' });
    expect(await client.account()).toEqual(before);
  });

  it('that the relay has no way to do leaves the account as it was: an older one  [security: leaving]', async () => {
    await using client = await registered();
    const before = await client.account();
    await client.deletion.begin();
    client.service.lose = ({ path }) => (path === '/v1/account/deletion' ? refusal(404, 'not-found') : undefined);
    expect(await client.deletion.finish()).toMatchObject({ relayCode: 'not-found', retryable: false });
    expect(await client.account()).toEqual(before);
    expect(await deletions(client)).toEqual([]);
  });

  it('goes on when the relay says that it can not do it now', async () => {
    await using client = await registered();
    await client.deletion.begin();
    client.service.lose = () => refusal(503, 'unavailable', { retryable: true });
    await expect(client.deletion.finish()).rejects.toMatchObject({ retryable: true });
    client.service.lose = undefined;
    expect(await client.deletion.finish()).toBe(undefined);
    await expectDeleted(client);
  });

  it('needs an account', async () => {
    await using client = await accountClient();
    await expect(client.deletion.begin()).rejects.toMatchObject({ code: 'not-registered' });
  });
});
