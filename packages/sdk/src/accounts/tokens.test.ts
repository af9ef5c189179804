import { describe, expect, it } from 'vitest';
import { accountClient } from '../../test/account-client.ts';
import { refusal } from '../../test/scripted-relay.ts';

const day = 86_400_000;

async function registered() {
  const client = await accountClient();
  await client.register();
  client.steps.splice(0);
  return client;
}

describe('Tokens', () => {
  it('give the token in use until it runs out, then a new one, asked for once', async () => {
    await using client = await registered();
    const first = client.service.access;
    expect(await client.tokens.accessToken()).toBe(first);
    client.clock.advance(3_600_000);
    const tokens = await Promise.all([1, 2, 3].map(() => client.tokens.accessToken()));
    expect(new Set(tokens)).toEqual(new Set([client.service.access]));
    expect(tokens[0]).not.toBe(first);
    expect(client.service.tokenRequests).toHaveLength(1);
    expect(client.steps).toEqual(['token.next-committed', 'token.answered', 'token.committed']);
    expect((await client.account())?.nextRefreshToken).toBeUndefined();
  });

  it('go along the chain, one after another', async () => {
    await using client = await registered();
    for (let turn = 0; turn < 3; turn++) {
      await client.tokens.replace(await client.tokens.accessToken());
      expect(await client.tokens.accessToken()).toBe(client.service.access);
    }
    const [first, second, third] = client.service.tokenRequests;
    expect(second?.refreshToken).toBe(first?.nextRefreshToken);
    expect(third?.refreshToken).toBe(second?.nextRefreshToken);
  });

  it('commit the next one before they ask, and repeat the pair after a crash or a lost answer', async () => {
    let client = await registered();
    client.service.lose = () => 'cut';
    await expect(client.tokens.replace(client.service.access)).rejects.toMatchObject({ code: 'relay-unreachable' });
    client.service.lose = undefined;
    client = await client.restart();
    await client.account();
    client.clock.advance(day);
    expect(await client.tokens.accessToken()).toBe(client.service.access);
    const [first, second] = client.service.tokenRequests;
    expect(second).toEqual(first);
    await client[Symbol.asyncDispose]();
  });

  it('go on from the next one when the relay took it, the answer was lost, and the one before is forgotten', async () => {
    await using client = await registered();
    const { service } = client;
    service.lose = () => 'cut';
    await expect(client.tokens.replace(service.access)).rejects.toMatchObject({ code: 'relay-unreachable' });
    service.lose = undefined;
    const [first] = service.tokenRequests;
    service.forgotten = first?.refreshToken;
    client.clock.advance(70 * day);
    expect(await client.tokens.accessToken()).toBe(service.access);
    expect(service.tokenRequests.at(-1)?.refreshToken).toBe(first?.nextRefreshToken);
    expect((await client.account())?.ended).toBe(false);
  });

  it('repeat the pair when the answer could not be committed', async () => {
    await using client = await registered();
    const full = new Error('the disk is full');
    client.service.lose = () => {
      client.store.failNextCommit(full);
      client.service.lose = undefined;
      return undefined;
    };
    await expect(client.tokens.replace(client.service.access)).rejects.toBe(full);
    const account = await client.account();
    await client.tokens.replace(account?.accessToken ?? '');
    const [first, second] = client.service.tokenRequests;
    expect(second).toEqual(first);
  });

  it('ask for nothing that could not be committed before', async () => {
    await using client = await registered();
    client.store.failNextCommit(new Error('the disk is full'));
    await expect(client.tokens.replace(client.service.access)).rejects.toThrow('full');
    expect(client.service.tokenRequests).toEqual([]);
  });

  it('work with a clock that is off by a day, either way', async () => {
    await using client = await registered();
    client.clock.advance(-day);
    expect(await client.tokens.accessToken()).toBe(client.service.access);
    client.service.expireAccess();
    await client.profiles.set({ username: 'Alicia' });
    client.clock.advance(2 * day);
    await client.profiles.set({ username: 'Alice' });
    expect(client.service.profiles).toHaveLength(2);
    expect(client.service.tokenRequests).toHaveLength(2);
  });

  it('replace only the token that was refused', async () => {
    await using client = await registered();
    expect(await client.tokens.replace('an older one')).toBe(client.service.access);
    expect(client.service.tokenRequests).toEqual([]);
  });

  it.each([
    ['token-invalid', undefined, 'linkDevice() again if it was linked'],
    ['token-reused', 'token-reused', 'use one copy only'],
    ['device-revoked', 'device-revoked', 'call linkDevice() to come back in'],
    ['account-replaced', 'account-replaced', 'call register() to take the number back'],
    ['account-deleted', 'account-deleted', 'call register() to make another one'],
  ])('end the session when the relay says %s, and say what to do from then on', async (code, endReason, advice) => {
    let client = await registered();
    client.service.lose = ({ path }) => (path === '/v1/tokens' ? refusal(401, code) : undefined);
    const ended = { code: 'session-ended', endReason, message: expect.stringContaining(advice) };
    await expect(client.tokens.replace(client.service.access)).rejects.toMatchObject(ended);
    expect(await client.account()).toMatchObject({ ended: true });
    await expect(client.tokens.accessToken()).rejects.toMatchObject(ended);
    expect(client.service.tokenRequests).toHaveLength(1);
    client = await client.restart();
    await expect(client.tokens.accessToken()).rejects.toMatchObject(ended);
    await client[Symbol.asyncDispose]();
  });

  it('tell who has no account, and stop in the middle', async () => {
    await using none = await accountClient();
    await expect(none.tokens.accessToken()).rejects.toMatchObject({ code: 'not-registered' });
    await using client = await registered();
    client.service.lose = () => 'hang';
    const waiting = client.tokens.replace(client.service.access).catch((error: unknown) => error);
    await client.tokens.stop();
    await expect(waiting).resolves.toMatchObject({ code: 'client-stopped' });
  });
});
