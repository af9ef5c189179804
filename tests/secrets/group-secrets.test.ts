import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CiphertextKind, Envelope, fromBase64Url, GroupState, uuidToBytes } from '@sotto/proto';
import { Client, type EventType, type GroupChat, type UserId } from '@sotto/sdk';
import { memoryStore } from '@sotto/storage-adapters/memory';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesCanary, type Canary, type Capture, findCanaries, textCanary } from './canary.ts';
import { RelayCommand } from './relay-command.ts';
import { SecretivePerson } from './secretive-person.ts';

const folder = mkdtempSync(join(tmpdir(), 'sotto-group-secrets-'));
const data = join(folder, 'relay');
const relay = new RelayCommand(data);
/** 25 characters, as many as a title may have. */
const titles = ['first', 'other'].map((word) => `${word} ${randomUUID().replaceAll('-', '').slice(0, 19)}`);
const avatars = [2_000, 700].map((length) => new Uint8Array(randomBytes(length)));
const texts = Array.from({ length: 6 }, (_, at) => `in the group ${at} ${randomUUID()}`);
/** The first message of each member. */
const firsts: string[] = [];
const sealed = Array.from({ length: 3 }, (_, at) => `sealed ${at} ${randomUUID()}`);
const named = `with its sender ${randomUUID()}`;
const tabletName = `Tablet ${randomUUID()}`;
const disks: Capture[] = [];
const canaries: Canary[] = [];
let alice: SecretivePerson;
let bob: SecretivePerson;
let carol: SecretivePerson;
/** Somebody who does not seal: what is looked for of Alice is found of him. */
let dave: SecretivePerson;

