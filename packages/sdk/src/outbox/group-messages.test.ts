import { RecipientStatus, type Send, uuidToBytes } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { type GroupPerson, GroupWorld } from '../../test/group-world.ts';
import { deliveredOf, meetDevice } from '../../test/test-device.ts';
import { settled } from '../../test/turn-of-events.ts';
import { chatWith } from '../chats/chat-state.ts';
import type { GroupRecord } from '../ports/group-records.ts';
import { SottoError } from '../sotto-error.ts';

const { RECIPIENT_STATUS_MAILBOX_FULL: full, RECIPIENT_STATUS_NOT_MEMBER: notMember } = RecipientStatus;
const { RECIPIENT_STATUS_UNKNOWN_USER: unknownUser } = RecipientStatus;
const day = 24 * 3_600_000;

function at(world: GroupWorld, index: number): GroupPerson {
  const person = world.people[index];
  if (person === undefined) throw new Error('there is no such person');
  return person;
}

const isShared = (send: Send) => send.sharedCiphertext.length > 0;
const userOf = (person: GroupPerson) => person.device.account.userId;

function sharedBy(world: GroupWorld, person: GroupPerson): readonly Send[] {
  return world.taken.filter(({ from, send }) => from === person && isShared(send)).map(({ send }) => send);
}

async function chainOf(world: GroupWorld, person: GroupPerson): Promise<string | undefined> {
  return (await person.device.store.get('ownChain', { groupId: world.groupId }))?.distributionId;
}

async function stateOf(person: GroupPerson, { id }: { readonly id: string }): Promise<string | undefined> {
  return (await person.device.store.get('message', { id: id as never }))?.state;
}

/** Sends to these are refused for these people, the others get theirs. */
function refusing(person: GroupPerson, ...missed: readonly (readonly [GroupPerson, RecipientStatus])[]): void {
  const byUser = new Map(missed.map(([who, status]) => [userOf(who) as string, status]));
  person.relay.verdict = (send) => (isShared(send) ? { type: 'shared', missed: byUser } : { type: 'accepted' });
}

