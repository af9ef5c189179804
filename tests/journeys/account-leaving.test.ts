import { type ErrorBody, uuidToBytes } from '@sotto/proto';
import { expect, it } from 'vitest';
import { filesWith, slicesOf } from '../retention/mail-bytes.ts';
import { chatOf, groupOf, hasMembers, idOf, sees } from './group-watch.ts';
import { HandTime } from './hand-time.ts';
import { exchange, JourneyWorld } from './journey-world.ts';
import { failureOf } from './person.ts';

const nineDays = 9 * 86_400_000;

it('after deletion and scrub no file of the relay holds anything of the account; what it sent to others is theirs  [security: leaving]', async () => {
  const time = new HandTime();
  await using world = await JourneyWorld.open({ time });
  const [alice, bob] = [await world.person(), await world.person()];
  await exchange(alice, bob);
  const avatar = new Uint8Array(2_000).map((_, at) => at % 251);
  await alice.client.profile.set({ avatar });
  await alice.client.registrationLock.set('a long enough PIN');
  const account = await alice.observed.store().get('account', {});
  if (account === undefined) throw new Error('no account');
  await bob.stop();
  await alice.say(bob, 'a last word');

  const { userId, accessToken } = account;
  const marks = [
    Buffer.from(uuidToBytes(userId)),
    Buffer.from(userId),
    ...slicesOf(account.deviceList),
    Buffer.from(alice.phone),
  ];
  // The control: before the deletion the scan finds it.
  expect(filesWith(world.data, marks)).not.toEqual([]);

  await alice.client.deleteAccount();
  await world.watch.until(() => alice.client.connection === 'ended');
  expect(alice.client.account).toBe(undefined);
  await world.watch.until(() => alice.events.some(({ type }) => type === 'account.deleted'));
  expect((await alice.observed.store().get('account', {}))?.rootSecret).toEqual(new Uint8Array(32));
  expect(await failureOf(alice.client.deleteAccount())).toMatchObject({ code: 'session-ended' });
  const answer = await fetch(`${world.url}/v1/account`, { headers: { authorization: `Bearer ${accessToken}` } });
  expect(answer.status).toBe(401);

  await bob.open();
  await bob.received('a last word');
  const late = await (await bob.client.chats.get(userId))?.send('too late');
  if (late === undefined) throw new Error('no chat');
  expect(await bob.told('message.failed', late)).toMatchObject({ code: 'user-unknown' });

  // What is recorded of bob's sends names whom they went to, for eight days.
  await world.stop();
  await world.start();
  using _data = world.watchData();
  time.advance(nineDays);
  await world.watch.until(() => {
    // A sweep, then a scrub.
    time.advance(60_000);
    return filesWith(world.data, marks).length === 0;
  });
});

it('a deletion that the relay could not be asked for goes on by itself, over a restart, and nothing leaves meanwhile  [security: leaving]', async () => {
  await using world = await JourneyWorld.open();
  const [alice, bob] = [await world.person(), await world.person()];
  await exchange(alice, bob);
  const { userId } = alice.client.account ?? {};
  const chat = await alice.client.chats.with(bob.phone);
  await world.stop();
  expect(await failureOf(alice.client.deleteAccount())).toMatchObject({ code: 'relay-unreachable', retryable: true });

  for (const life of ['the same', 'the next']) {
    if (life === 'the next') {
      await alice.stop();
      await alice.open();
    }
    expect([life, alice.client.account]).toEqual([life, undefined]);
    expect(() => alice.client.recoveryKey()).toThrow(expect.objectContaining({ code: 'session-ended' }));
    const known = await alice.client.chats.get(chat.userId);
    if (known === undefined) throw new Error('no chat');
    expect(await failureOf(known.send('too late'))).toMatchObject({ code: 'session-ended' });
    expect((await known.history()).messages.length).toBeGreaterThan(0);
    // Whoever wants another account has to end this one first.
    const again = { phone: alice.phone, profile: { username: 'Alicia' }, code: () => '' };
    expect(await failureOf(alice.client.register(again))).toMatchObject({ code: 'relay-unreachable' });
  }

  await world.start();
  await world.watch.until(() =>
    alice.events.some((event) => event.type === 'account.deleted' && event.userId === userId),
  );
  await world.watch.until(() => alice.client.connection === 'ended');
  expect(alice.events.filter(({ type }) => type === 'account.deleted')).toHaveLength(1);
  expect((await alice.observed.store().get('account', {}))?.rootSecret).toEqual(new Uint8Array(32));
  // The number is free, without the account being recovered or taken over.
  expect((await alice.register()).userId).not.toBe(userId);
});

it('an access token alone deletes nothing, moves no number and sets no lock  [security: token-theft]', async () => {
  await using world = await JourneyWorld.open({ stores: 'memory' });
  const alice = await world.person();
  const account = await alice.observed.store().get('account', {});
  const proof = Buffer.alloc(64).toString('base64url');
  const bodies: [string, string, object][] = [
    ['POST', '/v1/account/deletion', { proof }],
    ['POST', '/v1/account/number', { proof, verificationId: crypto.randomUUID(), code: '123456' }],
    ['PUT', '/v1/account/lock', { proof }],
  ];
  for (const [method, path, body] of bodies) {
    const answer = await fetch(world.url + path, {
      method,
      headers: { authorization: `Bearer ${account?.accessToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect([path, answer.status, ((await answer.json()) as ErrorBody).error.code]).toEqual([
      path,
      403,
      'proof-invalid',
    ]);
  }
  expect(await alice.client.registrationLock.isSet()).toBe(false);
});

it('whoever ends their account leaves their groups before: somebody else owns them, and they are told  [security: leaving]', async () => {
  await using world = await JourneyWorld.open({ stores: 'memory' });
  const [alice, bob, carol] = [await world.person(), await world.person(), await world.person()];
  const group = await groupOf(world, alice, bob, carol);
  const left = idOf(alice);
  await alice.client.deleteAccount();
  const seen = await Promise.all([bob, carol].map((person) => sees(world, person, group, hasMembers(2))));
  const [owner] = seen[0]?.members.filter(({ role }) => role === 'owner') ?? [];
  const heir = [bob, carol].find((person) => idOf(person) === owner?.userId);
  if (heir === undefined) throw new Error('nobody owns the group');
  expect(heir.events).toContainEqual(
    expect.objectContaining({
      type: 'group.changed',
      by: left,
      changes: expect.arrayContaining([{ type: 'left', userId: left }]),
    }),
  );
  await (await chatOf(heir, group)).setTitle('Without Alice');
  for (const person of [bob, carol]) await sees(world, person, group, ({ title }) => title === 'Without Alice');
});