const heard: readonly EventType[] = [
  'message.received',
  'message.sent',
  'message.read',
  'chat.created',
  'group.changed',
  'group.requested',
  'device.linked',
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

function lookAtDisk(when: string): void {
  for (const entry of readdirSync(data, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    disks.push({ name: `${entry.name} ${when}`, bytes: readFileSync(join(entry.parentPath, entry.name)) });
  }
}

const idOf = ({ client }: SecretivePerson): UserId => {
  if (client.account === undefined) throw new Error('they have no account');
  return client.account.userId;
};

async function groupOf({ client }: SecretivePerson, { groupId }: GroupChat): Promise<GroupChat> {
  const group = await client.groups.get(groupId);
  if (group === undefined) throw new Error('they do not have the group');
  return group;
}

async function inGroup(person: SecretivePerson, group: GroupChat): Promise<readonly string[]> {
  const { messages } = await (await groupOf(person, group)).history({ limit: 100 });
  return messages.map(({ text }) => text);
}

/** Both have written to each other, so that each has the other's profile key. */
async function befriend(one: SecretivePerson, other: SecretivePerson): Promise<void> {
  const clients = [one.client, other.client];
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const text = `hello ${randomUUID()}`;
    await (await from.client.chats.with(to.number)).send(text);
    await until(clients, async () => (await textsOf(to, from)).includes(text));
  }
}

async function textsOf(person: SecretivePerson, other: SecretivePerson): Promise<readonly string[]> {
  const { messages } = await (await person.client.chats.with(other.number)).history({ limit: 100 });
  return messages.map(({ text }) => text);
}

/** Sends, and resolves when the relay has all of it. */
async function sendAll(chat: Pick<GroupChat, 'send'>, client: Client, texts: readonly string[]): Promise<void> {
  let left = texts.length;
  const all = Promise.withResolvers<void>();
  const ids = new Set<string>();
  const early = new Set<string>();
  const count = (id: string) => {
    if (ids.has(id) && --left === 0) all.resolve();
  };
  client.on('message.sent', ({ message }) => {
    early.add(message.id);
    count(message.id);
  });
  for (const text of texts) {
    const { id } = await chat.send(text);
    ids.add(id);
    if (early.has(id)) count(id);
  }
  await all.promise;
}

beforeAll(async () => {
  await relay.start(randomUUID());
  alice = await SecretivePerson.register(relay);
  bob = await SecretivePerson.register(relay);
  carol = await SecretivePerson.register(relay);
  dave = await SecretivePerson.register(relay, { sealedSender: false });
  for (const [one, other] of [
    [alice, bob],
    [alice, carol],
    [bob, carol],
    [dave, carol],
  ] as const) {
    await befriend(one, other);
  }

  const members = [idOf(bob), idOf(carol)];
  const [avatar = new Uint8Array(), otherAvatar] = avatars;
  const group = await alice.client.groups.create({ title: titles[0] ?? '', avatar, members });
  const stateAt = async (person: SecretivePerson) =>
    GroupState.decode((await person.store.get('group', { id: group.groupId }))?.state ?? new Uint8Array());
  const isSeen = (person: SecretivePerson, fits: (info: Awaited<ReturnType<GroupChat['info']>>) => boolean) =>
    until([person.client], async () => {
      const info = await (await person.client.groups.get(group.groupId))?.info();
      return info !== undefined && fits(info);
    });
  for (const person of [bob, carol]) await isSeen(person, ({ members }) => members.length === 3);
  await group.setRole(idOf(bob), 'admin');
  await isSeen(bob, ({ role }) => role === 'admin');
  await (await groupOf(bob, group)).setTitle(titles[1] ?? '');
  for (const person of [alice, carol]) await isSeen(person, ({ title }) => title === titles[1]);
  const firstAvatar = (await stateAt(alice)).avatar;
  await (await groupOf(bob, group)).setAvatar(otherAvatar);
  const { avatar: bobs } = await (await groupOf(bob, group)).info();
  for (const person of [alice, carol]) {
    await isSeen(person, ({ avatar: seen }) => Buffer.compare(seen ?? new Uint8Array(), bobs ?? avatar) === 0);
    expect(await (await groupOf(person, group)).fetchAvatar()).toEqual(otherAvatar);
  }
  const states = [firstAvatar, (await stateAt(alice)).avatar].map((one) => ({
    key: Uint8Array.from(one?.key ?? []),
    hash: Uint8Array.from(one?.hash ?? []),
    location: Uint8Array.from(one?.location ?? []),
  }));
  expect(states.map(({ key, hash, location }) => key.length + hash.length + location.length)).toEqual([96, 96]);
  const link = await group.openInvite();

  const tablet = await Client.open({ relay: relay.url, store: memoryStore() });
  let code = '';
  await tablet.linkDevice({
    name: tabletName,
    onCode: (shown) => {
      code = shown;
      void alice.client.devices.link(shown, { confirm: () => true });
    },
  });
  await until([alice.client], async () => (await alice.client.devices.list()).length === 2);
  await tablet.stop();

  // Everybody writes once: from then on there are sessions, and the keys of chains are with all.
  for (const person of [alice, bob, carol]) {
    const first = `first ${randomUUID()}`;
    firsts.push(first);
    await sendAll(await groupOf(person, group), person.client, [first]);
    for (const other of [alice, bob, carol]) {
      await until([other.client], async () => (await inGroup(other, group)).includes(first));
    }
  }
  for (const { client } of [alice, bob, carol]) await client.flush();
  await carol.client.stop();
  lookAtDisk('before the group writes');
  await sendAll(group, alice.client, texts.slice(0, 3));
  await sendAll(await groupOf(bob, group), bob.client, texts.slice(3));
  lookAtDisk('before what is sealed');
  await sendAll(await alice.client.chats.with(carol.number), alice.client, sealed);
  await sendAll(await dave.client.chats.with(carol.number), dave.client, [named]);
  lookAtDisk('while mail waits');

  await carol.open();
  await until([carol.client], async () => {
    const [direct, fromDave] = [await textsOf(carol, alice), await textsOf(carol, dave)];
    const came = await inGroup(carol, group);
    return [...texts.map((text) => came.includes(text)), ...sealed.map((text) => direct.includes(text))].every(
      (isThere) => isThere && fromDave.includes(named),
    );
  });
  lookAtDisk('when all is read');
  for (const person of [alice, bob, carol]) {
    await person.noteKeys();
    for (const { key, keyEpoch } of await person.store.groupKeys(group.groupId)) {
      canaries.push(bytesCanary(`state key of epoch ${keyEpoch}`, key));
    }
  }
  const wireId = (await alice.store.get('group', { id: group.groupId }))?.wireId ?? new Uint8Array();
  canaries.push(
    ...titles.map((title, at) => textCanary(`title ${at}`, title)),
    ...[...firsts, ...texts, ...sealed, named].map((text, at) => textCanary(`text ${at}`, text)),
    // The beginning of each is enough.
    ...avatars.map((bytes, at) => bytesCanary(`avatar ${at}`, bytes.subarray(0, 32))),
    ...states.flatMap(({ key, hash }, at) => [
      bytesCanary(`avatar key ${at}`, key),
      bytesCanary(`avatar hash ${at}`, hash),
    ]),
    // What makes Bob an admin, as the change has it.
    ...[2, 3].map((role) =>
      bytesCanary(`role ${role}`, Buffer.concat([tagged(uuidToBytes(idOf(bob))), Buffer.from([0x10, role])])),
    ),
    bytesCanary('invite key', fromBase64Url(link.slice(link.indexOf(':') + 1)).subarray(32)),
    textCanary('name of a device', tabletName),
    bytesCanary('secret of a link', linkSecretOf(code)),
    ...[alice, bob, carol, dave].flatMap(({ told, kept }) => [...told, ...kept]),
  );
  logged = [
    ...[alice, bob, carol, dave].map((person) => textCanary('user id', idOf(person))),
    bytesCanary('group id', wireId),
    textCanary('group uuid', group.groupId),
    ...states.map(({ location }) => bytesCanary('location of an avatar', location)),
  ];

  const people = [alice, bob, carol, dave];
  const offline = people.map(({ client }) => until([client], async () => client.connection !== 'live'));
  await relay.stop();
  await Promise.all(offline);
  for (const person of people) await person.end();
  lookAtDisk('after the end');
});

/** What must not stand in a log beside the canaries. */
let logged: readonly Canary[] = [];

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The field of a message that holds a user id, as `SetGroupRole` has it. */
function tagged(userId: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0x0a, userId.length]), userId]);
}

