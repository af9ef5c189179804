import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualTimers } from '../../test/manual-timers.ts';
import { refusal, type ScriptedRelay, scriptedRelay } from '../../test/scripted-relay.ts';
import { until } from '../../test/turn-of-events.ts';
import { defaultPlatform } from '../platform/platform.node.ts';
import { type HttpClient, type HttpRequest, httpClient } from './http-client.ts';
import { recordShape, textShape } from './json-shape.ts';
import { parseRelayAddress } from './relay-address.ts';

const greeting: HttpRequest<{ readonly hello: string }> = {
  method: 'GET',
  path: '/v1/greeting',
  answer: { type: 'json', shape: recordShape({ hello: textShape(100) }) },
};

describe('httpClient', () => {
  let relay: ScriptedRelay;
  let timers: ManualTimers;
  let http: HttpClient;

  beforeEach(async () => {
    relay = await scriptedRelay();
    timers = new ManualTimers();
    http = httpClient({ address: relay.address, fetch: defaultPlatform().fetch, timers });
  });
  afterEach(() => relay[Symbol.asyncDispose]());

  it('asks and reads the answer', async () => {
    relay.answer(() => ({ json: { hello: 'world', more: 1 } }));
    await expect(http.ask(greeting, 'token')).resolves.toEqual({ hello: 'world' });
    expect(relay.seen).toEqual([{ method: 'GET', path: '/v1/greeting', authorization: 'Bearer token', body: '' }]);
    expect(timers.delays).toEqual([]);
  });

  it('sends JSON and bytes', async () => {
    relay.answer(() => ({ status: 204 }));
    const none = { type: 'none', value: undefined } as const;
    await http.ask({ method: 'POST', path: '/a', body: '{"a":1}', answer: none });
    await http.ask({ method: 'PUT', path: '/b', body: Uint8Array.of(0, 255), answer: none });
    expect(relay.seen.map(({ body }) => body)).toEqual(['{"a":1}', '\u0000\u00ff']);
  });

  it.each([
    ['text in place of JSON', { text: 'hello' }, 'relay-misbehaved', false],
    [
      'a web page',
      { text: '<!doctype html><title>Sign in</title>', headers: { 'content-type': 'text/html' } },
      'relay-misbehaved',
      false,
    ],
    ['nothing', {}, 'relay-misbehaved', false],
    ['JSON of another shape', { json: { hello: 1 } }, 'relay-misbehaved', false],
    ['JSON that is null', { text: 'null' }, 'relay-misbehaved', false],
    ['a body without end', { text: `"${'x'.repeat(2_000_000)}"` }, 'relay-misbehaved', false],
    ['a redirect', { status: 302, headers: { location: 'https://example.org/' } }, 'relay-misbehaved', false],
    ['a page that is not there', { status: 404, text: '<h1>Not found</h1>' }, 'relay-misbehaved', false],
    ['an error without a body', { status: 500 }, 'relay-misbehaved', true],
    ['a proxy without a relay', { status: 502, text: '<h1>Bad gateway</h1>' }, 'relay-unreachable', true],
    [
      'an error whose code is no code',
      { status: 400, json: { error: { code: 'Not A Code', message: '' } } },
      'relay-misbehaved',
      false,
    ],
    ['a cut connection', 'cut', 'relay-unreachable', true],
  ] as const)('gives a typed error for %s', async (_, answer, code, retryable) => {
    relay.answer(() => answer);
    await expect(http.ask(greeting)).rejects.toMatchObject({ name: 'SottoError', code, retryable });
    expect(timers.delays).toEqual([]);
  });

  it.each([
    ['code-wrong', refusal(403, 'code-wrong', { attemptsLeft: 3 }), { code: 'code-wrong', attemptsLeft: 3 }],
    ['number-barred', refusal(403, 'number-barred'), { code: 'number-barred', retryable: false }],
    ['prekeys-full', refusal(409, 'prekeys-full'), { code: 'relay-refused', relayCode: 'prekeys-full' }],
    ['a name that objects have', refusal(400, 'constructor'), { code: 'relay-refused', relayCode: 'constructor' }],
    [
      'a code of ours that no relay has',
      refusal(400, 'store-locked'),
      { code: 'relay-refused', relayCode: 'store-locked' },
    ],
    [
      'a request that came too slowly',
      refusal(408, 'request-too-slow', { retryable: true }),
      { code: 'relay-refused', retryable: true },
    ],
    ['408 of a proxy', { status: 408 }, { code: 'relay-unreachable', retryable: true }],
    [
      'draining',
      refusal(503, 'draining', { retryable: true, retryAfterMs: 7 }),
      { code: 'relay-refused', retryable: true, retryAfterMs: 7 },
    ],
    [
      'rate-limited',
      refusal(429, 'rate-limited', { retryAfterMs: 1500 }),
      { code: 'rate-limited', retryable: true, retryAfterMs: 1500 },
    ],
    ['429 of a proxy', { status: 429, headers: { 'retry-after': '7' } }, { code: 'rate-limited', retryAfterMs: 7_000 }],
  ] as const)('passes on %s', async (_, answer, error) => {
    relay.answer(() => answer);
    const failure = await http.ask(greeting).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ name: 'SottoError', ...error });
    expect(String(failure)).not.toContain('as the relay says it');
  });

  it('gives up on a relay that is silent', async () => {
    relay.answer(() => 'hang');
    const asked = http.ask(greeting).catch((error: unknown) => error);
    await until(() => relay.seen.length === 1);
    timers.runAll();
    await expect(asked).resolves.toMatchObject({ code: 'relay-unreachable', retryable: true });
  });

  it('tells when nobody listens', async () => {
    const address = relay.address;
    await relay[Symbol.asyncDispose]();
    relay = await scriptedRelay();
    const lost = httpClient({ address, fetch: defaultPlatform().fetch, timers });
    await expect(lost.ask(greeting)).rejects.toMatchObject({ code: 'relay-unreachable', retryable: true });
    const nowhere = httpClient({
      address: parseRelayAddress('https://relay.invalid'),
      fetch: defaultPlatform().fetch,
      timers,
    });
    await expect(nowhere.ask(greeting)).rejects.toMatchObject({ code: 'relay-unreachable', retryable: true });
  });

  it('rejects with the reason of an abort, before and while it waits', async () => {
    const reason = new Error('changed my mind');
    await expect(http.ask({ ...greeting, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(relay.seen).toEqual([]);
    relay.answer(() => 'hang');
    const ending = new AbortController();
    const asked = http.ask({ ...greeting, signal: ending.signal }).catch((error: unknown) => error);
    await until(() => relay.seen.length === 1);
    ending.abort(reason);
    await expect(asked).resolves.toBe(reason);
    expect(timers.delays).toEqual([]);
  });
});