describe('a message to a group', () => {
  it('is sealed once for all whose devices are known, and comes once to each, in order', async () => {
    const world = await GroupWorld.talking(4);
    const [alice] = world.people as [GroupPerson];
    const texts = ['one', 'two', 'three'];
    for (const text of texts) await world.write(alice, text);
    await world.run();
    for (const person of world.people) expect(await world.texts(person)).toEqual(texts);
    expect(sharedBy(world, alice)).toHaveLength(3);
    // The keys went by themselves, once to each.
    expect(world.taken.filter(({ from, send }) => from === alice && !isShared(send))).toHaveLength(3);
    const [message] = await world.messages(alice);
    expect(message).toMatchObject({ recipients: 3, revision: 1, state: 'delivered', groupId: world.groupId });
    await world.write(at(world, 1), 'four');
    await world.run();
    for (const person of world.people) expect((await world.texts(person)).at(-1)).toBe('four');
    expect(await at(world, 2).in.heldReasons()).toEqual([]);
  });

  it('goes apart to members whose devices are not known here, and together with the others from then on', async () => {
    const world = await GroupWorld.of(3);
    const [alice] = world.people as [GroupPerson];
    await world.connect(...world.people);
    const first = await world.write(alice, 'first');
    await world.run();
    expect(sharedBy(world, alice)).toEqual([]);
    expect(await stateOf(alice, first)).toBe('delivered');
    await world.write(alice, 'second');
    await world.run();
    expect(sharedBy(world, alice)).toHaveLength(1);
    for (const person of world.people) expect(await world.texts(person)).toEqual(['first', 'second']);
  });

  it('leaves behind the keys that it takes to read it, once the relay has those', async () => {
    const world = await GroupWorld.talking(3);
    const alice = at(world, 0);
    await world.write(alice, 'one');
    await settled();
    // The keys left, and nothing else before the relay has said that it has them.
    expect(alice.relay.stored.map(({ send }) => isShared(send))).toEqual([false, false]);
    await alice.out.deliverResults(1);
    await settled();
    expect(alice.relay.stored).toHaveLength(2);
    await alice.out.deliverResults();
    await settled();
    expect(alice.relay.stored.map(({ send }) => isShared(send))).toEqual([false, false, true]);
    // Whoever has them is kept waiting no more.
    await world.write(alice, 'two');
    await settled();
    expect(alice.relay.stored).toHaveLength(4);
  });

  it('waits for nobody’s keys for long', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
    const slow = uuidToBytes(userOf(carol));
    alice.relay.verdict = ({ recipients }) =>
      recipients.length === 1 && recipients[0]?.userId?.every((byte, index) => byte === slow[index])
        ? { type: 'refused', code: 'store-full', retryable: true }
        : { type: 'accepted' };
    await world.write(alice, 'one');
    await settled();
    await alice.out.deliverResults();
    await settled();
    expect(alice.relay.stored.some(({ send }) => isShared(send))).toBe(false);
    alice.out.timers.runAll();
    await settled();
    expect(alice.relay.stored.some(({ send }) => isShared(send))).toBe(true);
    await world.handOver();
    expect(await world.texts(bob)).toEqual(['one']);
    expect(await world.texts(carol)).toEqual([]);
    alice.relay.verdict = () => ({ type: 'accepted' });
    await world.run();
    expect(await world.texts(carol)).toEqual(['one']);
  });

  it('is nobody’s in an empty group, and sent at once', async () => {
    const world = await GroupWorld.talking(1);
    const message = await world.write(at(world, 0), 'anybody?');
    await world.run();
    expect(await stateOf(at(world, 0), message)).toBe('sent');
    expect(await at(world, 0).device.store.outboxChats()).toEqual([]);
  });

  it('comes apart to whoever the relay did not give it, and they hold up nobody', async () => {
    const world = await GroupWorld.talking(4);
    const [alice, bob, carol, dave] = world.people as [GroupPerson, GroupPerson, GroupPerson, GroupPerson];
    refusing(alice, [bob, full], [dave, unknownUser]);
    const texts = Array.from({ length: 10 }, (_, index) => `${index}`);
    for (const text of texts) await world.write(alice, text);
    await world.run();
    expect(sharedBy(world, alice)).toHaveLength(10);
    expect(await world.texts(carol)).toEqual(texts);
    expect(await world.texts(bob)).toEqual(texts);
    // There is no such account: nothing more is tried.
    expect(await world.texts(dave)).toEqual([]);
    expect(await alice.device.store.outboxChats()).toEqual([]);
    // Two of three have said so.
    expect(new Set((await world.messages(alice)).map(({ state }) => state))).toEqual(new Set(['sent']));
  });

  it('fails when there is no account of all others any more', async () => {
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    refusing(alice, [bob, unknownUser]);
    const message = await world.write(alice, 'hello?');
    await world.run();
    expect(await world.messages(alice)).toMatchObject([{ id: message.id, state: 'failed', failure: 'user-unknown' }]);
  });
});

describe('a member whom the relay does not know as one', () => {
  it('gets it apart once the log was read and says that they are one', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    refusing(alice, [bob, notMember]);
    await world.write(alice, 'hello');
    await world.run();
    expect(alice.refreshed).toEqual([world.groupId]);
    expect(await world.texts(bob)).toEqual(['hello']);
  });

  it('gets nothing when the log says that they were removed, nor what waits for them  [security: removed-member]', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
    refusing(alice, [bob, notMember]);
    world.refresh = (person) => world.know({ revision: 2, members: [alice, carol] }, [person]);
    world.lost = (send) => !isShared(send);
    await world.write(alice, 'hello');
    await alice.out.run();
    await world.handOver();
    expect(await alice.device.store.outbox(chatWith(userOf(bob)), 0, 9)).toEqual([]);
    expect(await world.texts(bob)).toEqual([]);
  });

  it('waits when the log can not be read', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    refusing(alice, [bob, notMember]);
    let failures = 3;
    world.refresh = async () => {
      if (failures-- > 0) throw new SottoError('relay-unreachable', 'away', { retryable: true });
    };
    const message = await world.write(alice, 'hello');
    await world.run();
    expect(alice.refreshed).toHaveLength(4);
    expect(await world.texts(bob)).toEqual(['hello']);
    expect(await stateOf(alice, message)).toBe('delivered');
  });
});

