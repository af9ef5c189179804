import { randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { Client, memoryStore } from '@sotto/sdk';
import { describe, expect, it } from 'vitest';
import { HandTime } from './hand-time.ts';
import { serve } from './hostile-server.ts';
import { exchange, JourneyWorld } from './journey-world.ts';
import { failureOf } from './person.ts';

const page = '<!doctype html><html><body>Welcome to nginx!</body></html>';

function answering(status: number, type: string, body: string | Buffer, headers: object = {}): RequestListener {
  return (_, response) => {
    response.writeHead(status, { 'content-type': type, ...headers });
    response.end(body);
  };
}

const hostile: readonly (readonly [string, RequestListener, string])[] = [
  ['a web page', answering(200, 'text/html', page), 'relay-misbehaved'],
  ['a web page that says 404', answering(404, 'text/html', page), 'relay-misbehaved'],
  ['a proxy whose relay is gone', answering(502, 'text/html', page), 'relay-unreachable'],
  ['random bytes', answering(200, 'application/json', randomBytes(5_000)), 'relay-misbehaved'],
  ['JSON of something else', answering(200, 'application/json', '{"status":"ok"}'), 'relay-misbehaved'],
  ['JSON that is no object', answering(202, 'application/json', 'null'), 'relay-misbehaved'],
  ['nothing', answering(202, 'application/json', ''), 'relay-misbehaved'],
  ['a redirect', answering(301, 'text/html', page, { location: 'http://127.0.0.1:9/' }), 'relay-misbehaved'],
  ['an end of the connection', (request) => request.socket.destroy(), 'relay-unreachable'],
];

function register(client: Client): Promise<unknown> {
  return client.register({ phone: '+14155550100', profile: { username: 'Ann' }, code: () => '123456' });
}

describe('P5: something else than a relay', () => {
  it.each(hostile)('%s', async (_, answer, code) => {
    await using server = await serve(answer);
    await using client = await Client.open({ relay: server.url, store: memoryStore() });
    expect(await failureOf(register(client))).toMatchObject({ code });
    expect(client.account).toBe(undefined);
  });

  it('nobody at that address, and one who never answers, are unreachable', async () => {
    const server = await serve(() => undefined);
    const time = new HandTime();
    {
      await using client = await Client.open({
        relay: server.url,
        store: memoryStore(),
        platform: {
          timers: time.timers,
          fetch: (url, request) => {
            const answer = fetch(url, request);
            time.advance(60_000);
            return answer;
          },
        },
      });
      expect(await failureOf(register(client))).toMatchObject({ code: 'relay-unreachable', retryable: true });
    }
    await server[Symbol.asyncDispose]();
    await using client = await Client.open({ relay: server.url, store: memoryStore() });
    expect(await failureOf(register(client))).toMatchObject({ code: 'relay-unreachable', retryable: true });
  });

  it.each(['', 'relay', 'ftp://relay.example', 'ws://relay.example', 'http://', 'https://u:p@relay.example', '/v1'])(
    'the address "%s" is refused before anything is opened',
    async (relay) => {
      const store = { open: () => Promise.reject(new Error('the store was opened')) };
      expect(await failureOf(Client.open({ relay, store }))).toMatchObject({ code: 'relay-url-invalid' });
    },
  );
});

describe.each(hostile)('P1: %s in place of the relay of an account', (_, answer) => {
  it('nothing is lost, and all goes on when the relay is there again', async () => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const [alice, bob] = [await world.person(), await world.person()];
    await exchange(alice, bob);
    await Promise.all([alice.stop(), bob.stop()]);
    await world.stop();
    let asked = 0;
    const ports = world.urls.map((url) => Number(new URL(url).port));
    const serveAt = (port: number) =>
      serve((request, response) => {
        asked++;
        world.watch.changed();
        answer(request, response);
      }, port);
    const servers = await Promise.all(ports.map(serveAt));
    await alice.open();
    const text = `meanwhile ${crypto.randomUUID()}`;
    const message = await alice.say(bob, text, 'queued');
    await world.watch.until(() => asked > 2 && alice.client.connection === 'offline');
    expect(await alice.state(message)).toBe('queued');
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
    await world.start();
    await bob.open();
    await bob.received(text);
    await alice.told('message.delivered', message);
  });
});
