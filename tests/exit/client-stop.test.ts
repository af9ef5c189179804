import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@sotto/sdk';
import { betterSqlite3 } from '@sotto/storage-adapters/better-sqlite3';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { LedProcess } from '../led/led-process.ts';
import { RelayProcess } from '../led/relay-process.ts';
import { Watch } from '../led/watch.ts';
import { RelayProxy } from '../network/relay-proxy.ts';
import { accountScenarios, freshScenarios } from './scenarios.ts';
import type { StopCalls, Stopped } from './stop-calls.ts';

const program = join(import.meta.dirname, 'stop-child.ts');
const folder = mkdtempSync(join(tmpdir(), 'sotto-exit-'));
const relay = new RelayProcess(join(folder, 'relay'), new Watch(), {
  codes: { resendAfterMs: 0 },
  // One of them writes 300 messages to somebody who does not know them.
  limits: { sendsToStranger: { burst: 1_000, refillMs: 1 } },
});
let people = 0;

beforeAll(() => relay.start());
afterAll(async () => {
  await relay.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** Which requests the relay is not to answer. */
const held: Readonly<Record<string, RegExp>> = {
  'while a verification is asked for': /^POST \/v1\/verifications/,
  'while a registration is asked for': /^POST \/v1\/registrations/,
  'while it connects': /^GET \/v1\/stream/,
  'while a number is looked up': /^POST \/v1\/lookups/,
  'while a token is refreshed': /^POST \/v1\/tokens/,
  'while the profile is stored': /^PUT \/v1\/profile/,
};

interface Person {
  readonly phone: string;
  readonly database: string;
}

function newPerson(): Person {
  const number = ++people;
  return { phone: `+1415555${String(number).padStart(4, '0')}`, database: join(folder, `${number}.db`) };
}

function open({ database }: Person): Promise<Client> {
  return Client.open({ relay: relay.url, store: betterSqlite3(database) });
}

async function register(person: Person): Promise<Person> {
  await using client = await open(person);
  await client.register({
    phone: person.phone,
    profile: { username: 'Alice' },
    code: () => relay.codeFor(person.phone),
  });
  return person;
}

/** Of somebody who was not accepted only the latest hundred messages are kept. */
async function accept(who: Person, by: Person): Promise<void> {
  await using client = await open(by);
  const chat = await client.chats.with(who.phone);
  await chat.accept();
}

/** Runs a scenario in a process of its own, which has to end by itself. */
async function stopped(scenario: string, person: Person, peer: Person): Promise<Stopped> {
  await using proxy = await RelayProxy.open(relay.url);
  const child = new LedProcess<StopCalls, 'code-wanted'>(program, [], () => {
    relay
      .codeFor(person.phone)
      .then((code) => child.call('code', code))
      .catch(() => child.kill());
  });
  onTestFinished(async () => {
    await child.kill();
  });
  const pattern = held[scenario];
  if (pattern !== undefined) proxy.hold(pattern, () => void child.call('now', undefined));
  const clockAhead = scenario === 'while a token is refreshed' ? 3 * 3_600_000 : 0;
  const result = await child.call('run', { ...person, scenario, relay: proxy.url, peer: peer.phone, clockAhead });
  const asked = performance.now();
  await child.call('end', undefined);
  expect(await child.ended).toEqual({ status: 0, signal: null });
  console.log(
    `${scenario}: stop took ${result.stopMs.toFixed(0)} ms, handles ${result.turns} turns, the end ${(performance.now() - asked).toFixed(0)} ms`,
  );
  return result;
}

function expectNothingLeft({ resources, files, outcomes }: Stopped): void {
  expect({ resources, files }).toEqual({ resources: [], files: [] });
  const calm = new Set(['done', 'client-stopped', 'store-closed']);
  expect(outcomes.filter((outcome) => !calm.has(outcome))).toEqual([]);
}

describe('P7 a program that stops its client ends by itself and leaves nothing', () => {
  it.each(Object.keys(freshScenarios))('stopped %s', async (scenario) => {
    const person = newPerson();
    const result = await stopped(scenario, person, newPerson());
    expectNothingLeft(result);
    // Registration goes on where it was, with the same account, and without another SMS where one had been sent.
    const codes = Math.max(1, relay.sentTo(person.phone));
    await using client = await open(person);
    if (client.account === undefined) {
      await client.register({
        phone: person.phone,
        profile: { username: 'Alice' },
        code: () => relay.codeFor(person.phone),
      });
    }
    expect(client.account?.number).toBe(person.phone);
    expect(relay.sentTo(person.phone)).toBe(codes);
  });

  it.each(Object.keys(accountScenarios))('stopped %s', async (scenario) => {
    const person = await register(newPerson());
    const peer = await register(newPerson());
    await accept(peer, person);
    await using other = await open(peer);
    const back = await other.chats.with(person.phone);
    const written = Array.from({ length: 300 }, (_, at) => `of the other ${at}`);
    if (scenario === 'in the middle of receiving') {
      const gone = Promise.withResolvers<void>();
      let left = written.length;
      other.on('message.sent', () => {
        if (--left === 0) gone.resolve();
      });
      await Promise.all(written.map((text) => back.send(text)));
      await gone.promise;
    } else {
      await back.send('hello');
    }
    const result = await stopped(scenario, person, peer);
    expectNothingLeft(result);
    await using client = await open(person);
    const chat = await client.chats.with(peer.phone);
    const arrived = Promise.withResolvers<void>();
    const expected = scenario === 'in the middle of receiving' ? written : ['hello'];
    const incoming = async () =>
      (await chat.history({ limit: 500, from: 'oldest' })).messages.flatMap(({ outgoing, text }) =>
        outgoing ? [] : [text],
      );
    const look = async () => {
      if ((await incoming()).length >= expected.length) arrived.resolve();
    };
    const endLooking = client.on('message.received', () => void look());
    await look();
    await arrived.promise;
    endLooking();
    expect(await incoming()).toEqual(expected);
    const own: string[] = [];
    const page = await chat.history({ limit: 500, from: 'oldest' });
    const rest = await chat.history({ limit: 500, after: page.newer ?? '' });
    const seqs: number[] = [];
    for (const message of [...page.messages, ...rest.messages]) {
      if (!message.outgoing) continue;
      own.push(message.text);
      seqs.push(message.seq);
    }
    // P1: what was promised is there; P2: in its order and without a hole.
    expect(own.slice(0, result.promised.length)).toEqual(result.promised);
    expect(seqs).toEqual(own.map((_, at) => at + 1));
  });
});
