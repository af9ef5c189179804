import { describe, expect, it } from 'vitest';
import { ManualTimers } from '../../test/manual-timers.ts';
import { refusal, scriptedRelay } from '../../test/scripted-relay.ts';
import { defaultPlatform } from '../platform/platform.node.ts';
import { authorizedClient } from './authorized-client.ts';
import { httpClient, noAnswer } from './http-client.ts';

async function open(good: string) {
  const relay = await scriptedRelay(({ authorization }) =>
    authorization === `Bearer ${good}` ? { status: 204 } : refusal(401, 'token-invalid'),
  );
  const replaced: string[] = [];
  const http = authorizedClient(
    httpClient({ address: relay.address, fetch: defaultPlatform().fetch, timers: new ManualTimers() }),
    {
      accessToken: async () => 'first',
      replace: async (refused) => {
        replaced.push(refused);
        return 'second';
      },
    },
  );
  const ask = () => http.authorized({ method: 'PUT', path: '/v1/prekeys', body: '{}', answer: noAnswer });
  return { relay, replaced, ask, [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose]() };
}

describe('authorizedClient', () => {
  it('replaces a refused token once and asks again', async () => {
    await using client = await open('second');
    await client.ask();
    expect(client.replaced).toEqual(['first']);
    expect(client.relay.seen.map(({ body }) => body)).toEqual(['{}', '{}']);
  });

  it('leaves a good token alone', async () => {
    await using client = await open('first');
    await client.ask();
    expect(client.replaced).toEqual([]);
  });

  it('lets the caller try again later when the new token is refused too: it may have run out on its way', async () => {
    await using client = await open('third');
    await expect(client.ask()).rejects.toMatchObject({
      code: 'relay-refused',
      relayCode: 'token-invalid',
      retryable: true,
    });
    expect(client.relay.seen).toHaveLength(2);
  });
});
