import { describe, expect, it } from 'vitest';
import { call, refusal, refusedUpgrade } from './raw-client.ts';
import { startRelay, type TestRelay } from './test-relay.ts';

const oneCode = { codesPerAddress: { burst: 1, refillMs: 60_000 } };
let last = 0;
const ask = (relay: TestRelay, forwarded?: string) =>
  call(relay, 'POST', '/v1/verifications', {
    body: { number: `+1415555${String(++last).padStart(4, '0')}` },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  });

describe('the address of a client [security: sms-pumping]', () => {
  it('is the socket, whatever a header says', async () => {
    await using relay = await startRelay({ config: { limits: oneCode } });
    expect((await ask(relay)).status).toBe(202);
    for (const forged of ['198.51.100.1', '198.51.100.2, 198.51.100.3', '127.0.0.2', 'unknown']) {
      expect(await refusal(ask(relay, forged))).toMatchObject({ status: 429, retryAfterMs: 60_000 });
    }
  });

  it('behind a trusted proxy is the right-most address that is no proxy: what a client writes before it changes nothing', async () => {
    await using relay = await startRelay({
      config: { limits: oneCode, trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] },
    });
    expect((await ask(relay, '198.51.100.1')).status).toBe(202);
    expect((await ask(relay, '198.51.100.1')).status).toBe(429);
    expect((await ask(relay, '203.0.113.9, 198.51.100.1')).status).toBe(429);
    expect((await ask(relay, '203.0.113.9, 198.51.100.1, 10.1.2.3')).status).toBe(429);
    expect((await ask(relay, '10.9.9.9, ::ffff:198.51.100.1')).status).toBe(429);
    expect((await ask(relay, '198.51.100.1, 198.51.100.2')).status).toBe(202);
  });

  it('counts a /64 of IPv6 as one, and what is no address as one too', async () => {
    await using relay = await startRelay({ config: { limits: oneCode, trustedProxies: ['127.0.0.1'] } });
    expect((await ask(relay, '2001:db8:0:1::1')).status).toBe(202);
    expect((await ask(relay, '2001:db8:0:1:ffff::1')).status).toBe(429);
    expect((await ask(relay, '2001:db8:0:2::1')).status).toBe(202);
    expect((await ask(relay, 'a name')).status).toBe(202);
    expect((await ask(relay, 'another name')).status).toBe(429);
  });

  it('is the same for upgrades', async () => {
    const limits = { upgradesPerAddress: { burst: 2, refillMs: 60_000 } };
    await using relay = await startRelay({ config: { limits, trustedProxies: ['127.0.0.1'] } });
    const from = (address: string) => refusedUpgrade(relay, { authorization: 'Bearer x', 'x-forwarded-for': address });
    for (const address of ['203.0.113.1, 198.51.100.1', '203.0.113.2, ::ffff:198.51.100.1']) {
      expect(await from(address)).toMatchObject({ status: 401, code: 'token-invalid' });
    }
    expect(await from('203.0.113.3, 198.51.100.1')).toMatchObject({ status: 429, code: 'rate-limited' });
    expect(await from('198.51.100.2')).toMatchObject({ status: 401 });
    relay.time.jump(60_000);
    expect(await from('198.51.100.1')).toMatchObject({ status: 401 });
  });

  it('is refused as a setting when it is none', async () => {
    await expect(startRelay({ config: { trustedProxies: ['10.0.0.0/33'] } })).rejects.toMatchObject({
      code: 'config-invalid',
    });
  });
});
