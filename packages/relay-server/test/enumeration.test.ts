import type { LookupAnswer } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { call, refusal, register } from './raw-client.ts';
import { startRelay, storeKinds, type TestRelay } from './test-relay.ts';

const block = (at: number, count = 100) =>
  Array.from({ length: count }, (_, offset) => `+1415555${String(at * count + offset).padStart(4, '0')}`);
const lookUp = (relay: TestRelay, token: string, numbers: readonly string[], from = '192.0.2.1') =>
  call<LookupAnswer>(relay, 'POST', '/v1/lookups', { token, body: { numbers }, headers: { 'x-forwarded-for': from } });

describe.each(storeKinds)('finding out who is here on %s stores [security: enumeration]', (stores) => {
  it('ten thousand look-ups are throttled; the same numbers again are not', async () => {
    await using relay = await startRelay({ stores, config: { limits: { writesPerAccount: { burst: 1_000 } } } });
    const { token } = await register(relay, '+14155550101');
    const statuses: number[] = [];
    for (let at = 0; at < 100; at++) statuses.push((await lookUp(relay, token, block(at))).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(20);
    expect(await refusal(lookUp(relay, token, block(50)))).toMatchObject({
      status: 429,
      code: 'rate-limited',
      retryable: true,
      retryAfterMs: 1_000_000,
    });
    const again = await lookUp(relay, token, block(1));
    expect(again.body.users.map(({ number }) => number)).toEqual(['+14155550101']);
    expect((await lookUp(relay, token, [...block(3, 50), ...block(4, 50)])).status).toBe(200);
  });

  it('many accounts behind one address have one budget, and addresses of one network are one', async () => {
    const limits = { lookupsPerAddress: { burst: 150, refillMs: 1_000 } };
    await using relay = await startRelay({ stores, config: { trustedProxies: ['127.0.0.1'], limits } });
    const [one, two] = [await register(relay, '+14155550101'), await register(relay, '+14155550102')];
    expect((await lookUp(relay, one.token, block(0), '2001:db8:0:1::7')).status).toBe(200);
    expect(await refusal(lookUp(relay, two.token, block(1), '2001:db8:0:1::8'))).toMatchObject({ status: 429 });
    expect((await lookUp(relay, two.token, block(0), '2001:db8:0:1::8')).status).toBe(200);
    expect((await lookUp(relay, two.token, block(1), '2001:db8:0:2::8')).status).toBe(200);
  });

  it('nothing is told before a token was shown', async () => {
    await using relay = await startRelay({ stores });
    const { keys } = await register(relay, '+14155550101');
    const asked = [
      call(relay, 'POST', '/v1/lookups', { body: { numbers: ['+14155550101'] } }),
      ...['bundles', 'devices', 'profile', 'avatar'].map((what) =>
        call(relay, 'GET', `/v1/users/${keys.userId}/${what}`),
      ),
    ];
    for (const answer of asked) expect(await refusal(answer)).toMatchObject({ status: 401, code: 'token-missing' });
  });

  it('a verification tells nothing of whether the number has an account', async () => {
    await using relay = await startRelay({ stores });
    await register(relay, '+14155550101');
    relay.time.jump(60_000);
    const asked = ['+14155550101', '+14155550102'].map((number) =>
      call<Record<string, unknown>>(relay, 'POST', '/v1/verifications', { body: { number } }),
    );
    const [known, unknown] = await Promise.all(asked);
    if (known === undefined || unknown === undefined) throw new Error('two were asked');
    const shape = ({ status, body }: typeof known) => ({
      status,
      body: { ...body, verificationId: typeof body.verificationId },
    });
    expect(shape(known)).toEqual(shape(unknown));
    const headers = (answer: typeof known) => [...answer.headers.keys()].sort();
    expect(headers(known)).toEqual(headers(unknown));
  });
});