describe('the chain of a device', () => {
  it('is another one after 1,000 messages', async () => {
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    await world.write(alice, '1');
    await world.run();
    const first = await chainOf(world, alice);
    await Promise.all(Array.from({ length: 999 }, (_, index) => world.write(alice, `${index + 2}`)));
    await world.run();
    expect(await chainOf(world, alice)).toBe(first);
    await world.write(alice, '1001');
    await world.run();
    const second = await chainOf(world, alice);
    expect(second).not.toBe(first);
    expect(await alice.device.store.senderKeyShared(first ?? '')).toEqual([]);
    expect(await alice.device.store.senderKeyShared(second ?? '')).toHaveLength(1);
    expect(await bob.device.store.get('chat', { id: world.chatId })).toMatchObject({ unread: 1_001 });
    expect(await bob.in.heldReasons()).toEqual([]);
  });

  it('is another one after seven days, and when a device is another one', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    const chains: (string | undefined)[] = [];
    const say = async (text: string) => {
      await world.write(alice, text);
      await world.run();
      chains.push(await chainOf(world, alice));
    };
    await say('one');
    await say('two');
    alice.device.clock.advance(7 * day);
    await say('three');
    await alice.device.executor.run([], async (overlay) => {
      const identity = await overlay.get('identity', { userId: userOf(bob) });
      const now = alice.device.clock.now() + 1;
      if (identity) overlay.put('identity', { ...identity, changedAt: now });
    });
    alice.device.clock.advance(2);
    await say('four');
    await say('five');
    expect(new Set(chains).size).toBe(3);
    expect(chains[0]).toBe(chains[1]);
    expect(chains[3]).toBe(chains[4]);
    expect(await world.texts(bob)).toEqual(['one', 'two', 'three', 'four', 'five']);
  });

  it('is another one once a member has left, who opens nothing of it  [security: removed-member]', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
    await world.write(alice, 'all');
    await world.run();
    const before = await chainOf(world, alice);
    await world.know({ revision: 2, members: [alice, bob] }, [alice, bob]);
    await world.write(alice, 'two of us');
    await world.run();
    expect(await chainOf(world, alice)).not.toBe(before);
    expect(await world.texts(bob)).toEqual(['all', 'two of us']);
    const stolen = { ...world.taken.findLast(({ send }) => isShared(send))?.send };
    const recipients = [{ userId: idBytes(carol), devices: [{ deviceId: 1, registrationId: 1, kind: 3 }] }];
    await carol.in.deliver(...deliveredOf({ ...stolen, recipients }, alice.device.address, 1));
    expect(await carol.in.heldReasons()).toEqual(['no-sender-key']);
  });

  it('is given to who joins, from then on', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    await world.write(alice, 'before');
    await world.run();
    const chain = await chainOf(world, alice);
    const dave = await world.newcomer();
    await world.connect(dave);
    await meetDevice(alice.device, dave.device);
    await world.know({ revision: 2, members: world.people });
    await world.write(alice, 'after');
    await world.run();
    expect(await chainOf(world, alice)).toBe(chain);
    expect(await world.texts(dave)).toEqual(['after']);
    expect(await world.texts(bob)).toEqual(['before', 'after']);
    expect(await dave.in.heldReasons()).toEqual([]);
  });
});

