import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { IdentityKeyPair, PrivateKey, SenderCertificate, ServerCertificate } from '@signalapp/libsignal-client';
import { toBase64Url, uuidToBytes } from '@sotto/proto';
import type { UserId } from '@sotto/sdk';
import type { Fetch } from '@sotto/sdk/ports';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { bytesCanary, type Canary, type Capture, findCanaries, textCanary } from '../secrets/canary.ts';
import { exchange, JourneyWorld } from './journey-world.ts';
import type { Person } from './person.ts';
import { WatchedSends } from './watched-sends.ts';

const day = 86_400_000;
const period = 30 * day;

function idOf(person: Person): UserId {
  const { account } = person.client;
  if (account === undefined) throw new Error('nobody has registered there');
  return account.userId;
}

/** Two people who know each other, each of whom is watched. */
async function contacts(world: JourneyWorld): Promise<readonly [WatchedSends, WatchedSends]> {
  const [alice, bob] = [await WatchedSends.open(world), await WatchedSends.open(world)];
  await exchange(alice.person, bob.person);
  await settled(world, alice.person, bob.person);
  return [alice, bob];
}

/** Resolves when everything that these people sent has left, receipts included. */
async function settled(world: JourneyWorld, ...people: readonly Person[]): Promise<void> {
  for (const person of people) {
    for (;;) {
      const { commits } = person.observed;
      if ((await person.observed.store().outboxChats()).length === 0) break;
      await world.watch.until(() => person.observed.commits > commits);
    }
  }
}

function textsOf(person: Person): readonly string[] {
  return person.incoming().map(({ text }) => text);
}

/** Why what is held of somebody's mail is held. */
async function heldReasons(person: Person): Promise<readonly string[]> {
  return (await person.observed.store().held(100)).map(({ reason }) => reason);
}