/** The secret in the code that a new device shows. */
function linkSecretOf(code: string): Uint8Array {
  const bytes = Buffer.from(fromBase64Url(code.slice(code.indexOf(':') + 1)));
  const at = bytes.indexOf(Buffer.from([0x2a, 16]));
  if (at < 0) throw new Error('the code has no secret');
  return bytes.subarray(at + 2, at + 18);
}

/** The relay's database as it was. */
function databaseOf(when: string): Database.Database {
  const file = join(folder, 'copy.db');
  for (const suffix of ['', '-wal']) {
    const found = disks.find(({ name }) => name === `relay.db${suffix} ${when}`);
    writeFileSync(`${file}${suffix}`, found?.bytes ?? new Uint8Array());
  }
  return new Database(file);
}

/** What waits for somebody. */
function mailOf(database: Database.Database, person: SecretivePerson): readonly Envelope[] {
  const rows = database
    .prepare<[Buffer], { envelope: Buffer; body: Buffer | null }>(
      `SELECT mail.envelope, shared_mail.body FROM mail JOIN device ON device.id = mail.device
       LEFT JOIN shared_mail ON shared_mail.id = mail.shared WHERE device.user_id = ?`,
    )
    .all(Buffer.from(uuidToBytes(idOf(person))));
  return rows.map(({ envelope, body }) => Envelope.decode(Buffer.concat([envelope, body ?? Buffer.alloc(0)])));
}

/** How many sends to somebody are recorded as those of devices of another one. */
function recorded(database: Database.Database, from: SecretivePerson, to: SecretivePerson): number {
  const devices = database
    .prepare<[Buffer], { id: number }>('SELECT id FROM device WHERE user_id = ?')
    .all(Buffer.from(uuidToBytes(idOf(from))));
  const receipts = database.prepare<[], { send: Buffer; rest: Buffer }>('SELECT send, rest FROM receipt').all();
  return receipts.filter(
    ({ send, rest }) =>
      devices.some(({ id }) => send.readBigUInt64BE(send.length - 8) === BigInt(id)) &&
      rest.includes(Buffer.from(uuidToBytes(idOf(to)))),
  ).length;
}

