import type { BundlesAnswer, PrekeyCount } from '@sotto/proto';
import { Client } from '@sotto/sdk';
import { memoryStore } from '@sotto/storage-adapters/memory';
import { describe, expect, it } from 'vitest';
import { expectKilledAt } from './crash-world.ts';
import { expectRecovered } from './exchange.ts';
import { Seeded } from './seeded.ts';
import { type Stage, stages } from './stage.ts';
import { clientPrekeySteps, relayPrekeySteps, seeds } from './steps.ts';

const nextStage = stages();
/** Below 20 the relay tells the device that its keys run out. */
const left = 15;

async function ask<Answer>({ world }: Stage, token: string, path: string): Promise<Answer> {
  const answer = await fetch(`${world.relay.url}/v1/${path}`, { headers: { authorization: `Bearer ${token}` } });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Answer;
}

/** How many bundles of Bob have to be taken until his keys run out. */
async function bundlesUntilLow(stage: Stage): Promise<number> {
  const count = await ask<PrekeyCount>(stage, await stage.bob.process.call('accessToken', undefined), 'prekeys');
  return Math.max(0, Math.min(count.ec, count.kyber) - left);
}

/** Takes bundles of Bob, as Alice; until one fails, since the relay is gone. */
async function takeBundles(stage: Stage, count: number): Promise<void> {
  const token = await stage.alice.process.call('accessToken', undefined);
  for (let taken = 0; taken < count && stage.world.relay.process.isRunning; taken++) {
    try {
      await ask<BundlesAnswer>(stage, token, `users/${stage.bob.userId}/bundles`);
    } catch (error) {
      // `fetch` throws a TypeError when the connection broke.
      if (!(error instanceof TypeError)) throw error;
    }
  }
}

/** Has Bob's keys run out and made anew, again and again until a process is gone. */
async function refillUntil(isOver: () => boolean, stage: Stage): Promise<void> {
  for (let round = 1; round <= 10 && !isOver(); round++) {
    const before = await stage.bob.process.call('prekeys', undefined);
    await takeBundles(stage, await bundlesUntilLow(stage));
    let isRefilled = false;
    stage.bob.process.call('uploadedPrekeys', before.length + 1).then(
      () => {
        isRefilled = true;
        stage.world.watch.changed();
      },
      () => stage.world.watch.changed(),
    );
    await stage.world.watch.until(() => isRefilled || isOver());
  }
}

/** Keys that were taken before the kill are made up for once Bob is connected again: the relay is asked until it has enough. */
async function untilEnough(stage: Stage): Promise<void> {
  for (;;) {
    const { ec, kyber } = await ask<PrekeyCount>(
      stage,
      await stage.bob.process.call('accessToken', undefined),
      'prekeys',
    );
    if (Math.min(ec, kyber) >= 20) return;
  }
}

/** All keys that the relay gives away are known to Bob, there are enough, and a stranger can open a session with them. */
async function expectGoodKeys(stage: Stage, seeded: Seeded): Promise<void> {
  const { world, bob } = stage;
  await untilEnough(stage);
  const own = await bob.process.call('uploadedPrekeys', 0);
  const known = new Set(own.map(({ kind, id }) => `${kind} ${id}`));
  const offered = world.oneTimePrekeys(bob.userId);
  expect(offered.filter((key) => !known.has(key))).toEqual([]);
  for (const kind of ['ec', 'kyber']) {
    expect(offered.filter((key) => key.startsWith(kind)).length).toBeGreaterThanOrEqual(20);
  }
  await expectStrangerHeard(stage, seeded);
}

async function expectStrangerHeard({ world, bob }: Stage, seeded: Seeded): Promise<void> {
  await using stranger = await Client.open({ relay: world.relay.url, store: memoryStore() });
  const phone = `+1415554${seeded.between(1000, 9999)}`;
  await stranger.register({ phone, profile: { username: 'Stranger' }, code: () => world.relay.codeFor(phone) });
  const chat = await stranger.chats.with(bob.phone);
  const read = Promise.withResolvers<string>();
  stranger.on('message.read', (event) => read.resolve(event.message.id));
  const { id } = await chat.send('Do you hear me?');
  expect(await read.promise).toBe(id);
}

describe.each(clientPrekeySteps)('P1 P2 P6 P7: the client is killed at %s', (step) => {
  it.each(seeds)('seed %i', async (seed) => {
    const stage = await nextStage();
    const { bob } = stage;
    const seeded = new Seeded(step, seed);
    const { process } = bob;
    const fatal = { step, hit: seeded.between(1, 2) };
    await process.call('arm', fatal);
    await refillUntil(() => !process.isRunning, stage);
    await expectKilledAt(process, fatal);
    bob.start();
    await expectGoodKeys(stage, seeded);
    await expectRecovered(stage, seeded);
  });
});

describe.each(relayPrekeySteps)('P1 P2 P6 P7: the relay is killed at %s', (step) => {
  it.each(seeds)('seed %i', async (seed) => {
    const stage = await nextStage();
    const { relay } = stage.world;
    const seeded = new Seeded(step, seed);
    const { process } = relay;
    // Keys that are taken are a step of their own, as are those that are stored.
    const taken = await bundlesUntilLow(stage);
    const hit = seeded.oneOf(seeded.between(1, taken), taken + seeded.between(1, 2));
    const fatal = { step, hit };
    await process.call('arm', fatal);
    await refillUntil(() => !process.isRunning, stage);
    await expectKilledAt(process, fatal);
    await relay.start();
    await expectGoodKeys(stage, seeded);
    await expectRecovered(stage, seeded);
  });
});
