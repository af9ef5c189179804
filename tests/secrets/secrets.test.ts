import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBase64Url, type StreamTicketAnswer } from '@sotto/proto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesCanary, type Canary, type Capture, findCanaries, formsOf, textCanary } from './canary.ts';
import { KnownAddresses } from './known-addresses.ts';
import { RelayCommand } from './relay-command.ts';
import { SecretivePerson } from './secretive-person.ts';

const folder = mkdtempSync(join(tmpdir(), 'sotto-secrets-'));
const data = join(folder, 'relay');
const relay = new RelayCommand(data);
const webhookSecret = randomUUID();
const texts = Array.from({ length: 40 }, (_, at) => `text ${at} über ${randomUUID()}`);
const avatar = randomBytes(5_000);
let alice: SecretivePerson;
let bob: SecretivePerson;
/** What the relay had on its disk: while mail waited, when it was read, and after the end. */
const disks: Capture[] = [];
let arrived: readonly string[] = [];
const addresses = new KnownAddresses();
/** Stream tickets that were given out, used or not. */
const tickets: Canary[] = [];

function lookAtDisk(when: string): void {
  const entries = readdirSync(data, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((each) => each.isFile())) {
    disks.push({ name: `${entry.name} ${when}`, bytes: readFileSync(join(entry.parentPath, entry.name)) });
  }
}

function everyCanary(): readonly Canary[] {
  return [
    ...texts.map((text, at) => textCanary(`text ${at}`, text)),
    bytesCanary('avatar', avatar.subarray(1_000, 1_040)),
    textCanary('secret of the gateway', webhookSecret),
    ...addresses.canaries,
    ...tickets,
    ...[alice, bob].flatMap(({ told, kept }) => [...told, ...kept]),
  ];
}

beforeAll(async () => {
  await relay.start(webhookSecret);
  alice = await SecretivePerson.register(relay);
  bob = await SecretivePerson.register(relay);
  const codes = [alice, bob].map(({ number }) => relay.codeFor(number));
  // Both know each other, and have sessions in both directions.
  const toBob = await alice.client.chats.with(bob.number);
  const toAlice = await bob.client.chats.with(alice.number);
  const greeted = Promise.withResolvers<void>();
  alice.client.on('message.received', () => greeted.resolve());
  await toAlice.send(texts[0] ?? '');
  await greeted.promise;
  await bob.client.stop();
  await alice.client.profile.set({ avatar });
  const waiting = Promise.withResolvers<void>();
  let left = texts.length - 1;
  alice.client.on('message.sent', () => {
    if (--left === 0) waiting.resolve();
  });
  await Promise.all(texts.slice(1).map((text) => toBob.send(text)));
  await waiting.promise;
  await askForTicket();
  lookAtDisk('while mail waits');
  await alice.refreshTokens();
  await provoke();
  const back = await bob.open();
  const all = Promise.withResolvers<void>();
  let expected = texts.length - 1;
  back.on('message.received', () => {
    if (--expected === 0) all.resolve();
  });
  await all.promise;
  const chat = await back.chats.with(alice.number);
  const { messages } = await chat.history({ limit: 500 });
  const read = Promise.withResolvers<void>();
  alice.client.on('message.read', () => read.resolve());
  const newest = messages.at(-1);
  if (newest !== undefined) await chat.markRead(newest);
  await read.promise;
  arrived = messages.map(({ text }) => text);
  await bob.noteKeys();
  lookAtDisk('when all is read');
  const offline = [alice, bob].map(({ client }) => {
    const gone = Promise.withResolvers<void>();
    client.on('connection.changed', ({ state }) => {
      if (state === 'offline') gone.resolve();
    });
    return gone.promise;
  });
  await relay.stop();
  await Promise.all(offline);
  await alice.end();
  await bob.end();
  lookAtDisk('after the end');
  for (const code of codes) alice.told.push(textCanary('verification code in its request', `"code":"${code}"`));
});

