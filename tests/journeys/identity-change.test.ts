import { PrivateKey } from '@signalapp/libsignal-client';
import {
  type BundlesAnswer,
  DeviceList,
  fromBase64Url,
  SignedDeviceList,
  signedBytesOfDeviceList,
  toBase64Url,
  uuidToBytes,
} from '@sotto/proto';
import type { SottoErrorAction } from '@sotto/sdk';
import { describe, expect, it } from 'vitest';
import { exchange, JourneyWorld } from './journey-world.ts';
import { failureOf, type Person } from './person.ts';
import { TappedSockets } from './tapped-sockets.ts';

/** Somebody whose sends a test sees, and whom it can cut off. */
interface Tapped {
  readonly person: Person;
  readonly sockets: TappedSockets;
}

async function tapped(world: JourneyWorld): Promise<Tapped> {
  const sockets = new TappedSockets(() => world.watch.changed());
  // What leaves with a sealed sender leaves beside the sockets.
  return { person: await world.person({ sealedSender: false, platform: { sockets: sockets.factory } }), sockets };
}

/** Somebody's phone is gone: the same account on a new one, by the recovery key. The old one is still running somewhere. */
async function recovered(world: JourneyWorld, person: Person): Promise<Person> {
  const next = await world.nextPhone(person);
  await next.register({ recoveryKey: person.client.recoveryKey() });
  await next.live();
  return next;
}

/** Breaks somebody's connection, and has them see it. */
async function cutOff(world: JourneyWorld, { person, sockets }: Tapped): Promise<void> {
  sockets.cutOff();
  await world.watch.until(() => person.client.connection !== 'live');
}

/** What names somebody's device to those who send: another one of the same account has another. */
async function registrationOf(person: Person): Promise<number> {
  const account = await person.observed.store().get('account', {});
  if (account === undefined) throw new Error('no account');
  return account.registrationId;
}

/** Ciphertexts that left for this device. */
function ciphertextsFor(sockets: TappedSockets, registrationId: number): number {
  const devices = sockets.sends.flatMap(({ recipients }) => recipients.flatMap((recipient) => recipient.devices ?? []));
  return devices.filter((device) => device.registrationId === registrationId).length;
}

function changesOf(person: Person): number {
  return person.events.filter(({ type }) => type === 'identity.changed').length;
}

function textsOf(person: Person): readonly string[] {
  return person.incoming().map(({ text }) => text);
}

function userIdOf(person: Person): string {
  const userId = person.client.account?.userId;
  if (userId === undefined) throw new Error('nobody has registered there');
  return userId;
}

async function accept(action: SottoErrorAction | undefined): Promise<void> {
  if (action === undefined) throw new Error('the error tells no way out');
  await action.accept();
}

/** Somebody's device list as that of another user, signed by a root key that is neither's. */
function listOfSomebodyElse(theirs: string, userId: string): string {
  const list = DeviceList.decode(SignedDeviceList.decode(fromBase64Url(theirs)).list);
  const encoded = DeviceList.encode({ ...list, userId: uuidToBytes(userId) });
  const root = PrivateKey.generate();
  const signature = root.sign(new Uint8Array(signedBytesOfDeviceList(encoded)));
  const rootKey = root.getPublicKey().serialize();
  return toBase64Url(SignedDeviceList.encode({ list: encoded, signature, rootKey }));
}

