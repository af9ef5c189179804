import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { describe, expect, it } from 'vitest';
import { call, open, refusal, register } from './raw-client.ts';
import { rawSend } from './raw-stream.ts';
import { startRelay } from './test-relay.ts';

describe('the HTTP interface', () => {
  it('describes itself', async () => {
    await using relay = await startRelay();
    const description = await call(relay, 'GET', '/.well-known/sotto.json');
    expect(description.body).toEqual({
      protocol: { min: 1, max: 1 },
      version: '0.1.0',
      trustRoots: [expect.stringMatching(/^[\w-]{44}$/)],
      limits: { maxMessageBytes: 1_048_576, avatarBytes: 1_049_600, profileBytes: 4_096, retentionMs: 30 * 86_400_000 },
    });
    const { body } = await call<{ paths: Record<string, object> }>(relay, 'GET', '/v1/openapi.json');
    const operations = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(operations.sort()).toEqual([
      'DELETE /v1/groups/{groupId}/invite',
      'DELETE /v1/profile/avatar',
      'GET /.well-known/sotto.json',
      'GET /healthz',
      'GET /readyz',
      'GET /v1/account',
      'GET /v1/certificates/sender',
      'GET /v1/devices',
      'GET /v1/groups',
      'GET /v1/groups/{groupId}/avatars/{location}',
      'GET /v1/groups/{groupId}/checkpoint',
      'GET /v1/groups/{groupId}/members',
      'GET /v1/groups/{groupId}/records',
      'GET /v1/prekeys',
      'GET /v1/stream',
      'GET /v1/users/{userId}/avatar',
      'GET /v1/users/{userId}/bundles',
      'GET /v1/users/{userId}/devices',
      'GET /v1/users/{userId}/profile',
      'POST /v1/account/deletion',
      'POST /v1/account/number',
      'POST /v1/devices',
      'POST /v1/devices/codes',
      'POST /v1/groups/{groupId}/avatars/{location}/invitation',
      'POST /v1/groups/{groupId}/invitation',
      'POST /v1/groups/{groupId}/members',
      'POST /v1/groups/{groupId}/records',
      'POST /v1/linking',
      'POST /v1/linking/{linkId}/message',
      'POST /v1/lookups',
      'POST /v1/recoveries',
      'POST /v1/registrations',
      'POST /v1/sealed',
      'POST /v1/sealed/multi',
      'POST /v1/stream-tickets',
      'POST /v1/tokens',
      'POST /v1/verifications',
      'PUT /v1/account/lock',
      'PUT /v1/devices',
      'PUT /v1/groups/{groupId}/avatars/{location}',
      'PUT /v1/groups/{groupId}/checkpoint',
      'PUT /v1/groups/{groupId}/invite',
      'PUT /v1/linking/{linkId}',
      'PUT /v1/prekeys',
      'PUT /v1/profile',
      'PUT /v1/profile/avatar',
    ]);
  });

  it('refuses what it does not have in the form of all errors', async () => {
    await using relay = await startRelay();
    expect(await refusal(call(relay, 'GET', '/nothing'))).toMatchObject({
      status: 404,
      code: 'not-found',
      retryable: false,
    });
    const method = await call(relay, 'PUT', '/v1/verifications', { body: {} });
    expect(method.headers.get('allow')).toBe('POST');
    expect(await refusal(Promise.resolve(method))).toMatchObject({ status: 405, code: 'method-not-allowed' });
    expect(await refusal(call(relay, 'DELETE', '/v1/users/x/profile'))).toMatchObject({ status: 405 });
    expect(await refusal(call(relay, 'GET', '/v1/stream'))).toMatchObject({ status: 400, code: 'request-malformed' });
    expect(await refusal(call(relay, 'GET', '/v1/users/%zz/profile'))).toMatchObject({
      status: 400,
      code: 'request-malformed',
    });
  });

  it.each<[string, unknown, Record<string, string>]>([
    ['no JSON', '{"number":', {}],
    ['no object', [], {}],
    ['nothing', undefined, {}],
    ['a number that is none', { number: 14155550101 }, {}],
    ['another content type', 'number=1', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['a poisoned prototype', '{"number":"+14155550101","__proto__":{"x":1}}', {}],
  ])('refuses %s as a body', async (_what, body, headers) => {
    await using relay = await startRelay();
    const answer = call(relay, 'POST', '/v1/verifications', { body, headers });
    expect(await refusal(answer)).toMatchObject({ status: 400, code: 'request-malformed', retryable: false });
  });

  it('ignores fields that it does not know, and refuses bodies that are too large', async () => {
    await using relay = await startRelay();
    const body = { number: '+14155550101', later: true };
    expect((await call(relay, 'POST', '/v1/verifications', { body })).status).toBe(202);
    const large = { number: 'x'.repeat(70_000) };
    expect(await refusal(call(relay, 'POST', '/v1/verifications', { body: large }))).toMatchObject({
      status: 413,
      code: 'request-too-large',
    });
  });

  it('lets the configured origins in, with the Authorization header', async () => {
    await using relay = await startRelay({
      config: { allowedOrigins: ['https://chat.example', 'https://two.example'] },
    });
    const preflight = (origin: string) =>
      call(relay, 'OPTIONS', '/v1/profile', {
        headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'authorization' },
      });
    const allowed = await preflight('https://chat.example');
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://chat.example');
    expect(allowed.headers.get('access-control-allow-headers')).toContain('authorization');
    expect((await preflight('https://evil.example')).headers.get('access-control-allow-origin')).not.toBe(
      'https://evil.example',
    );
  });

  it('ignores upgrades to other protocols, and on other paths', async () => {
    await using relay = await startRelay();
    const { hostname, port } = new URL(relay.url);
    for (const [path, upgrade, status] of [
      ['/healthz', 'h2c', 200],
      ['/healthz', 'websocket', 200],
      ['/v1/stream', 'h2c', 400],
    ]) {
      const socket = connectTcp(Number(port), hostname);
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: relay\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${upgrade}\r\n`,
      );
      socket.write('HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n');
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer.toString(), `${upgrade} on ${path}`).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      socket.destroy();
    }
  });

  it('answers an OPTIONS that is no preflight', async () => {
    await using relay = await startRelay();
    const answer = await call(relay, 'OPTIONS', '/v1/verifications');
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-methods')).toContain('POST');
  });

  it('answers what is not HTTP, and lives', async () => {
    await using relay = await startRelay();
    const socket = connectTcp(Number(new URL(relay.url).port), '127.0.0.1');
    socket.write('\x16\x03\x01 not http\r\n\r\n');
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toContain('"code":"request-malformed"');
    expect((await call(relay, 'GET', '/healthz')).body).toEqual({ status: 'alive' });
  });

  it('counts without names, and logs nothing of anybody [security: log-metadata]', async () => {
    await using relay = await startRelay({ stores: 'embedded' });
    const alice = await register(relay, '+14155550101');
    const bob = await register(relay, '+14155550102');
    const from = await open(relay, alice);
    const to = await open(relay, bob);
    from.send({ send: rawSend({ to: bob.keys }) }, { send: { ...rawSend({ to: bob.keys }), suite: 0 } });
    await from.take('sendResult', 2);
    const { deliveryId } = await to.next('deliver');
    to.send({ ack: { deliveryIds: [deliveryId ?? new Uint8Array()] } });
    await to.close();
    await from.close();
    const { body } = await call<string>(relay, 'GET', '/metrics');
    for (const line of [
      'relay_sends_accepted_total 1',
      'relay_sends_refused_send_malformed_total 1',
      'relay_deliveries_total 1',
      'relay_mailbox_acked_total 1',
      'relay_append_seconds_count 1',
      'relay_registrations_total 2',
    ]) {
      expect(body).toContain(line);
    }
    const said = body + relay.log();
    const secrets = [alice, bob].flatMap(({ number, token, keys, request }) => [
      number,
      number.slice(1),
      token,
      keys.userId,
      request.refreshToken,
      request.code,
    ]);
    for (const secret of [...secrets, '127.0.0.1', '::1']) expect(said).not.toContain(secret);
  });
});
