import { describe, expect, it } from 'vitest';
import { RelayError } from '../src/relay-error.ts';
import { call, type RawAnswer, refusal, register, verify } from './raw-client.ts';
import { makeKeys, makeRegistration } from './raw-keys.ts';
import { startRelay, storeKinds, type TestRelay } from './test-relay.ts';

const number = '+14155550101';
/** The relay of these tests stands behind a proxy on this machine, so that a test can come from any address. */
const proxied = { trustedProxies: ['127.0.0.1'] };
const generous = { burst: 1_000_000, refillMs: 1 };

const ask = (relay: TestRelay, of: string, from = '192.0.2.1', challenge?: string) =>
  call(relay, 'POST', '/v1/verifications', {
    body: { number: of, ...(challenge !== undefined && { challenge }) },
    headers: { 'x-forwarded-for': from },
  });

/** Runs at most this many at a time. */
async function inTurns<T, R>(items: readonly T[], width: number, run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += width) {
    results.push(...(await Promise.all(items.slice(at, at + width).map(run))));
  }
  return results;
}

describe.each(storeKinds)('guesses at a code on %s stores [security: otp-brute-force]', (stores) => {
  const guess = (relay: TestRelay, verificationId: string, code: string) =>
    call(relay, 'POST', '/v1/registrations', { body: makeRegistration(makeKeys(), verificationId, code) });
  const wrongCodes = (code: string, count: number) =>
    Array.from({ length: count }, (_, at) => String((Number(code) + 1 + at) % 1_000_000).padStart(6, '0'));

  it('the sixth fails even when it is right', async () => {
    await using relay = await startRelay({ stores });
    const { verificationId, code } = await verify(relay, number);
    for (const wrong of wrongCodes(code, 5)) {
      expect(await refusal(guess(relay, verificationId, wrong))).toMatchObject({ status: 403, code: 'code-wrong' });
    }
    expect(await refusal(guess(relay, verificationId, code))).toMatchObject({ status: 410, code: 'code-void' });
  });

  it('parallel ones still count five', async () => {
    await using relay = await startRelay({ stores, config: { limits: { guessesPerNumber: generous } } });
    const { verificationId, code } = await verify(relay, number);
    const tries = [...wrongCodes(code, 20), code].map((each) => refusal(guess(relay, verificationId, each)));
    const codes = (await Promise.all(tries)).map((answer) => answer.code);
    expect(codes.filter((each) => each === 'code-wrong')).toHaveLength(5);
    expect(codes.filter((each) => each === 'code-void')).toHaveLength(16);
  });

  it('a code that was used works for nobody else', async () => {
    await using relay = await startRelay({ stores });
    const { request } = await register(relay, number);
    expect(await refusal(guess(relay, request.verificationId, request.code))).toMatchObject({
      status: 410,
      code: 'code-used',
    });
  });

  it('those at one number are slowed down, over all its codes', async () => {
    await using relay = await startRelay({ stores });
    const first = await verify(relay, number);
    for (const wrong of wrongCodes(first.code, 4)) await refusal(guess(relay, first.verificationId, wrong));
    relay.time.jump(60_000);
    const second = await verify(relay, number);
    const answers = await Promise.all(
      wrongCodes(second.code, 5).map((wrong) => refusal(guess(relay, second.verificationId, wrong))),
    );
    // Six at once and two more in the minute between, of which four were used before.
    expect(answers.filter(({ code }) => code === 'code-wrong')).toHaveLength(4);
    expect(answers.filter(({ code }) => code === 'rate-limited')).toMatchObject([
      { status: 429, retryAfterMs: 30_000 },
    ]);
    relay.time.jump(30_000);
    expect((await guess(relay, second.verificationId, second.code)).status).toBe(200);
  });
});