/** Requests that go wrong, with secrets in every place: what is logged of them must not repeat any. */
async function provoke(): Promise<void> {
  const [token] = alice.told.filter(({ name }) => name === 'access token');
  const secret = Buffer.from(token?.bytes ?? []).toString('base64url');
  const json = { 'content-type': 'application/json' };
  const wrong: [string, RequestInit][] = [
    [`/v1/users/${secret}/bundles`, {}],
    [`/v1/${encodeURIComponent(texts[1] ?? '')}?number=${encodeURIComponent(alice.number)}`, {}],
    ['/v1/lookups', { method: 'POST', headers: { ...json, authorization: `Bearer ${secret}x` }, body: '{}' }],
    [
      '/v1/lookups',
      {
        method: 'POST',
        headers: { ...json, authorization: `Bearer ${secret}` },
        body: `{"numbers": ["${alice.number}"`,
      },
    ],
    ['/v1/verifications', { method: 'POST', headers: json, body: JSON.stringify({ number: `${alice.number}0000` }) }],
    [
      '/v1/tokens',
      { method: 'POST', headers: json, body: JSON.stringify({ refreshToken: secret, nextRefreshToken: secret }) },
    ],
  ];
  for (const [path, request] of wrong) {
    expect((await fetch(relay.url + path, request)).status).toBeGreaterThanOrEqual(400);
    const { method = 'GET', headers, body } = request;
    const asked = { method, headers: { ...(headers as Record<string, string>) } };
    const statuses = await addresses.askFromAll(relay.url + path, {
      ...asked,
      ...(typeof body === 'string' && { body }),
    });
    expect(Math.min(...statuses)).toBeGreaterThanOrEqual(400);
  }
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
  const headers = { ...upgrade, 'sec-websocket-key': randomBytes(16).toString('base64'), authorization: 'Bearer x' };
  const refused = await addresses.askFromAll(`${relay.url}/v1/stream`, { method: 'GET', headers });
  expect(Math.min(...refused)).toBeGreaterThanOrEqual(400);
  // Those who are counted by their address.
  const number = JSON.stringify({ number: '+14155559999' });
  const counted = await addresses.askFromAll(`${relay.url}/v1/verifications`, {
    method: 'POST',
    headers: json,
    body: number,
  });
  expect(counted).toEqual([202, 202, 202]);
}

/** Has a ticket made that nobody redeems. */
async function askForTicket(): Promise<void> {
  const token = alice.told.findLast(({ name }) => name === 'access token');
  const authorization = `Bearer ${Buffer.from(token?.bytes ?? []).toString('base64url')}`;
  const answer = await fetch(`${relay.url}/v1/stream-tickets`, { method: 'POST', headers: { authorization } });
  expect(answer.status).toBe(200);
  const { ticket } = (await answer.json()) as StreamTicketAnswer;
  tickets.push(bytesCanary('stream ticket', fromBase64Url(ticket)));
}

