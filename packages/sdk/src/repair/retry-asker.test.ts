import { Envelope, uuidToBytes } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { type GroupPerson, GroupWorld } from '../../test/group-world.ts';
import { ManualTimers } from '../../test/manual-timers.ts';
import { messageIdOf } from '../../test/numbered-uuid.ts';
import { randomness, type TestDevice } from '../../test/test-device.ts';
import { openChat } from '../chats/chat-state.ts';
import type { HeldRecord } from '../ports/inbox-records.ts';
import type { Randomness } from '../ports/randomness.ts';
import { strangerRequests } from './repair-budget.ts';
import { firstRequestAt, RetryAsker } from './retry-asker.ts';

const latest: Pick<Randomness, 'fraction'> = { fraction: () => 1 };
const waitFor = (reason: 'undecryptable' | 'no-sender-key' | 'group-head-unknown', attempt: number) =>
  (firstRequestAt(reason, attempt, 1_000, latest as Randomness) ?? 0) - 1_000;

it('asks soon for what could not be opened, whichever attempt it was; for what waits for a key, when that could have come', () => {
  expect([1, 2, 3].map((attempt) => waitFor('undecryptable', attempt))).toEqual([2_000, 2_000, 2_000]);
  expect(waitFor('no-sender-key', 2)).toBe(22_000);
});

it('asks less and less soon whom an answer shows to be behind in the group', () => {
  const hours = 3_600_000;
  expect([0, 1, 2, 3, 9].map((attempt) => waitFor('group-head-unknown', attempt))).toEqual([
    2_000,
    2_000,
    600_000,
    6 * hours,
    6 * hours,
  ]);
});

type Many = Pick<HeldRecord, 'reason' | 'groupId'> & Pick<Envelope, 'kind' | 'ciphertext'>;

/** Holds many messages of one device, by a clock that was a day ahead. */
async function holdMany(by: TestDevice, of: TestDevice, { reason, groupId, kind, ciphertext }: Many) {
  const ahead = by.clock.now() + 86_400_000;
  await by.executor.run([], (overlay) => {
    for (let at = 1; at <= 130; at++) {
      const messageId = messageIdOf(at);
      const envelope = Envelope.encode({
        suite: 1,
        kind,
        senderDevice: 1,
        groupEpoch: 1,
        messageId: uuidToBytes(messageId),
        ciphertext,
      });
      const times = { heldAt: ahead, arrival: at, retries: 0, requests: 0, requestAt: ahead + at };
      const what = { reason, groupId, sender: of.account.userId, messageId, mendable: true };
      overlay.put('held', { digest: Uint8Array.of(at), envelope, ...what, ...times });
    }
  });
}

/** Looks until it waits; for how long each time. */
async function look({ executor, store, clock, origin }: TestDevice): Promise<readonly number[]> {
  const timers = new ManualTimers();
  const failures: unknown[] = [];
  const envelopeOf = async (bytes: Uint8Array) => Envelope.decode(bytes);
  const ways = { envelopeOf, onQueued: () => undefined, onFailure: (error: unknown) => void failures.push(error) };
  const asker = new RetryAsker({ executor, store, clock, timers, origin, randomness, ...ways });
  const waits: number[] = [];
  asker.wake();
  for (let round = 0; round < 9 && (waits.at(-1) ?? 0) === 0; round++) {
    timers.runAll();
    await asker.idle();
    waits.push(...timers.delays);
  }
  await asker.stop();
  expect(failures).toEqual([]);
  return waits;
}

/** A ciphertext that a request can be written for. */
async function realOne(world: GroupWorld) {
  await world.write(world.people[0] as GroupPerson, 'a real one');
  await world.run();
  const parts = world.taken.map(({ send }) => send.recipients[0]?.devices?.[0]);
  const { kind, ciphertext } = parts.find((part) => part?.ciphertext?.length) ?? {};
  return { kind: kind ?? 0, ciphertext: ciphertext ?? new Uint8Array() };
}

describe('what was held by a clock that was set back since, and is not to be asked for yet', () => {
  it('because the log of its group is to be read, is looked at once', async () => {
    const { groupId, people } = await GroupWorld.talking(2);
    const [alice, bob] = people.map(({ device }) => device) as [TestDevice, TestDevice];
    await bob.executor.run([], async (overlay) => {
      const group = await overlay.get('group', { id: groupId });
      if (group) overlay.put('group', { ...group, knownRevision: 2 });
    });
    await holdMany(bob, alice, { reason: 'no-sender-key', groupId, kind: 4, ciphertext: Uint8Array.of(1) });
    expect(await look(bob)).toEqual([0, 20_000]);
    expect(await bob.store.held(200)).toHaveLength(130);
  });

  it.each(['undecryptable', 'certificate-invalid'] as const)(
    'because a stranger is asked for no more in an hour, is looked at once: %s',
    async (reason) => {
      const world = await GroupWorld.talking(2);
      const [alice, bob] = world.people.map(({ device }) => device) as [TestDevice, TestDevice];
      await holdMany(bob, alice, { reason, groupId: undefined, ...(await realOne(world)) });
      await look(bob);
      const held = await bob.store.held(200);
      expect(held.filter(({ requests }) => requests > 0)).toHaveLength(strangerRequests);
    },
  );
});

it('asks nobody by an outdated certificate who is not known', async () => {
  const world = await GroupWorld.of(2);
  const [alice, bob] = world.people.map(({ device }) => device) as [TestDevice, TestDevice];
  const reason = 'certificate-invalid';
  await holdMany(bob, alice, { reason, groupId: undefined, kind: 1, ciphertext: Uint8Array.of(1) });
  await look(bob);
  // What is not written to them now may be later.
  const later = { requests: 0, requestAt: bob.clock.now() + 6 * 3_600_000 };
  expect(await bob.store.heldRequests(1)).toMatchObject([later]);
  expect((await bob.store.held(200)).filter(({ requests }) => requests === 0)).toHaveLength(130);
});

it('asks by an outdated certificate whom another own device has accepted', async () => {
  const world = await GroupWorld.talking(2);
  const [alice, bob] = world.people.map(({ device }) => device) as [TestDevice, TestDevice];
  const real = await realOne(world);
  const { userId } = alice.account;
  await bob.executor.run([], async (overlay) => {
    overlay.delete('identity', { userId });
    overlay.put('chat', { ...(await openChat(overlay, userId, bob.clock.now())), accepted: true });
  });
  await holdMany(bob, alice, { reason: 'certificate-invalid', groupId: undefined, ...real });
  await look(bob);
  const asked = (await bob.store.held(200)).filter(({ requests }) => requests > 0);
  expect(asked.length).toBeGreaterThan(strangerRequests);
});