describe('sending codes [security: sms-pumping]', () => {
  const counting = () => {
    const sent: string[] = [];
    const codeSender = {
      send: async (message: { readonly number: string }) => {
        sent.push(message.number);
      },
    };
    return { sent, codeSender };
  };
  const thousand = Array.from({ length: 1_000 }, (_, at) => `+1415555${String(at).padStart(4, '0')}`);

  it('a thousand numbers in a row, each from an address of its own, get no more than their prefix may', async () => {
    const { sent, codeSender } = counting();
    await using relay = await startRelay({ config: proxied, codeSender });
    let last = 0;
    const answers = await inTurns(thousand, 50, (each) => ask(relay, each, `198.51.${++last % 200}.${last % 250}`));
    expect(sent).toHaveLength(50);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(950);
    const [refused] = answers.filter(({ status }) => status === 429) as RawAnswer<unknown>[];
    if (refused === undefined) throw new Error('none was refused');
    expect(await refusal(Promise.resolve(refused))).toMatchObject({ code: 'rate-limited', retryAfterMs: 30_000 });
    const metrics = await call<string>(relay, 'GET', '/metrics');
    expect(metrics.body).toContain('relay_codes_limited_total 950');
  });

  it('a thousand numbers from one address get no more than the address may', async () => {
    const { sent, codeSender } = counting();
    await using relay = await startRelay({
      config: { ...proxied, limits: { codesPerPrefix: generous, requestsPerAddress: generous } },
      codeSender,
    });
    await inTurns(thousand, 50, (each) => ask(relay, each));
    expect(sent).toHaveLength(60);
  });

  it('when the common budget is used up, all codes stop for a while', async () => {
    const { sent, codeSender } = counting();
    await using relay = await startRelay({
      config: {
        ...proxied,
        codes: { breakerMs: 600_000 },
        limits: { codesInAll: { burst: 5, refillMs: 1 }, codesPerPrefix: generous },
      },
      codeSender,
    });
    for (const each of thousand.slice(0, 5)) expect((await ask(relay, each)).status).toBe(202);
    expect(await refusal(ask(relay, '+14155550999'))).toMatchObject({ code: 'rate-limited', retryAfterMs: 600_000 });
    relay.time.jump(599_000);
    expect(await refusal(ask(relay, '+442079460000'))).toMatchObject({ code: 'rate-limited', retryAfterMs: 1_000 });
    relay.time.jump(1_000);
    expect((await ask(relay, '+442079460000')).status).toBe(202);
    expect(sent).toHaveLength(6);
    expect(relay.log()).toContain('codes.budget-used-up');
  });

  it('only to the countries that are allowed', async () => {
    await using relay = await startRelay({ config: { allowedCountries: ['US', 'GB'], barredCountries: ['GB'] } });
    expect((await ask(relay, number)).status).toBe(202);
    for (const other of ['+442079460000', '+4930123456', '+881612345678']) {
      expect(await refusal(ask(relay, other))).toMatchObject({ status: 403, code: 'number-barred' });
    }
  });

  it('asks for a challenge first, where there is one', async () => {
    const { sent, codeSender } = counting();
    const asked: unknown[] = [];
    await using relay = await startRelay({
      config: proxied,
      codeSender,
      challengeCheck: {
        check: async (request) => {
          asked.push(request);
          if (request.answer === 'down') throw new RelayError('code-sender-unavailable', 'down', { retryable: true });
          return request.answer === 'solved' ? 'passed' : 'required';
        },
      },
    });
    for (const answer of [undefined, 'wrong']) {
      expect(await refusal(ask(relay, number, '2001:db8::7', answer))).toMatchObject({
        status: 403,
        code: 'challenge-required',
        retryable: false,
      });
    }
    expect(await refusal(ask(relay, number, '2001:db8::7', 'down'))).toMatchObject({ status: 503 });
    expect(sent).toEqual([]);
    expect((await ask(relay, number, '2001:db8::7', 'solved')).status).toBe(202);
    expect(asked[0]).toEqual({ answer: undefined, network: '2001:db8:0:0::/64', country: 'US' });
    expect(sent).toEqual([number]);
  });
});
