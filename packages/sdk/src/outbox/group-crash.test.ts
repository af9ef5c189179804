import { uuidToText } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { type GroupPerson, GroupWorld } from '../../test/group-world.ts';
import { meetDevice } from '../../test/test-device.ts';
import { settled } from '../../test/turn-of-events.ts';
import type { ClientStep } from '../ports/tracer.ts';

const steps: readonly ClientStep[] = [
  'send.committed',
  'seal.before-commit',
  'seal.committed',
  'send.bytes-left',
  'result.before-commit',
  'result.committed',
  'deliver.received',
  'decrypt.before-commit',
  'receive.committed',
  'receipt.queued',
  'ack.left',
];

/** From the step on nothing that somebody's process does reaches its disk or the relay: what is on them is what a kill there leaves. */
function killAt(person: GroupPerson, step: ClientStep, hit: number): { readonly reached: () => boolean } {
  let left = hit;
  const list = person.device.steps;
  const { disk } = person.device;
  Object.defineProperty(list, 'push', {
    value: (...reached: readonly ClientStep[]) => {
      for (const one of reached) if (one === step && --left === 0) die();
      return Array.prototype.push.apply(list, [...reached]);
    },
  });
  const die = () => {
    disk.full = true;
    person.relay.disconnect();
  };
  return { reached: () => left <= 0 };
}

describe.each(steps)('P1 P2 P7: a member who is killed at %s', (step) => {
  it.each([1, 2])('the time number %i', async (hit) => {
    const world = await GroupWorld.of(3);
    const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
    // The devices of one are known, those of the other are not yet.
    await meetDevice(alice.device, bob.device);
    await world.connect(alice, bob, carol);
    const kill = killAt(alice, step, hit);
    const promised: string[] = [];
    for (let round = 0; round < 4 && !kill.reached(); round++) {
      for (const author of [alice, bob]) {
        const written = await world.write(author, 'hello').catch(() => undefined);
        if (written !== undefined) promised.push(written.id);
      }
      await settled(40);
      for (const person of world.people) {
        await person.out.deliverResults().catch((error: unknown) => person.out.failures.push(error));
      }
      await settled(10);
      await world.handOver();
    }
    expect(kill.reached()).toBe(true);
    alice.device.disk.full = false;
    await world.restart(alice);
    await world.redeliver(alice);
    await world.connect(alice);
    await world.run();
    for (const reader of world.people) {
      const ids = (await world.messages(reader)).map(({ id }) => id as string);
      expect(ids).toEqual(expect.arrayContaining(promised));
      expect(new Set(ids).size).toBe(ids.length);
      expect(await reader.in.heldReasons()).toEqual([]);
      expect(await reader.device.store.outboxChats()).toEqual([]);
    }
    // A sealed attempt is the same one after the crash: the relay takes it once.
    const shared = world.taken.filter(({ send }) => send.sharedCiphertext.length > 0);
    expect(new Set(shared.map(({ send }) => uuidToText(send.messageId))).size).toBe(shared.length);
    const [one, two, three] = await Promise.all(world.people.map((person) => idsOf(world, person)));
    expect(two).toEqual(one);
    expect(three).toEqual(one);
  });
});

async function idsOf(world: GroupWorld, person: GroupPerson): Promise<readonly string[]> {
  return (await world.messages(person)).map(({ id }) => id as string).sort();
}
