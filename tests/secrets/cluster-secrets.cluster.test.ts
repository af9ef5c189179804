import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Client, EventType, GroupChat, UserId } from '@sotto/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningCluster } from '../../packages/relay-server/test/running-cluster.ts';
import { bytesCanary, type Canary, type Capture, findCanaries, textCanary } from './canary.ts';
import { SecretivePerson } from './secretive-person.ts';

const live = `live ${randomUUID()}`;
const waited = Array.from({ length: 3 }, (_, at) => `waited ${at} über ${randomUUID()}`);
const inGroup = Array.from({ length: 2 }, (_, at) => `in the group ${at} ${randomUUID()}`);
/** 25 characters, as many as a title may have. */
const title = `title ${randomUUID().replaceAll('-', '').slice(0, 19)}`;
const [picture, ofGroup] = [new Uint8Array(randomBytes(3_000)), new Uint8Array(randomBytes(2_000))];
const captures: Capture[] = [];
let cluster: RunningCluster;
let alice: SecretivePerson;
let bob: SecretivePerson;
let carol: SecretivePerson;
let log = '';
let urls: readonly string[] = [];

const heard: readonly EventType[] = [
  'message.received',
  'message.sent',
  'chat.created',
  'group.changed',
  'connection.changed',
  'profile.changed',
];

/** Resolves when it is so, looking again at each event of these clients. */
async function until(clients: readonly Client[], isSo: () => Promise<boolean>): Promise<void> {
  for (;;) {
    const told = Promise.withResolvers<void>();
    for (const client of clients) for (const type of heard) client.on(type, () => told.resolve());
    if (await isSo()) return;
    await told.promise;
  }
}

function idOf({ client }: SecretivePerson): UserId {
  if (client.account === undefined) throw new Error('they have no account');
  return client.account.userId;
}

async function textsOf(client: Client, group: GroupChat): Promise<readonly string[]> {
  const { messages } = (await (await client.groups.get(group.groupId))?.history({ limit: 100 })) ?? { messages: [] };
  return messages.map(({ text }) => text);
}

async function received(person: SecretivePerson, from: SecretivePerson): Promise<readonly string[]> {
  const { messages } = await (await person.client.chats.with(from.number)).history({ limit: 100 });
  return messages.map(({ text }) => text);
}

async function look(when: string): Promise<void> {
  for (const { name, bytes } of await cluster.contents.everything()) {
    captures.push({ name: `${name} ${when}`, bytes });
  }
}

function everyCanary(): readonly Canary[] {
  return [
    ...[live, ...waited, ...inGroup].map((text) => textCanary(`text ${text.slice(0, 8)}`, text)),
    textCanary('title of the group', title),
    bytesCanary('avatar', picture.subarray(1_000, 1_040)),
    bytesCanary('avatar of the group', ofGroup.subarray(1_000, 1_040)),
    ...[alice, bob, carol].flatMap(({ told, kept }) => [...told, ...kept]),
  ];
}

/** Both have written to each other, so that each has the other's profile key. */
async function befriend(one: SecretivePerson, other: SecretivePerson, text: string): Promise<void> {
  await (await one.client.chats.with(other.number)).send(text);
  await until([other.client], async () => (await received(other, one)).includes(text));
  await (await other.client.chats.with(one.number)).send(`${text}!`);
  await until([one.client], async () => (await received(one, other)).includes(`${text}!`));
}

beforeAll(async () => {
  cluster = await RunningCluster.start();
  urls = cluster.nodes.map(({ url }) => url);
  const [first, second] = cluster.pair;
  alice = await SecretivePerson.register(first);
  bob = await SecretivePerson.register(second);
  carol = await SecretivePerson.register(second);
  const codes = [alice, bob, carol].map(({ number }) => first.codeFor(number));
  await befriend(alice, bob, live);
  await befriend(alice, carol, live);
  await alice.client.profile.set({ avatar: picture });
  const group = await alice.client.groups.create({ title, members: [idOf(bob), idOf(carol)], avatar: ofGroup });
  for (const { client } of [bob, carol]) {
    await until([client], async () => (await client.groups.get(group.groupId)) !== undefined);
  }
  await look('while all is live');

  await bob.client.stop();
  const chat = await alice.client.chats.with(bob.number);
  let left = waited.length + inGroup.length;
  const sent = Promise.withResolvers<void>();
  alice.client.on('message.sent', () => {
    if (--left === 0) sent.resolve();
  });
  for (const text of waited) await chat.send(text);
  for (const text of inGroup) await group.send(text);
  await sent.promise;
  await until([carol.client], async () => (await textsOf(carol.client, group)).length === inGroup.length);
  await look('while mail waits');

  await alice.refreshTokens();
  await bob.open();
  await until([bob.client], async () => (await textsOf(bob.client, group)).length === inGroup.length);
  await until(
    [bob.client],
    async () => (await received(bob, alice)).filter((text) => waited.includes(text)).length === 3,
  );
  await bob.noteKeys();
  await look('when all is read');
  for (const person of [alice, bob, carol]) await person.end();
  await cluster.stop();
  await look('after the end');
  log = cluster.log;
  for (const code of codes) alice.told.push(textCanary('verification code in its request', `"code":"${code}"`));
}, 600_000);
afterAll(() => cluster?.[Symbol.asyncDispose]());

describe('P3 a cluster never holds plaintext, a content key, a name, a number or a token in clear  [security: log-metadata]', () => {
  it('the search looks at what was there: mail in Kafka and Cassandra, hashes of tokens, avatars, where devices are', () => {
    const engines = ['user2user_message/', 'group_message/', 'pending ', 'user ', 'presence:', 'avatars_', 'groups_'];
    for (const engine of engines) expect(captures.some(({ name }) => name.includes(engine))).toBe(true);
    expect(captures.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeGreaterThan(50_000);
    const tokens = [alice, bob, carol].flatMap(({ told }) => told).filter(({ name }) => / token$/.test(name));
    const hashes = tokens.map(({ name, bytes }) =>
      bytesCanary(`hash of ${name}`, createHash('sha256').update(bytes).digest()),
    );
    const found = new Set(findCanaries(captures, hashes).map((line) => line.replace(/ in .*/, '')));
    expect(found).toEqual(new Set(['hash of access token', 'hash of refresh token']));
    const ids = [alice, bob, carol].flatMap(({ userIds }) => userIds).map((id) => textCanary('user id', id));
    expect(findCanaries(captures, ids).some((line) => line.includes('presence:'))).toBe(true);
  });

  it('no record, row, key, value or object has any of them', () => {
    expect(everyCanary().length).toBeGreaterThan(20);
    expect(findCanaries(captures, everyCanary())).toEqual([]);
  });

  it('no log line has any of them, nor an id or an address of a node', () => {
    expect(log.split('\n').length).toBeGreaterThan(2);
    const ids = [alice, bob, carol].flatMap(({ userIds }) => userIds).map((id) => textCanary('user id', id));
    const capture = { name: 'logs', bytes: Buffer.from(log) };
    expect(findCanaries([capture], [...everyCanary(), ...ids])).toEqual([]);
    for (const url of urls) expect(log).not.toContain(new URL(url).host);
  });

  it('the search finds a canary that is planted', () => {
    const [one] = captures;
    for (const canary of everyCanary()) {
      const bytes = Buffer.concat([one?.bytes ?? new Uint8Array(), canary.bytes]);
      expect(findCanaries([{ name: 'planted', bytes }], [canary])).toEqual([`${canary.name} in planted, plain`]);
    }
  });
});
