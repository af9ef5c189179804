import { Content, RecipientStatus, Send, toBase64Url, uuidToText } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { type GroupPerson, GroupWorld } from '../../test/group-world.ts';
import { meetDevice } from '../../test/test-device.ts';
import { settled } from '../../test/turn-of-events.ts';
import { accessKeyOf } from '../accounts/access-key.ts';
import { chatWith } from '../chats/chat-state.ts';
import { newUser } from '../people/blocked.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';
import { isForMany, isUnnamed } from '../sealed/unnamed-send.ts';

const { RECIPIENT_STATUS_SEALED_REFUSED: keyRefused, RECIPIENT_STATUS_RATE_LIMITED: limited } = RecipientStatus;
const hour = 3_600_000;

/** People who are connected, with sessions between all. */
const userOf = (person: GroupPerson) => person.device.account.userId;
const textOf = (bytes: Uint8Array | null | undefined) => uuidToText(bytes ?? new Uint8Array());
const recipientsOf = ({ recipients }: Send) => recipients.map(({ userId }) => textOf(userId)).sort();
const ids = (...people: readonly GroupPerson[]) => people.map(userOf).sort();

/** What somebody's relay has taken for many at once, and whom each was for. */
function forMany(world: GroupWorld, person: GroupPerson): readonly Send[] {
  return world.taken.filter(({ from, send }) => from === person && isForMany(send)).map(({ send }) => send);
}

function named(person: GroupPerson): readonly Send[] {
  return person.relay.stored.map(({ send }) => send).filter((send) => !isUnnamed(send));
}

/** What becomes of recipients of what is for many; the rest is accepted. */
function missing(person: GroupPerson, ...missed: readonly (readonly [GroupPerson, RecipientStatus])[]): void {
  const byUser = new Map(missed.map(([who, status]) => [userOf(who) as string, status]));
  person.relay.verdict = (send) => (isForMany(send) ? { type: 'shared', missed: byUser } : { type: 'accepted' });
}

