import { Content, type ContentFields, type Send, uuidToText } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { type GroupPerson, GroupWorld } from '../../test/group-world.ts';
import { randomness } from '../../test/test-device.ts';
import { settled } from '../../test/turn-of-events.ts';
import { chatWith } from '../chats/chat-state.ts';
import { writeGroupKeys } from '../groups/group-keys.ts';
import { BlockList } from '../people/block-list.ts';
import type { MessageId } from '../ports/ids.ts';
import { addHiddenContent, addHiddenRow, addHiddenToEach, wholeContent } from './hidden-row.ts';

const userOf = ({ device }: GroupPerson) => device.account.userId;
const full = { type: 'refused', code: 'store-full', retryable: true } as const;

function listOf({ device, out }: GroupPerson): BlockList {
  const { executor, store, clock, origin } = device;
  return new BlockList({
    executor,
    store,
    outbox: out.outbox,
    origin,
    clock,
    randomness,
    onRotationDue: () => undefined,
  });
}

/** Queues contents for somebody, as what serves a group and what belongs to the chat are queued alike. */
function queue({ device }: GroupPerson, to: GroupPerson, ...contents: readonly ContentFields[]) {
  const { executor, origin, clock } = device;
  return executor.run([], async (overlay) =>
    contents.map((fields) => addHiddenContent(overlay, origin(), userOf(to), fields, clock.now()).id),
  );
}

/** What waits for somebody: kinds of contents, and of rows that are none. */
async function waiting({ device: { store } }: GroupPerson, to: GroupPerson): Promise<readonly unknown[]> {
  const rows = await store.outbox(chatWith(userOf(to)), 0, 100);
  return Promise.all(
    rows.map(async (row) => (row.kind === 'content' ? Content.decode(await wholeContent(store, row)).body : row.kind)),
  );
}

function stateKey({ wireId }: GroupWorld): ContentFields {
  return { groupKeys: writeGroupKeys(wireId, [{ keyEpoch: 2, key: new Uint8Array(32).fill(5) }]) };
}

describe('a member who is blocked', () => {
  it('is given the keys of the group, and nothing of the chat', async () => {
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    await listOf(alice).block(userOf(bob));
    await queue(alice, bob, {}, stateKey(world), { receipt: { kind: 1, messageIds: [new Uint8Array(16)], at: 1 } });
    alice.out.outbox.wake(chatWith(userOf(bob)));
    await world.run();
    expect(await bob.device.store.groupKeys(world.groupId)).toMatchObject([{ keyEpoch: 2 }]);
    expect(alice.relay.stored).toHaveLength(1);
    expect(await waiting(alice, bob)).toEqual([]);
  });

  it('still gets what was queued for the group before the block, and it alone', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
    // It stands in the queue, in the store and in memory, and none of it leaves for now.
    alice.relay.verdict = () => full;
    const message = await alice.out.chat(userOf(bob)).send('between us');
    const { wireId } = world;
    const poke = { groupId: wireId, groupEpoch: 1, groupHead: world.headOf(1), groupPoke: {} };
    const request = { groupKeyRequest: { groupId: wireId, wanted: [] } };
    await queue(alice, bob, stateKey(world), {}, poke, request);
    await alice.device.executor.run([], (overlay) => {
      // What both get is kept once, and only the part says what it is.
      const both = [userOf(bob), userOf(carol)];
      addHiddenToEach(overlay, alice.device.origin(), both, { groupWelcome: { groupId: wireId } }, 1);
      addHiddenToEach(overlay, alice.device.origin(), both, { accountNotice: { sealedNumber: new Uint8Array(9) } }, 1);
      const messageId = uuidToText(new Uint8Array(16).fill(3)) as MessageId;
      addHiddenRow(overlay, userOf(bob), { kind: 'retry-request', messageId, content: new Uint8Array(4) }, 1);
    });
    alice.out.outbox.wake(chatWith(userOf(bob)));
    await settled();
    await alice.out.deliverResults();
    await settled();
    await listOf(alice).block(userOf(bob));
    const kept = ['groupKeys', 'groupPoke', 'groupKeyRequest', 'groupWelcome'];
    expect(await waiting(alice, bob)).toEqual(kept);
    expect(await waiting(alice, carol)).toEqual(['groupWelcome', 'accountNotice']);
    expect(await alice.device.store.get('message', message)).toMatchObject({ state: 'failed', failure: 'blocked' });
    alice.relay.verdict = () => ({ type: 'accepted' });
    // On the same connection: what the queue has in memory is what the store has.
    await world.run();
    expect(await waiting(alice, bob)).toEqual([]);
    expect(alice.relay.stored.filter(({ send }) => isTo(send, bob))).toHaveLength(kept.length);
    expect(await bob.device.store.groupKeys(world.groupId)).toMatchObject([{ keyEpoch: 2 }]);
    expect(await bob.in.texts(alice.device)).toEqual([]);
  });
});

describe('a key of a record', () => {
  it('is with nobody when it failed for good: three such rows are not enough', async () => {
    const world = await GroupWorld.talking(5);
    const [alice, bob, carol, dave, erin] = world.people as [
      GroupPerson,
      GroupPerson,
      GroupPerson,
      GroupPerson,
      GroupPerson,
    ];
    const gone = [bob, carol, dave];
    alice.relay.verdict = (send) =>
      gone.some((person) => isTo(send, person)) ? { type: 'unknown-user' } : { type: 'accepted' };
    const rows: number[] = [];
    for (const person of [...gone, erin]) rows.push(...(await queue(alice, person, stateKey(world))));
    let left = false;
    const delivered = alice.out.outbox.keysDelivered(rows, new AbortController().signal).then(() => {
      left = true;
    });
    // Erin's queue does not move: she is out of reach.
    for (const person of gone) alice.out.outbox.wake(chatWith(userOf(person)));
    await settled(60);
    await alice.out.deliverResults();
    await settled(60);
    for (const person of gone) expect(await waiting(alice, person)).toEqual([]);
    alice.out.timers.runUpTo(2_000);
    await settled();
    expect([left, alice.relay.stored]).toEqual([false, []]);
    alice.out.outbox.wake(chatWith(userOf(erin)));
    await world.run();
    await delivered;
    expect(alice.relay.stored).toHaveLength(1);
  });
});

function isTo({ recipients }: Send, person: GroupPerson): boolean {
  return recipients.some(({ userId }) => userId && uuidToText(userId) === userOf(person));
}