describe('of groups, devices and sealed sends the relay holds no title, avatar, role, name, key or sender  [security: log-metadata]', () => {
  it('the canaries were sent', () => {
    const names = new Set(canaries.map(({ name }) => name.replace(/ \d+$/, '')));
    for (const name of [
      'title',
      'avatar',
      'avatar key',
      'avatar hash',
      'text',
      'role',
      'invite key',
      'state key of epoch',
      'name of a device',
    ]) {
      expect(names).toContain(name);
    }
    expect(disks.map(({ name }) => name)).toContain('relay.db-wal while mail waits');
    // Both avatars stand there: the one before is kept for those who are behind.
    const ofGroups = disks.filter(({ name }) => /^groups_\w+ after the end$/.test(name));
    expect(ofGroups.map(({ bytes }) => bytes.length).sort()).toEqual([2_076, 1_052].sort());
    const text = alice
      .wire()
      .map((bytes) => bytes.toString('latin1'))
      .join('');
    expect(text).toContain('POST /v1/sealed');
    expect(text).toContain('POST /v1/sealed/multi');
    expect(text).toContain('POST /v1/groups/');
  });

  it('its files hold none of them, while mail waits and after', () => {
    expect(disks.reduce((total, { bytes }) => total + bytes.length, 0)).toBeGreaterThan(100_000);
    expect(findCanaries(disks, canaries)).toEqual([]);
  });

  it('its logs at debug hold none of them, nor an id of a user or a group', () => {
    expect(relay.output.split('\n').length).toBeGreaterThan(3);
    const output = [{ name: 'logs', bytes: Buffer.from(relay.output) }];
    expect(findCanaries(output, [...canaries, ...logged])).toEqual([]);
  });

  it('nothing tells who wrote to the group, nor to which  [security: sealed-sends]', () => {
    const pairs = [
      [alice, carol],
      [bob, carol],
      [alice, bob],
      [bob, alice],
    ] as const;
    const look = (when: string) => {
      const database = databaseOf(when);
      const counts = pairs.map(([from, to]) => recorded(database, from, to));
      const waiting = mailOf(database, carol);
      database.close();
      return { counts, waiting };
    };
    const [before, after] = [look('before the group writes'), look('before what is sealed')];
    // The search finds what names its sender: they have written to each other as strangers once.
    expect(before.counts.some((count) => count > 0)).toBe(true);
    expect(after.counts).toEqual(before.counts);
    expect(after.waiting.length - before.waiting.length).toBeGreaterThanOrEqual(texts.length);
    const [wireId] = logged.filter(({ name }) => name === 'group id');
    for (const envelope of after.waiting) {
      const { kind, senderUser, senderDevice, groupId } = envelope;
      expect([kind, senderUser.length, senderDevice, groupId.length]).toEqual([
        CiphertextKind.CIPHERTEXT_KIND_SEALED,
        0,
        0,
        0,
      ]);
      const bytes = Buffer.from(Envelope.encode(envelope));
      for (const person of [alice, bob]) expect(bytes.includes(Buffer.from(uuidToBytes(idOf(person))))).toBe(false);
      expect(wireId && findCanaries([{ name: 'envelope', bytes }], [wireId])).toEqual([]);
    }
  });

  it('nothing tells who has sealed a message that waits  [security: sealed-sends]', () => {
    const before = databaseOf('before what is sealed');
    const counts = [recorded(before, alice, carol), recorded(before, dave, carol)];
    before.close();
    const database = databaseOf('while mail waits');
    const waiting = mailOf(database, carol);
    const isSealed = ({ kind }: Envelope) => kind === CiphertextKind.CIPHERTEXT_KIND_SEALED;
    expect(waiting.filter(isSealed).length).toBeGreaterThanOrEqual(sealed.length);
    for (const envelope of waiting.filter(isSealed)) {
      const { senderUser, senderDevice, messageId, groupId } = envelope;
      expect([senderUser.length, senderDevice, messageId.length, groupId.length]).toEqual([0, 0, 0, 0]);
      const bytes = Buffer.from(Envelope.encode(envelope));
      for (const person of [alice, bob, dave])
        expect(bytes.includes(Buffer.from(uuidToBytes(idOf(person))))).toBe(false);
    }
    const others = waiting.filter((envelope) => !isSealed(envelope) && envelope.groupId.length === 0);
    // Dave names himself, and is found by the same search; nobody else does.
    expect(others.map(({ senderUser }) => Buffer.from(senderUser))).toEqual([Buffer.from(uuidToBytes(idOf(dave)))]);
    const after = [recorded(database, alice, carol), recorded(database, dave, carol)];
    expect(after).toEqual([counts[0], (counts[1] ?? 0) + 1]);
    database.close();
  });
});