describe('a message to a group whose sender is not named', () => {
  it('goes once to all with whom there is a session, names neither group nor message, and comes once, in order  [security: sealed-sends]', async () => {
    const world = await GroupWorld.talking(4, 'sealed');
    const [alice, ...others] = world.people as [GroupPerson, ...GroupPerson[]];
    const texts = Array.from({ length: 20 }, (_, at) => `${at}`);
    for (const text of texts) await world.write(alice, text);
    await world.run();
    for (const person of world.people) expect(await world.texts(person)).toEqual(texts);
    expect(forMany(world, alice).map(recipientsOf)).toEqual(texts.map(() => ids(...others)));
    for (const send of forMany(world, alice)) {
      expect([send.messageId.length, send.groupId.length, send.groupEpoch]).toEqual([0, 0, 0]);
      expect(send.recipients.map(({ accessKey, devices }) => [accessKey?.length, devices?.length])).toEqual(
        others.map(() => [16, 0]),
      );
    }
    // Keys and receipts between people who know each other by the group alone name nobody either.
    for (const person of world.people) expect(named(person)).toEqual([]);
    const [message] = await world.messages(alice);
    expect(message).toMatchObject({ recipients: 3, revision: 1, state: 'delivered' });
    for (const { in: inbox } of others) expect(await inbox.heldReasons()).toEqual([]);
  });

  it('leaves with those that wait, after the results of those before, and all are the same when they leave again', async () => {
    const world = await GroupWorld.talking(3, 'sealed');
    const [alice] = world.people as [GroupPerson];
    const [before, texts] = ['first', ['one', 'two', 'three', 'four']];
    const left = () => alice.relay.stream?.sends.filter(isForMany) ?? [];
    await world.write(alice, before);
    await world.run();
    for (const text of texts) {
      await world.write(alice, text);
      await settled(30);
      // Until there is the result of this one nothing else leaves.
      expect(left()).toHaveLength(2);
    }
    await alice.out.deliverResults();
    await settled(30);
    const [, , ...rest] = left();
    expect(rest).toHaveLength(3);
    alice.out.disconnect();
    alice.device.clock.advance(11 * hour);
    await alice.out.connect();
    await settled(30);
    expect(left().map(Send.encode)).toEqual(rest.map(Send.encode));
    alice.out.disconnect();
    alice.device.clock.advance(1);
    await alice.out.connect();
    await settled(30);
    const [anew, ...others] = left();
    expect([anew, ...others].map((send) => send?.attempt)).toEqual([2, 2, 2]);
    expect(toBase64Url(anew?.sendId ?? new Uint8Array())).not.toBe(toBase64Url(rest[0]?.sendId ?? new Uint8Array()));
    await world.run();
    for (const person of world.people) expect(await world.texts(person)).toEqual([before, ...texts]);
  });

  it('comes by copies, behind the key, to whom there is no session with, and together with the others from then on', async () => {
    const world = await GroupWorld.of(4, 'sealed');
    const [alice, bob, carol, dave] = world.people as [GroupPerson, GroupPerson, GroupPerson, GroupPerson];
    await meetDevice(alice.device, bob.device);
    await meetDevice(alice.device, carol.device);
    // Carol's devices are known, and there is no session.
    const { userId, deviceId } = carol.device.address;
    await alice.device.executor.run([], (overlay) => overlay.delete('session', { userId, deviceId }));
    for (const text of ['one', 'two']) await world.write(alice, text);
    alice.out.disconnect();
    await alice.out.connect();
    await world.connect(bob, carol, dave);
    const rows: OutboxRecord[] = [];
    for (let turn = 0; turn < 40 && rows.length === 0; turn++) {
      await settled(1);
      rows.push(...(await alice.device.store.outbox(chatWith(userOf(carol)), 0, 9)));
    }
    const isKey = ({ content }: OutboxRecord) => Content.decode(content).body === 'senderKeyDistribution';
    expect(rows.map(isKey)).toEqual([true, false, false]);
    await world.run();
    await world.write(alice, 'three');
    await world.run();
    for (const person of world.people) {
      expect(await world.texts(person)).toEqual(['one', 'two', 'three']);
      expect((await world.messages(person)).filter(({ late }) => late)).toEqual([]);
    }
    expect(forMany(world, alice).map(recipientsOf)).toEqual([ids(bob), ids(bob), ids(bob, carol, dave)]);
    for (const person of [carol, dave]) expect(await person.in.heldReasons()).toEqual([]);
  });

  it('goes by name, to all at once, where more than 32 would get copies', async () => {
    const world = await GroupWorld.of(34, 'sealed');
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    for (const person of world.people.slice(1)) {
      await meetDevice(alice.device, person.device);
      if (person === bob) continue;
      await alice.device.executor.run([], (overlay) => overlay.delete('session', person.device.address));
    }
    await world.connect(alice, bob);
    const count = async () => {
      await world.write(alice, 'hello');
      await world.run();
      const own = alice.relay.stored.map(({ send }) => send);
      return [own.filter(isForMany).length, named(alice).filter(({ groupId }) => groupId.length > 0).length];
    };
    expect(await count()).toEqual([1, 0]);
    await world.know({ revision: 2, members: world.people.slice(0, 1).concat(world.people.slice(2)) });
    await alice.device.executor.run([], async (overlay) => {
      for (const person of world.people.slice(2)) overlay.delete('session', person.device.address);
    });
    const dave = await world.newcomer();
    await world.connect(dave);
    await world.know({ revision: 3, members: world.people.filter((person) => person !== bob) });
    expect(await count()).toEqual([1, 1]);
    // The keys of the chain have made the sessions.
    expect(await count()).toEqual([2, 1]);
  });
});

describe('who shares a group', () => {
  it('is a contact as long as both are in it, by the profile key that they said themselves, else by the one that the group has', async () => {
    const world = await GroupWorld.talking(2, 'sealed');
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    const key = async () => {
      const { executor, account } = alice.device;
      const way = await executor.run([], (overlay) => alice.ways.to(overlay, userOf(bob), account));
      return way.way === 'unnamed' ? toBase64Url(way.accessKey) : way.way;
    };
    await world.write(alice, 'hello');
    await world.run();
    const { profileKey } = bob.device.account;
    expect(await key()).toBe(toBase64Url(accessKeyOf(profileKey)));
    const other = new Uint8Array(32).fill(5);
    await alice.device.executor.run([], async (overlay) => {
      const user = await overlay.get('user', { id: userOf(bob) });
      overlay.put('user', { ...(user ?? newUser(userOf(bob), 1)), profileKey: other });
    });
    expect(await key()).toBe(toBase64Url(accessKeyOf(other)));
    alice.ways.refusedFor(userOf(bob), accessKeyOf(other));
    expect(await key()).toBe('named');
    await alice.device.executor.run([], (overlay) => overlay.put('user', newUser(userOf(bob), 1)));
    expect(await key()).toBe(toBase64Url(accessKeyOf(profileKey)));
    await world.know({ revision: 2, members: [alice] }, [alice]);
    expect(await key()).toBe('named');
  });
});