describe('who writes to a contact', () => {
  it('is not named to the relay, receipts included, and all comes in order; strangers are written to by name  [security: sealed-sends]', async () => {
    await using world = await JourneyWorld.open();
    const [alice, bob] = [await WatchedSends.open(world), await WatchedSends.open(world)];
    await alice.person.say(bob.person, 'we do not know each other');
    await bob.person.received('we do not know each other');
    expect([alice.named.length, alice.sealed]).toEqual([1, 0]);
    // Bob accepts by answering; Alice has his profile key with that.
    await bob.person.say(alice.person, 'now we do', 'delivered');
    await settled(world, alice.person, bob.person);
    const before = [alice.named.length, bob.named.length];
    const sealed = [alice.sealed, bob.sealed];
    const texts = Array.from({ length: 150 }, (_, at) => `message ${at}`);
    const chat = await alice.person.chat(bob.person);
    const messages = await Promise.all(texts.map((text) => chat.send(text)));
    const last = messages.at(-1);
    if (last === undefined) throw new Error('nothing was sent');
    await alice.person.told('message.delivered', last);
    await (await bob.person.chat(alice.person)).markRead(await bob.person.received('message 149'));
    await alice.person.told('message.read', last);
    await settled(world, alice.person, bob.person);
    expect(textsOf(bob.person)).toEqual(['we do not know each other', ...texts]);
    expect([alice.named.length, bob.named.length]).toEqual(before);
    expect(alice.sealed - (sealed[0] ?? 0)).toBe(150);
    expect(bob.sealed).toBeGreaterThan(sealed[1] ?? 0);
    for (const { to, authorization } of alice.posts) expect([to, authorization]).toEqual([idOf(bob.person), undefined]);
    // Fewer requests than messages: they leave together.
    expect(alice.posts.length).toBeLessThan(100);
    expect(await heldReasons(bob.person)).toEqual([]);
    const carol = await world.person();
    await alice.person.say(carol, 'a stranger');
    await carol.received('a stranger');
    expect(alice.named.length).toBe((before[0] ?? 0) + 1);
  });

  it('is held by who has no trust roots yet, and shown once those are pinned, without a start', async () => {
    await using world = await JourneyWorld.open();
    let isKept = true;
    const without: Fetch = (url, init) =>
      (fetch as unknown as Fetch)(
        isKept && String(url).endsWith('/.well-known/sotto.json') ? `${url}/none` : url,
        init,
      );
    const [alice, bob] = [await world.person(), await world.person({ platform: { fetch: without } })];
    await exchange(alice, bob);
    await settled(world, alice, bob);
    const before = (await heldReasons(bob)).length;
    await alice.say(bob, 'sealed');
    await world.watch.until(() => bob.events.filter(({ type }) => type === 'envelope.held').length > before);
    expect(textsOf(bob)).not.toContain('sealed');
    isKept = false;
    await world.stop();
    await world.start();
    await bob.received('sealed');
    while ((await heldReasons(bob)).length > 0) {
      const { commits } = bob.observed;
      if ((await heldReasons(bob)).length > 0) await world.watch.until(() => bob.observed.commits > commits);
    }
  });

  it('is named when they want it so', async () => {
    await using world = await JourneyWorld.open();
    const [alice, bob] = [await WatchedSends.open(world, { sealedSender: false }), await WatchedSends.open(world)];
    await exchange(alice.person, bob.person);
    await alice.person.say(bob.person, 'by name', 'delivered');
    expect(alice.posts).toEqual([]);
    await bob.person.say(alice.person, 'not by name', 'delivered');
    expect(bob.sealed).toBeGreaterThan(0);
  });

  it('sends again what the relay had no time to answer, once: over a restart of the relay and of the client', async () => {
    await using world = await JourneyWorld.open();
    const [alice, bob] = await contacts(world);
    await world.stop();
    const chat = await alice.person.chat(bob.person);
    const texts = Array.from({ length: 20 }, (_, at) => `while away ${at}`);
    for (const text of texts) await chat.send(text);
    await alice.person.stop();
    await world.start();
    await alice.person.open();
    await bob.person.received('while away 19');
    expect(textsOf(bob.person).slice(-20)).toEqual(texts);
    await settled(world, alice.person);
    expect(await heldReasons(bob.person)).toEqual([]);
  });
});

describe('an access key that is another one by now', () => {
  it('is not taken: what was sealed arrives by name, in order, and is sealed again once the new key is known  [security: sealed-sends]', async () => {
    await using world = await JourneyWorld.open();
    const [alice, bob] = await contacts(world);
    const account = await bob.person.observed.store().get('account', {});
    if (account === undefined) throw new Error('no account');
    // As if Bob's new profile key had not come to Alice yet.
    const answer = await fetch(`${world.url}/v1/profile`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${account.accessToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ profile: toBase64Url(randomBytes(64)), accessKey: toBase64Url(randomBytes(16)) }),
    });
    expect(answer.status).toBe(204);
    const [named, posts] = [alice.named.length, alice.posts.length];
    const texts = Array.from({ length: 30 }, (_, at) => `after the change ${at}`);
    const chat = await alice.person.chat(bob.person);
    for (const text of texts) await chat.send(text);
    await bob.person.received('after the change 29');
    await settled(world, alice.person);
    expect(textsOf(bob.person).slice(-30)).toEqual(texts);
    expect(alice.named.length - named).toBe(30);
    const refused = alice.posts.length - posts;
    expect(refused).toBeGreaterThan(0);
    await alice.person.say(bob.person, 'still by name', 'delivered');
    expect(alice.posts.length - posts).toBe(refused);
    expect(await heldReasons(bob.person)).toEqual([]);
  });

  it('keeps out who is blocked: nothing sealed gets through, and nothing else is heard  [security: sealed-sends]', async () => {
    await using world = await JourneyWorld.open();
    const [alice, bob] = await contacts(world);
    const keyBefore = (await bob.person.observed.store().get('account', {}))?.profileKey ?? new Uint8Array();
    await bob.person.client.block(idOf(alice.person));
    for (;;) {
      const { commits } = bob.person.observed;
      const account = await bob.person.observed.store().get('account', {});
      if (Buffer.compare(account?.profileKey ?? keyBefore, keyBefore) !== 0) break;
      await world.watch.until(() => bob.person.observed.commits > commits);
    }
    const [posts, named] = [alice.posts.length, alice.named.length];
    await alice.person.say(bob.person, 'can you hear me?');
    await world.watch.until(() => bob.person.client.droppedMessages() === 1);
    expect(alice.posts.length).toBeGreaterThan(posts);
    expect(alice.named.length).toBe(named + 1);
    expect(textsOf(bob.person)).not.toContain('can you hear me?');
  });
});

