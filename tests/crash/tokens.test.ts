import { describe, expect, it } from 'vitest';
import type { ClientProcess } from '../led/client-process.ts';
import { CallError } from '../led/led-process.ts';
import { expectKilledAt } from './crash-world.ts';
import { expectRecovered } from './exchange.ts';
import { Seeded } from './seeded.ts';
import { stages } from './stage.ts';
import { clientTokenSteps, relayTokenSteps, seeds } from './steps.ts';

const nextStage = stages();
const twoHours = 2 * 3_600_000;
const unknownNumber = '+14155559999';

/** Lets somebody's access token run out by their own clock, then asks for what needs one; gives the error's code. */
async function askWithOldToken(person: ClientProcess): Promise<string> {
  try {
    await person.advance(twoHours);
    await person.process.call('lookUp', unknownNumber);
    return 'found';
  } catch (error) {
    if (error instanceof CallError) return error.code;
    throw error;
  }
}

/** The chain of tokens goes on: the relay answers as to anyone with a session. */
async function expectSession(person: ClientProcess): Promise<void> {
  for (let time = 1; time <= 2; time++) expect(await askWithOldToken(person)).toBe('number-unknown');
}

describe.each(clientTokenSteps)('P1 P2 P6 P7: the client is killed at %s', (step) => {
  it.each(seeds)('seed %i', async (seed) => {
    const stage = await nextStage();
    const seeded = new Seeded(step, seed);
    const victim = seeded.oneOf(stage.alice, stage.bob);
    const { process } = victim;
    const fatal = { step, hit: seeded.between(1, 3) };
    await process.call('arm', fatal);
    for (let time = 1; time <= 10 && process.isRunning; time++) await askWithOldToken(victim);
    await expectKilledAt(process, fatal);
    victim.start();
    await expectSession(victim);
    await expectRecovered(stage, seeded);
  });
});

describe.each(relayTokenSteps)('P1 P2 P6 P7: the relay is killed at %s', (step) => {
  it.each(seeds)('seed %i', async (seed) => {
    const stage = await nextStage();
    const { relay } = stage.world;
    const seeded = new Seeded(step, seed);
    const asking = seeded.oneOf(stage.alice, stage.bob);
    const { process } = relay;
    const fatal = { step, hit: seeded.between(1, 3) };
    await process.call('arm', fatal);
    for (let time = 1; time <= 10 && process.isRunning; time++) await askWithOldToken(asking);
    await expectKilledAt(process, fatal);
    await relay.start();
    await expectSession(asking);
    await expectRecovered(stage, seeded);
  });
});