describe('nothing is sealed for a group', () => {
  it('whose log has gone on before it was read', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
    await edit(world, alice, { knownRevision: 2 });
    world.refresh = (person) => world.know({ revision: 2, members: [alice, carol] }, [person]);
    await world.know({ revision: 2, members: [alice, carol] }, [carol]);
    await world.write(alice, 'hello');
    await world.run();
    expect(alice.refreshed).toEqual([world.groupId]);
    expect(await world.texts(bob)).toEqual([]);
    expect(await world.texts(carol)).toEqual(['hello']);
  });

  it('more often than once when its log is no longer than it was said to be', async () => {
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    await edit(world, alice, { knownRevision: 9 });
    for (const text of ['one', 'two']) {
      await world.write(alice, text);
      await world.run();
    }
    expect(alice.refreshed).toHaveLength(1);
    expect(await world.texts(bob)).toEqual(['one', 'two']);
  });

  it('of which this user is no member any more: what waits fails', async () => {
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    alice.out.disconnect();
    const message = await world.write(alice, 'too late');
    await world.know({ revision: 2, members: [bob] }, [alice]);
    await alice.out.connect();
    await world.run();
    expect(await world.messages(alice)).toMatchObject([{ id: message.id, failure: 'group-not-member' }]);
    await expect(world.write(alice, 'really')).rejects.toMatchObject({ code: 'group-not-member' });
  });

  it('that the relay does not know: its log is read, and what waits is sealed anew, or fails', async () => {
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    let refusals = 1;
    alice.relay.verdict = (send) =>
      isShared(send) && refusals-- > 0
        ? { type: 'refused', code: 'group-unknown', retryable: false }
        : { type: 'accepted' };
    await world.write(alice, 'one');
    await world.run();
    expect(await world.texts(bob)).toEqual(['one']);
    refusals = 9;
    world.refresh = (person) => world.know({ revision: 2, members: [bob] }, [person]);
    const message = await world.write(alice, 'two');
    await world.run();
    expect(await stateOf(alice, message)).toBe('failed');
    expect(await alice.device.store.outboxChats()).toEqual([]);
  });

  it('of which a member says false things of their own devices, and reaches the others all the same', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob, liar] = world.people as [GroupPerson, GroupPerson, GroupPerson];
    const { userId } = liar.device.account;
    const named = { userId, version: 9, hash: new Uint8Array(32), identityKey: new Uint8Array(33), forked: true };
    await alice.device.executor.run([], (overlay) => overlay.put('namedList', named));
    await world.write(alice, 'to whom it concerns');
    const running = world.run();
    // What goes to the liar alone is tried again and again.
    for (let turn = 0; turn < 2_000 && (await world.texts(bob)).length === 0; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    alice.out.disconnect();
    await running;
    expect(await world.texts(bob)).toEqual(['to whom it concerns']);
  });

  it('that is forked, as long as it is', async () => {
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    alice.out.disconnect();
    await world.write(alice, 'waits');
    await edit(world, alice, { fork: { at: 1, by: undefined, revision: 1, accepted: false } });
    await expect(world.write(alice, 'no')).rejects.toMatchObject({ code: 'group-forked' });
    await alice.out.connect();
    await world.run();
    expect(sharedBy(world, alice)).toEqual([]);
    await edit(world, alice, { fork: undefined });
    alice.out.outbox.retry(world.chatId);
    await world.run();
    expect(await world.texts(bob)).toEqual(['waits']);
  });

  it('whose next change can not be read yet', async () => {
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    const waitingFor = { keyEpoch: 2, keyCommitment: new Uint8Array(32), since: 0, asked: 0, askAt: 0 };
    await edit(world, alice, { waitingFor });
    const message = await world.write(alice, 'waits');
    for (let turn = 0; turn < 3; turn++) {
      await settled(30);
      alice.out.timers.runAll();
    }
    expect(alice.relay.stored).toEqual([]);
    expect(await stateOf(alice, message)).toBe('queued');
    await edit(world, alice, { waitingFor: undefined });
    await world.run();
    expect(await world.texts(bob)).toEqual(['waits']);
  });
});

async function edit(world: GroupWorld, { device }: GroupPerson, change: Partial<GroupRecord>): Promise<void> {
  await device.executor.run([], async (overlay) => {
    const group = await overlay.get('group', { id: world.groupId });
    if (group !== undefined) overlay.put('group', { ...group, ...change });
  });
}

function idBytes(person: GroupPerson): Uint8Array {
  return uuidToBytes(userOf(person));
}