/** The tokens that both clients had. */
function tokens(): readonly Canary[] {
  return [alice, bob].flatMap(({ told }) => told).filter(({ name }) => / token$/.test(name));
}

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('P3 the relay never holds plaintext, a content key, a name, a number or an address in clear  [security: log-metadata]', () => {
  it('the canaries were sent', () => {
    expect([...arrived].sort()).toEqual([...texts].sort());
    for (const { number } of [alice, bob]) expect(relay.codeFor(number)).toMatch(/^\d{6}$/);
    const names = new Set(everyCanary().map(({ name }) => name.replace(/ \d+$/, '')));
    for (const name of ['text', 'username', 'number', 'access token', 'refresh token', 'recovery key', 'profile key']) {
      expect(names).toContain(name);
    }
    // What was told to the relay did pass: the same search finds it there.
    const wire = alice.wire().map((bytes): Capture => ({ name: 'wire', bytes }));
    const found = findCanaries(wire, alice.told).map((line) => line.replace(/ in wire.*/, ''));
    expect(new Set(found)).toEqual(new Set(alice.told.map(({ name }) => name)));
  });

  it('its database, log, index and blobs hold none of them, while mail waits and after', () => {
    const names = disks.map(({ name }) => name);
    for (const file of ['relay.db', 'relay.db-wal', 'relay.db-shm'])
      expect(names).toContain(`${file} while mail waits`);
    // The avatar: one blob.
    expect(disks.filter(({ name }) => !name.startsWith('relay.')).length).toBeGreaterThan(0);
    expect(disks.reduce((total, { bytes }) => total + bytes.length, 0)).toBeGreaterThan(100_000);
    expect(findCanaries(disks, everyCanary())).toEqual([]);
  });

  it('a dump of its files holds no token that can be used: hashes only  [security: token-theft]', () => {
    expect(tokens().length).toBeGreaterThanOrEqual(6);
    expect(tickets.length).toBe(1);
    expect(findCanaries(disks, [...tokens(), ...tickets])).toEqual([]);
    // The same search finds what is there: the hash of each.
    const hashes = tokens().map(({ name, bytes }) =>
      bytesCanary(`hash of ${name}`, createHash('sha256').update(bytes).digest()),
    );
    const found = new Set(findCanaries(disks, hashes).map((line) => line.replace(/ in .*/, '')));
    expect(found).toEqual(new Set(['hash of access token', 'hash of refresh token']));
  });

  it('a token is never in a URL  [security: token-theft]', () => {
    const passed = [alice, bob].flatMap((person) => person.wire().map((bytes) => bytes.toString('latin1')));
    const lines = passed.flatMap((text) => text.match(/^(GET|POST|PUT|DELETE|PATCH) \S+ HTTP\/1\.1/gm) ?? []);
    expect(lines.some((line) => line.startsWith('GET /v1/stream '))).toBe(true);
    expect(lines.length).toBeGreaterThan(10);
    expect(findCanaries([{ name: 'URLs', bytes: Buffer.from(lines.join('\n')) }], [...tokens(), ...tickets])).toEqual(
      [],
    );
  });

  it('its logs at debug hold none of them, nor an id', () => {
    expect(relay.output.split('\n').length).toBeGreaterThan(3);
    const ids = [alice, bob].flatMap(({ userIds }) => userIds).map((id) => textCanary('user id', id));
    expect(findCanaries([{ name: 'logs', bytes: Buffer.from(relay.output) }], [...everyCanary(), ...ids])).toEqual([]);
  });

  it('what passes over the wire holds no text, name, picture or key', () => {
    const wire = [alice, bob].flatMap((person) => person.wire().map((bytes): Capture => ({ name: 'wire', bytes })));
    expect(wire.reduce((total, { bytes }) => total + bytes.length, 0)).toBeGreaterThan(50_000);
    const told = new Set([alice, bob].flatMap((person) => person.told));
    const secret = everyCanary().filter((canary) => !told.has(canary));
    expect(secret.length).toBeGreaterThan(texts.length + 10);
    expect(findCanaries(wire, secret)).toEqual([]);
  });

  it('the log of the client holds none of them', () => {
    const lines = [...alice.log, ...bob.log].join('\n');
    expect(lines).not.toBe('');
    expect(findCanaries([{ name: 'log of the client', bytes: Buffer.from(lines) }], everyCanary())).toEqual([]);
  });

  it('the search finds a canary that is planted in a copy of the database', () => {
    const copy = join(folder, 'copy.db');
    for (const canary of everyCanary()) {
      const [form] = formsOf(canary);
      copyFileSync(join(data, 'relay.db'), copy);
      writeFileSync(copy, form?.bytes ?? '', { flag: 'a' });
      expect(findCanaries([{ name: 'copy', bytes: readFileSync(copy) }], [canary])).toEqual([
        `${canary.name} in copy, plain`,
      ]);
    }
  });
});