describe('a contact who lost the phone and comes back by the recovery key', () => {
  it('is written to as before when nobody compared safety numbers: the change is told, all arrives in order', async () => {
    await using world = await JourneyWorld.open();
    const [alice, bob] = [await tapped(world), await tapped(world)];
    await exchange(alice.person, bob.person);
    // For the phone that is gone: it ends with that phone, and nobody is told that it arrived.
    await cutOff(world, bob);
    const lost = await alice.person.say(bob.person, 'to the old phone');

    // On the way while Bob comes back.
    await cutOff(world, alice);
    const waiting = [];
    for (const text of ['first', 'second', 'third']) waiting.push(await alice.person.say(bob.person, text, 'queued'));
    const next = await recovered(world, bob.person);
    bob.sockets.reach();
    await world.watch.until(() => bob.person.client.connection === 'ended');
    expect(await failureOf(bob.person.say(alice.person, 'from the old phone'))).toMatchObject({
      code: 'session-ended',
    });
    alice.sockets.reach();
    await Promise.all(waiting.map((message) => alice.person.told('message.sent', message)));
    await next.received('third');
    expect(changesOf(alice.person)).toBe(1);

    await alice.person.say(next, 'fourth');
    await next.received('fourth');
    await next.say(alice.person, 'I have a new phone');
    expect(await alice.person.received('I have a new phone')).toMatchObject({ late: false });
    expect(textsOf(next)).toEqual(['first', 'second', 'third', 'fourth']);
    expect(next.incoming().map(({ late }) => late)).toEqual([false, false, false, false]);
    expect(await (await alice.person.chat(next)).identity()).toMatchObject({ changed: false, blocked: false });
    expect(changesOf(alice.person)).toBe(1);
    expect(await alice.person.state(lost)).toBe('sent');
    expect(textsOf(bob.person)).not.toContain('to the old phone');
  });

  it('gets nothing from who had verified the key, until the new one is accepted: then all, in order  [security: identity-change]', async () => {
    await using world = await JourneyWorld.open();
    const [alice, bob] = [await tapped(world), await world.person()];
    await exchange(alice.person, bob);
    const chat = await alice.person.chat(bob);
    expect(await chat.verifySafetyNumber((await (await bob.chat(alice.person)).safetyNumber()).qr)).toBe('match');
    await chat.setVerified(true);

    await cutOff(world, alice);
    for (const text of ['first', 'second']) await alice.person.say(bob, text, 'queued');
    const next = await recovered(world, bob);
    await world.watch.until(() => bob.client.connection === 'ended');
    const newPhone = await registrationOf(next);
    alice.sockets.reach();
    await world.watch.until(() => changesOf(alice.person) === 1);

    expect(await chat.identity()).toMatchObject({ verified: false, changed: true, blocked: true });
    const failure = await failureOf(chat.send('not to a stranger'));
    expect(failure).toMatchObject({
      code: 'identity-changed',
      action: { type: 'accept-identity', userId: next.client.account?.userId },
    });
    // It can be read what comes, with a warning; a restart changes nothing.
    await next.say(alice.person, 'it is me');
    await alice.person.received('it is me');
    expect(alice.person.events.findLast(({ type }) => type === 'message.received')).toMatchObject({
      newIdentity: true,
    });
    await alice.person.stop();
    await alice.person.open();
    await alice.person.live();
    await next.say(alice.person, 'are you there?');
    await alice.person.received('are you there?');
    const again = await failureOf((await alice.person.chat(bob)).send('still not'));
    expect(again.code).toBe('identity-changed');
    expect(ciphertextsFor(alice.sockets, newPhone)).toBe(0);
    expect(textsOf(next)).toEqual([]);

    await accept(again.action);
    await next.received('second');
    await alice.person.say(next, 'third', 'delivered');
    expect(textsOf(next)).toEqual(['first', 'second', 'third']);
    expect(next.incoming().map(({ late }) => late)).toEqual([false, false, false]);
    expect(ciphertextsFor(alice.sockets, newPhone)).toBeGreaterThan(0);
    // The new one was not compared yet.
    expect(await (await alice.person.chat(bob)).identity()).toMatchObject({ verified: false, changed: false });
    expect(changesOf(alice.person)).toBe(1);
  });

  it('is not believed under another root key: nothing leaves for whoever says so  [security: identity-change]', async () => {
    await using world = await JourneyWorld.open();
    const [bob, eve] = [await world.person(), await world.person()];
    const [bobId, eveId] = [userIdOf(bob), userIdOf(eve)];
    // A relay that gives Eve's keys for Bob's, on a list that only Bob's root key could have signed.
    let isHostile = false;
    const hostile = async (...[url, options]: Parameters<typeof fetch>) => {
      if (!isHostile || !String(url).includes(`/users/${bobId}/bundles`)) return fetch(url, options);
      const answer = (await (await fetch(String(url).replace(bobId, eveId), options)).json()) as BundlesAnswer;
      return new Response(JSON.stringify({ ...answer, deviceList: listOfSomebodyElse(answer.deviceList, bobId) }));
    };
    const sockets = new TappedSockets(() => world.watch.changed());
    const alice = await world.person({
      sealedSender: false,
      platform: { sockets: sockets.factory, fetch: hostile as never },
    });
    const chat = await alice.chat(bob);
    const before = await chat.safetyNumber();
    isHostile = true;
    const message = await chat.send('for Bob alone');
    expect(await alice.told('message.failed', message)).toMatchObject({ code: 'device-list-invalid' });
    expect(sockets.sends).toEqual([]);
    expect(await chat.safetyNumber()).toEqual(before);
    expect(changesOf(alice)).toBe(0);

    // Without it all is as it was.
    isHostile = false;
    await alice.say(bob, 'for Bob alone, again');
    expect(await bob.received('for Bob alone, again')).toMatchObject({ late: false });
  });
});
