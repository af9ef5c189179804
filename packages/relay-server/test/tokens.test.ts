import { randomBytes } from 'node:crypto';
import type { StreamTicketAnswer, TokenAnswer } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { call, connect, refusal, refusedUpgrade, register, ticketProtocols } from './raw-client.ts';
import { randomToken } from './raw-keys.ts';
import { startRelay, storeKinds, type TestRelay } from './test-relay.ts';

const refresh = (relay: TestRelay, refreshToken: string, nextRefreshToken: string) =>
  call<TokenAnswer>(relay, 'POST', '/v1/tokens', { body: { refreshToken, nextRefreshToken } });
const prekeys = (relay: TestRelay, token: string) => call(relay, 'GET', '/v1/prekeys', { token });

describe.each(storeKinds)('tokens on %s stores', (stores) => {
  it('end after an hour and are refreshed', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    relay.time.jump(3_599_999);
    expect((await prekeys(relay, alice.token)).status).toBe(200);
    relay.time.jump(1);
    expect(await refusal(prekeys(relay, alice.token))).toMatchObject({ status: 401, code: 'token-invalid' });
    const next = randomToken();
    const { body } = await refresh(relay, alice.request.refreshToken, next);
    expect(body.accessExpiresInMs).toBe(3_600_000);
    expect((await prekeys(relay, body.accessToken)).status).toBe(200);
    expect((await refresh(relay, next, randomToken())).status).toBe(200);
  });

  it('are refreshed by the same pair again, as after a lost answer', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const next = randomToken();
    const first = await refresh(relay, alice.request.refreshToken, next);
    const second = await refresh(relay, alice.request.refreshToken, next);
    expect(second.status).toBe(200);
    expect((await prekeys(relay, first.body.accessToken)).status).toBe(200);
    expect((await prekeys(relay, second.body.accessToken)).status).toBe(200);
  });

  it('all end when a replaced refresh token comes back with another successor  [security: token-theft]', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const next = randomToken();
    const { body } = await refresh(relay, alice.request.refreshToken, next);
    const stream = await connect(relay, { token: body.accessToken });
    const protocols = await ticketProtocols(relay, body.accessToken);
    const thief = refusal(refresh(relay, alice.request.refreshToken, randomToken()));
    expect(await thief).toMatchObject({ status: 401, code: 'token-reused' });
    expect(await stream.closed).toMatchObject({ code: 4003 });
    await expect(connect(relay, { protocols })).rejects.toThrow('401');
    expect(await refusal(prekeys(relay, body.accessToken))).toMatchObject({ code: 'token-invalid' });
    expect(await refusal(refresh(relay, next, randomToken()))).toMatchObject({ status: 401 });
  });

  it('are refused when unknown, equal or malformed', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    expect(await refusal(refresh(relay, randomToken(), randomToken()))).toMatchObject({
      status: 401,
      code: 'token-invalid',
    });
    const same = alice.request.refreshToken;
    expect(await refusal(refresh(relay, same, same))).toMatchObject({ status: 400, code: 'request-malformed' });
    expect(await refusal(refresh(relay, 'x', randomToken()))).toMatchObject({ status: 400, code: 'request-malformed' });
    expect(await refusal(call(relay, 'GET', '/v1/prekeys'))).toMatchObject({ status: 401, code: 'token-missing' });
    for (const header of [
      'Bearer',
      'Basic YTpi',
      `Bearer ${randomToken()}`,
      `Bearer ${randomToken(31)}`,
      `bearer ${randomToken()} x`,
    ]) {
      const answer = call(relay, 'GET', '/v1/prekeys', { headers: { authorization: header } });
      expect(await refusal(answer), header).toMatchObject({ status: 401, code: 'token-invalid' });
    }
  });

  it('reach what is their own device’s only: what another device has is out of reach', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const bob = await register(relay, '+14155550102');
    await call(relay, 'PUT', '/v1/profile', { token: bob.token, body: { profile: 'AAAA' } });
    const profile = await call<{ profile: string }>(relay, 'GET', `/v1/users/${alice.keys.userId}/profile`, {
      token: bob.token,
    });
    expect(profile.body.profile).toBe(alice.request.profile);
    const list = call(relay, 'PUT', '/v1/devices', {
      token: bob.token,
      body: { deviceList: alice.request.deviceList },
    });
    expect(await refusal(list)).toMatchObject({ status: 400, code: 'device-list-invalid' });
  });
});

