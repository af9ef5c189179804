import { describe, expect, it } from 'vitest';
import type { ClientProcess } from '../led/client-process.ts';
import { CallError } from '../led/led-process.ts';
import { expectKilledAt } from './crash-world.ts';
import { expectPromisesKept, expectRecovered, write } from './exchange.ts';
import { Seeded } from './seeded.ts';
import { type Stage, stages } from './stage.ts';
import { clientRegistrationSteps, relayRegistrationSteps, seeds } from './steps.ts';

const nextStage = stages();

/** Registers as a program does: again, until there is an account; gives up when the process or the relay is gone. */
async function registerUntil(isOver: () => boolean, person: ClientProcess): Promise<void> {
  for (let attempt = 1; attempt <= 5 && !isOver(); attempt++) {
    try {
      await person.register('Carol');
      return;
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      const isExpected = ['code-wrong', 'relay-unreachable', 'process-ended', 'already-registered'].includes(
        error.code,
      );
      if (!isExpected) throw error;
      if (error.code === 'already-registered') return;
    }
  }
}

/** One account with one SMS, which can be written to and writes, and nothing that the crash has touched goes wrong for the others. */
async function expectOneAccount(carol: ClientProcess, stage: Stage, before: number, seeded: Seeded): Promise<void> {
  const { world, alice } = stage;
  expect(world.relay.sentTo(carol.phone)).toBe(1);
  expect(world.accounts()).toEqual({ live: before + 1, ended: 0 });
  const account = await carol.process.call('account', undefined);
  expect(account?.number).toBe(carol.phone);
  // Whoever was cut off before it could be shown still gets it.
  if (carol.recoveryKey !== '') expect(account?.recoveryKey).toBe(carol.recoveryKey);
  else expect(account?.recoveryKey).toMatch(/^[0-9A-Z]{4}(-[0-9A-Z]{2,4})+$/);
  expect(await alice.process.call('lookUp', carol.phone)).toEqual({ userId: account?.userId });
  await write(alice, carol, seeded);
  await write(carol, alice, seeded);
  const { mark } = alice;
  alice.mark = { ...mark, cursor: undefined };
  await expectPromisesKept(alice, carol, world.watch);
  // The history with Bob goes on where it was.
  alice.mark = { ...alice.mark, cursor: mark.cursor };
  await expectRecovered(stage, seeded);
}

describe.each(clientRegistrationSteps)('P1 P2 P6 P7: the client is killed at %s', (step) => {
  it.each(seeds)('seed %i', async (seed) => {
    const stage = await nextStage();
    const before = stage.world.accounts().live;
    const seeded = new Seeded(step, seed);
    const carol = stage.world.newcomer();
    carol.wrongCodes = seeded.between(0, 2);
    // A draft is committed for each code that is tried; the rest happens once.
    const fatal = { step, hit: step === 'registration.draft-committed' ? carol.wrongCodes + 1 : 1 };
    const { process } = carol;
    await process.call('arm', fatal);
    await registerUntil(() => !process.isRunning, carol);
    await expectKilledAt(process, fatal);
    carol.start();
    await registerUntil(() => false, carol);
    await expectOneAccount(carol, stage, before, seeded);
    await carol.stop();
  });
});

describe.each(relayRegistrationSteps)('P1 P2 P6 P7: the relay is killed at %s', (step) => {
  it.each(seeds)('seed %i', async (seed) => {
    const stage = await nextStage();
    const { relay } = stage.world;
    const before = stage.world.accounts().live;
    const seeded = new Seeded(step, seed);
    const carol = stage.world.newcomer();
    carol.wrongCodes = seeded.between(0, 2);
    const fatal = { step, hit: 1 };
    const { process } = relay;
    await process.call('arm', fatal);
    await registerUntil(() => !process.isRunning, carol);
    await expectKilledAt(process, fatal);
    await relay.start();
    await registerUntil(() => false, carol);
    await expectOneAccount(carol, stage, before, seeded);
    await carol.stop();
  });
});
