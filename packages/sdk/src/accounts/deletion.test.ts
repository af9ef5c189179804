import { describe, expect, it } from 'vitest';
import { accountClient } from '../../test/account-client.ts';
import { refusal } from '../../test/scripted-relay.ts';
import { meetDevice, sha256, startSession, testDevice } from '../../test/test-device.ts';
import { openChat } from '../chats/chat-state.ts';
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
    expect(secret.every((byte) => byte === 0)).toBe(true);
  }
  const { nextRefreshToken, accessToken, ended, deletion } = after;
  expect([nextRefreshToken, accessToken, ended, deletion]).toEqual([undefined, '', true, undefined]);
  expect(await store.prekeys()).toEqual([]);
  expect(steps.at(-1)).toBe('deletion.committed');
}

async function toldDeleted({ store }: AccountClient): Promise<number> {
  const events = await store.events(0, 1_000);
  return events.filter(({ fact }) => fact.type === 'account.deleted').length;
}

describe('deletion', () => {
  it('leaves no secret of the account in the store  [security: leaving]', async () => {
    await using client = await registered();
    await client.deletion.begin();
    expect(await client.deletion.finish()).toBe(undefined);
    await expectDeleted(client);
    expect(await toldDeleted(client)).toBe(1);
    expect(await client.deletion.finish()).toBe(undefined);
    expect(client.service.proofs).toHaveLength(1);
    await expect(client.deletion.begin()).rejects.toMatchObject({ code: 'session-ended' });
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
    const deletion = new Deletion({ executor, queries: store, http, tokens, sha256, tracer });
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

  it('does not call an account deleted that the relay knows nothing of having deleted  [security: leaving]', async () => {
    await using client = await registered();
    client.service.endSession();
    await client.deletion.begin();
    expect(await client.deletion.finish()).toMatchObject({ code: 'session-ended' });
    const account = await client.account();
    expect([account?.ended, account?.deletion]).toEqual([true, undefined]);
    expect(account?.rootSecret.some((byte) => byte !== 0)).toBe(true);
    expect(await toldDeleted(client)).toBe(0);
  });

  it('that the relay does not take leaves the account as it was', async () => {
    await using client = await registered();
    const before = await client.account();
    await client.deletion.begin();
    client.service.lose = () => refusal(403, 'proof-invalid');
    expect(await client.deletion.finish()).toMatchObject({ relayCode: 'proof-invalid' });
    expect(await client.account()).toEqual(before);
  });

  it('needs an account', async () => {
    await using client = await accountClient();
    await expect(client.deletion.begin()).rejects.toMatchObject({ code: 'not-registered' });
  });
});