describe('a certificate that is not to be believed', () => {
  /** A relay whose trust root the test knows. */
  async function rootedWorld(): Promise<{ readonly world: JourneyWorld; readonly root: PrivateKey }> {
    const world = new JourneyWorld();
    const root = PrivateKey.deserialize(new Uint8Array(await world.trustRoot()));
    await world.start();
    return { world, root };
  }

  /** Has somebody's client show a certificate of the test's, whatever the relay gave it. */
  async function show(
    world: JourneyWorld,
    person: Person,
    number: number,
    made: { readonly root: PrivateKey; readonly expiresAt: number },
  ): Promise<void> {
    const account = await person.observed.store().get('account', {});
    if (account === undefined) throw new Error('no account');
    const server = PrivateKey.generate();
    const { publicKey } = IdentityKeyPair.deserialize(new Uint8Array(account.identityKeyPair));
    const signer = ServerCertificate.new(Math.floor(Date.now() / period), server.getPublicKey(), made.root);
    const certificate = SenderCertificate.new(
      account.userId,
      null,
      account.deviceId,
      publicKey,
      made.expiresAt,
      signer,
      server,
    );
    const hex = Buffer.from(certificate.serialize()).toString('hex');
    // Its own client is told that it lasts.
    await world.whileAway(
      person,
      number,
      `UPDATE certificate SET certificate = x'${hex}', expires_at = ${Date.now() + 23 * 3_600_000}`,
    );
    await person.live();
  }

  it('is believed as long as it is of the root and has not ended, and no longer  [security: sealed-sends]', async () => {
    const { world, root } = await rootedWorld();
    await using _ = world;
    const [alice, bob] = await contacts(world);
    await show(world, alice.person, 1, { root, expiresAt: Date.now() + day });
    await alice.person.say(bob.person, 'good', 'delivered');
    expect(await heldReasons(bob.person)).toEqual([]);
    const named = alice.named.length;
    await show(world, alice.person, 1, { root, expiresAt: Date.now() - 1 });
    // Under the identity key that Bob trusts already, her session proves who she is.
    await alice.person.say(bob.person, 'outdated', 'delivered');
    await world.whileAway(bob.person, 2, 'DELETE FROM identity; UPDATE chat SET accepted = 0');
    await bob.person.live();
    await alice.person.say(bob.person, 'expired');
    await show(world, alice.person, 1, { root: PrivateKey.generate(), expiresAt: Date.now() + day });
    await alice.person.say(bob.person, 'of another root');
    await world.watch.until(() => bob.person.events.filter(({ type }) => type === 'envelope.held').length === 2);
    expect(await heldReasons(bob.person)).toEqual(['certificate-invalid', 'certificate-invalid']);
    expect(textsOf(bob.person)).not.toContain('expired');
    expect(textsOf(bob.person)).not.toContain('of another root');
    expect(alice.named.length).toBe(named);
    // Of who is not known nobody is asked to send that again: what such a certificate says of its sender is not believed.
    expect((await bob.person.observed.store().held(10)).map(({ requests }) => requests)).toEqual([0, 0]);
  });

  it('is not taken by a client whose relay has another root than it pinned: it names the sender from then on', async () => {
    const { world } = await rootedWorld();
    await using _ = world;
    const [alice, bob] = await contacts(world);
    await world.stop();
    writeFileSync(join(world.data, 'trust-root.key'), randomBytes(32), { mode: 0o600 });
    await world.start();
    await world.whileAway(alice.person, 1, 'UPDATE certificate SET expires_at = 0, certificate = NULL');
    await alice.person.live();
    const [named, posts] = [alice.named.length, alice.posts.length];
    await alice.person.say(bob.person, 'by name again', 'delivered');
    expect([alice.named.length > named, alice.posts.length]).toEqual([true, posts]);
    // Bob has one of the old root for some hours: whoever pinned that believes it.
    await bob.person.say(alice.person, 'of the old root', 'delivered');
  });
});