describe.each(storeKinds)('the upgrade on %s stores', (stores) => {
  it('is refused before it happens, in the form of all errors', async () => {
    await using relay = await startRelay({ stores, config: { allowedOrigins: ['https://chat.example'] } });
    const alice = await register(relay, '+14155550101');
    const authorization = `Bearer ${alice.token}`;
    expect(await refusedUpgrade(relay)).toMatchObject({ status: 401, code: 'token-missing' });
    expect(await refusedUpgrade(relay, { authorization: `Bearer ${randomToken()}` })).toMatchObject({
      status: 401,
      code: 'token-invalid',
    });
    expect(await refusedUpgrade(relay, { authorization: 'Basic YTpi' })).toMatchObject({
      status: 401,
      code: 'token-invalid',
    });
    expect(await refusedUpgrade(relay, { authorization, origin: 'https://evil.example' })).toMatchObject({
      status: 403,
      code: 'origin-refused',
    });
    expect(await refusedUpgrade(relay, { authorization, origin: 'null' })).toMatchObject({
      status: 403,
      code: 'origin-refused',
    });
    expect(await refusedUpgrade(relay, { authorization }, '/v1/other')).toMatchObject({
      status: 404,
      code: 'not-found',
    });
    expect(
      await refusedUpgrade(relay, { 'sec-websocket-protocol': `sotto.v1, sotto.ticket.${randomToken()}` }),
    ).toMatchObject({ status: 401, code: 'token-invalid' });
    expect(await refusedUpgrade(relay, {}, `/v1/stream?token=${alice.token}`)).toMatchObject({
      status: 401,
      code: 'token-missing',
    });
    const stream = await connect(relay, { token: alice.token, origin: 'https://chat.example' });
    await stream.close();
  });

  it('takes a ticket once when it comes twice at the same moment  [security: token-theft]', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const protocols = await ticketProtocols(relay, alice.token);
    const opened = await Promise.allSettled(Array.from({ length: 5 }, () => connect(relay, { protocols })));
    expect(opened.map(({ status }) => status).sort()).toEqual(['fulfilled', ...Array(4).fill('rejected')]);
  });

  it('gives no ticket to a session that ends meanwhile  [security: token-theft]', async () => {
    const came = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const put: Uint8Array[] = [];
    await using relay = await startRelay({
      stores,
      wrapStores: (real) => ({
        ...real,
        tickets: {
          put: async (ticket, device, expiresAt) => {
            came.resolve();
            await gate.promise;
            await real.tickets.put(ticket, device, expiresAt);
            put.push(ticket);
          },
          redeem: (ticket, now) => real.tickets.redeem(ticket, now),
          revoke: (userId, deviceId) => real.tickets.revoke(userId, deviceId),
        },
      }),
    });
    const alice = await register(relay, '+14155550101');
    const ticket = refusal(call(relay, 'POST', '/v1/stream-tickets', { token: alice.token }));
    await came.promise;
    await refresh(relay, alice.request.refreshToken, randomToken());
    await refusal(refresh(relay, alice.request.refreshToken, randomToken()));
    gate.resolve();
    expect(await ticket).toMatchObject({ status: 401, code: 'token-invalid' });
    expect(await relay.stores.tickets.redeem(put[0] ?? randomBytes(32), relay.time.now())).toBeUndefined();
  });

  it.each(['token', 'ticket'] as const)(
    'a session that ends between the look at its %s and the opening of its stream leaves no stream  [security: token-theft]',
    async (shown) => {
      const came = Promise.withResolvers<void>();
      const gate = Promise.withResolvers<void>();
      let isHeld = false;
      const held = async <T>(found: T): Promise<T> => {
        if (!isHeld) return found;
        came.resolve();
        await gate.promise;
        return found;
      };
      await using relay = await startRelay({
        stores,
        wrapStores: (real) => {
          const { tokens, tickets } = real;
          const session = tokens.session.bind(tokens);
          const redeem = tickets.redeem.bind(tickets);
          tokens.session = async (access, now) => held(await session(access, now));
          tickets.redeem = async (ticket, now) => held(await redeem(ticket, now));
          return real;
        },
      });
      const alice = await register(relay, '+14155550101');
      const protocols = shown === 'ticket' ? await ticketProtocols(relay, alice.token) : [];
      await refresh(relay, alice.request.refreshToken, randomToken());
      isHeld = true;
      const opening = connect(relay, shown === 'ticket' ? { protocols } : { token: alice.token });
      await came.promise;
      await refusal(refresh(relay, alice.request.refreshToken, randomToken()));
      gate.resolve();
      const stream = await opening;
      stream.send({ hello: { protocolMin: 1, protocolMax: 1, agent: 'thief' } });
      // Or else it would be caught up by now.
      const given = await Promise.race([stream.closed, stream.next('queueEmpty').catch(() => stream.closed)]);
      expect(given).toMatchObject({ code: 4003 });
    },
  );

  it('takes a ticket once, for half a minute, and selects sotto.v1 only', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const issue = async () =>
      (await call<StreamTicketAnswer>(relay, 'POST', '/v1/stream-tickets', { token: alice.token })).body;
    const { ticket, expiresInMs } = await issue();
    expect(expiresInMs).toBe(30_000);
    const protocols = ['sotto.v1', `sotto.ticket.${ticket}`];
    const stream = await connect(relay, { protocols });
    expect(stream.socket.protocol).toBe('sotto.v1');
    await expect(connect(relay, { protocols })).rejects.toThrow('401');
    const late = await issue();
    relay.time.jump(30_000);
    await expect(connect(relay, { protocols: ['sotto.v1', `sotto.ticket.${late.ticket}`] })).rejects.toThrow('401');
    await stream.close();
  });
});
