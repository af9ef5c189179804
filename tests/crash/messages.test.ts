import { describe, it } from 'vitest';
import { expectKilledAt } from './crash-world.ts';
import { expectRecovered, write } from './exchange.ts';
import { Seeded } from './seeded.ts';
import { type Stage, stages } from './stage.ts';
import { clientMessageSteps, consumerStep, relayMessageSteps, seeds } from './steps.ts';

const nextStage = stages();

/** Lets both write until a process is gone; no round begins before the one before came to rest. */
async function writeUntil(isOver: () => boolean, { alice, bob, world }: Stage, seeded: Seeded): Promise<void> {
  for (let round = 1; round <= 10 && !isOver(); round++) {
    const writers = seeded.oneOf([alice], [bob], [alice, bob], [alice, bob]);
    const written = Promise.allSettled(writers.map((writer) => write(writer, writer === alice ? bob : alice, seeded)));
    let isAtRest = false;
    const rest = written
      .then(() => Promise.allSettled([alice.rest(bob), bob.rest(alice)]))
      .then(() => {
        isAtRest = true;
        world.watch.changed();
      });
    await world.watch.until(() => isAtRest || isOver());
    await written;
    if (!isOver()) await rest;
  }
}

describe.each([...clientMessageSteps, consumerStep])(
  'P1 P2 P6 P7: the client is killed at %s  [security: replay]',
  (step) => {
    it.each(seeds)('seed %i', async (seed) => {
      const stage = await nextStage();
      const seeded = new Seeded(step, seed);
      const victim = seeded.oneOf(stage.alice, stage.bob);
      const fatal = { step, hit: seeded.between(1, 4) };
      await victim.process.call('arm', fatal);
      const { process } = victim;
      await writeUntil(() => !process.isRunning, stage, seeded);
      await expectKilledAt(process, fatal);
      victim.start();
      await expectRecovered(stage, seeded);
    });
  },
);

describe.each(relayMessageSteps)('P1 P2 P6 P7: the relay is killed at %s  [security: replay]', (step) => {
  it.each(seeds)('seed %i', async (seed) => {
    const stage = await nextStage();
    const { relay } = stage.world;
    const seeded = new Seeded(step, seed);
    const fatal = { step, hit: seeded.between(1, 4) };
    await relay.process.call('arm', fatal);
    const { process } = relay;
    await writeUntil(() => !process.isRunning, stage, seeded);
    await expectKilledAt(process, fatal);
    await relay.start();
    await expectRecovered(stage, seeded);
  });
});