describe('a relay with limits', () => {
  it('caps a flood under one key; a client waits, and all of it comes in order  [security: sealed-sends]', async () => {
    const config = { limits: { sealedPerKey: { burst: 10, refillMs: 20 } } };
    await using world = await JourneyWorld.open({ config });
    const [alice, bob] = await contacts(world);
    const texts = Array.from({ length: 40 }, (_, at) => `flood ${at}`);
    const chat = await alice.person.chat(bob.person);
    await Promise.all(texts.map((text) => chat.send(text)));
    await bob.person.received('flood 39');
    expect(textsOf(bob.person).slice(-40)).toEqual(texts);
    await settled(world, alice.person, bob.person);
    expect(await heldReasons(bob.person)).toEqual([]);
  });
});

describe('the files of a relay', () => {
  it('hold nothing that tells who sent what is sealed: neither mail nor receipts nor anything else  [security: sealed-sends]', async () => {
    await using world = await JourneyWorld.open();
    const [alice, bob] = await contacts(world);
    await bob.person.stop();
    const names: Canary[] = [
      bytesCanary('user id', uuidToBytes(idOf(alice.person))),
      textCanary('user id in letters', idOf(alice.person)),
    ];
    const found = () => findCanaries(captures(world), names).length;
    const dump = () => tables(world);
    const before = { found: found(), dump: dump() };
    for (let at = 0; at < 25; at++) await alice.person.say(bob.person, `secret ${at}`);
    const after = dump();
    expect(after.mail.length - before.dump.mail.length).toBe(25);
    const id = Buffer.from(uuidToBytes(idOf(alice.person)));
    for (const envelope of after.mail) expect(envelope.includes(id)).toBe(false);
    // A receipt ends in the key of the sender's device: there is none here.
    const fresh = after.receipts.slice(before.dump.receipts.length);
    expect(fresh).toHaveLength(25);
    for (const send of fresh) expect(send.subarray(16)).toEqual(Buffer.alloc(8));
    // She stands where she stood before: in her account, and nowhere else.
    expect(found()).toBe(before.found);
    await bob.person.open();
    await bob.person.received('secret 24');
  });
});

function captures(world: JourneyWorld): readonly Capture[] {
  const entries = readdirSync(world.data, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('-wal'))
    .map((entry) => ({ name: entry.name, bytes: readFileSync(join(entry.parentPath, entry.name)) }));
}

function tables(world: JourneyWorld): { readonly mail: readonly Buffer[]; readonly receipts: readonly Buffer[] } {
  const database = new Database(join(world.data, 'relay.db'), { readonly: true });
  try {
    const mail = database.prepare<[], { envelope: Buffer }>('SELECT envelope FROM mail ORDER BY seq').all();
    const receipts = database.prepare<[], { send: Buffer }>('SELECT send FROM receipt ORDER BY send').all();
    return { mail: mail.map(({ envelope }) => envelope), receipts: receipts.map(({ send }) => send) };
  } finally {
    database.close();
  }
}