describe('whom an unnamed message to a group misses', () => {
  it('gets it apart; a key that was refused is not shown again', async () => {
    const world = await GroupWorld.talking(4, 'sealed');
    const [alice, bob, carol, dave] = world.people as [GroupPerson, GroupPerson, GroupPerson, GroupPerson];
    missing(alice, [bob, keyRefused], [carol, limited]);
    const texts = ['one', 'two', 'three'];
    for (const text of texts) {
      await world.write(alice, text);
      await world.run();
    }
    for (const person of world.people) expect(await world.texts(person)).toEqual(texts);
    // What the relay took of them is for Dave; Bob was shown once.
    expect(forMany(world, alice).map(recipientsOf)).toEqual(texts.map(() => ids(dave)));
    const shown = alice.relay.stream?.sends.filter(isForMany).map(recipientsOf);
    expect(shown).toEqual([ids(bob, carol, dave), ids(carol, dave), ids(carol, dave)]);
    expect(new Set(named(alice).flatMap(recipientsOf))).toEqual(new Set(ids(bob)));
  });

  it('is everybody when no key is taken: copies go, and nothing goes round in circles', async () => {
    const world = await GroupWorld.talking(3, 'sealed');
    const [alice] = world.people as [GroupPerson];
    let asked = 0;
    alice.relay.verdict = (send) => {
      if (!isForMany(send)) return { type: 'accepted' };
      asked++;
      return { type: 'refused', code: 'sealed-refused', retryable: false };
    };
    const texts = ['one', 'two', 'three'];
    for (const text of texts) await world.write(alice, text);
    await world.run();
    expect(asked).toBe(1);
    for (const person of world.people) expect(await world.texts(person)).toEqual(texts);
    expect(await alice.device.store.outboxChats()).toEqual([]);
    expect((await world.messages(alice)).map(({ state }) => state)).toEqual(texts.map(() => 'delivered'));
  });

  it('gets copies of all that left together, in their order', async () => {
    const world = await GroupWorld.talking(4, 'sealed');
    const [alice, bob, carol, dave] = world.people as [GroupPerson, GroupPerson, GroupPerson, GroupPerson];
    missing(alice, [bob, keyRefused], [carol, limited]);
    const texts = Array.from({ length: 12 }, (_, at) => `${at}`);
    for (const text of texts) await world.write(alice, text);
    await world.run();
    for (const person of world.people) expect(await world.texts(person)).toEqual(texts);
    expect(forMany(world, alice).map(recipientsOf)).toEqual(texts.map(() => ids(dave)));
    expect((await world.messages(alice)).map(({ state }) => state)).toEqual(texts.map(() => 'delivered'));
  });

  it('waits behind one of those that left together and was refused, as it is, and nothing is sent twice', async () => {
    const world = await GroupWorld.talking(3, 'sealed');
    const [alice] = world.people as [GroupPerson];
    await world.write(alice, 'first');
    await world.run();
    let asked = 0;
    // The fourth of them, once.
    alice.relay.verdict = (send) => {
      if (isForMany(send)) asked++;
      return asked === 4 && isForMany(send)
        ? { type: 'refused', code: 'rate-limited', retryable: true, retryAfterMs: 100 }
        : { type: 'accepted' };
    };
    const texts = Array.from({ length: 8 }, (_, at) => `${at}`);
    for (const text of texts) await world.write(alice, text);
    await world.run();
    for (const person of world.people) expect(await world.texts(person)).toEqual(['first', ...texts]);
    expect(asked).toBe(9);
    const sendIds = forMany(world, alice).map(({ sendId }) => toBase64Url(sendId));
    expect([sendIds.length, new Set(sendIds).size]).toEqual([9, 9]);
    expect(forMany(world, alice).every(({ attempt }) => attempt === 1)).toBe(true);
  });

  it('is nobody when the relay knows nothing of such messages: they go by name, to all at once', async () => {
    const world = await GroupWorld.talking(3, 'sealed');
    const [alice] = world.people as [GroupPerson];
    alice.relay.verdict = (send) =>
      isForMany(send) ? { type: 'refused', code: 'sealed-unavailable', retryable: false } : { type: 'accepted' };
    const texts = ['one', 'two'];
    for (const text of texts) await world.write(alice, text);
    await world.run();
    for (const person of world.people) expect(await world.texts(person)).toEqual(texts);
    expect(named(alice).map(({ sharedCiphertext }) => sharedCiphertext.length > 0)).toEqual([true, true]);
    // Keys and receipts still name nobody.
    expect(alice.relay.stored.filter(({ send }) => isUnnamed(send)).length).toBeGreaterThan(0);
  });
});
