import { describe, expect, it } from 'vitest';
import type { ClientProcess } from '../led/client-process.ts';
import { CallError } from '../led/led-process.ts';
import { expectKilledAt } from './crash-world.ts';
import { expectRecovered } from './exchange.ts';
import { Seeded } from './seeded.ts';
import { type Stage, stages } from './stage.ts';
import { clientDeletionSteps, relayDeletionSteps } from './steps.ts';

const nextStage = stages();

/** Somebody with an account and an avatar, who is about to leave. */
async function leaver({ world }: Stage): Promise<ClientProcess> {
  const carol = world.newcomer();
  await carol.register('Carol');
  await carol.process.call('setAvatar', undefined);
  expect(world.hasAvatar(carol.userId)).toBe(true);
  return carol;
}

async function leave({ process }: ClientProcess): Promise<string> {
  try {
    await process.call('deleteAccount', undefined);
    return 'deleted';
  } catch (error) {
    if (error instanceof CallError) return error.code;
    throw error;
  }
}

/** Without anybody asking again: nothing of the account is left, here or there, the user was told, and nobody else noticed. */
async function expectGone(carol: ClientProcess, stage: Stage, ended: number): Promise<void> {
  const { world, bob } = stage;
  await world.watch.until(() => carol.told.has(`account.deleted ${carol.userId}`));
  expect(await carol.process.call('standing', undefined)).toEqual({ ended: true, leaving: false, hasSecrets: false });
  expect(await carol.process.call('account', undefined)).toBe(undefined);
  expect(await carol.process.call('prekeys', undefined)).toEqual([]);
  expect(world.accounts()).toEqual({ live: 2, ended: ended + 1 });
  await expect.poll(() => world.hasAvatar(carol.userId)).toBe(false);
  await expect(bob.process.call('lookUp', carol.phone)).rejects.toMatchObject({ code: 'number-unknown' });
  expect(await leave(carol)).toBe('session-ended');
  await carol.stop();
}

describe.each(clientDeletionSteps)('P7: the client is killed at %s', (step) => {
  it('and the account is gone when it was started again  [security: leaving]', async () => {
    const stage = await nextStage();
    const { ended } = stage.world.accounts();
    const carol = await leaver(stage);
    const fatal = { step, hit: 1 };
    const { process } = carol;
    await process.call('arm', fatal);
    expect(await leave(carol)).toBe('process-ended');
    await expectKilledAt(process, fatal);
    carol.start();
    await expectGone(carol, stage, ended);
    await expectRecovered(stage, new Seeded(step, 1));
  });
});

describe.each(relayDeletionSteps)('P7: the relay is killed at %s', (step) => {
  it('and the account is gone when it was started again  [security: leaving]', async () => {
    const stage = await nextStage();
    const { relay } = stage.world;
    const { ended } = stage.world.accounts();
    const carol = await leaver(stage);
    const fatal = { step, hit: 1 };
    const { process } = relay;
    await process.call('arm', fatal);
    expect(await leave(carol)).toBe('relay-unreachable');
    await expectKilledAt(process, fatal);
    expect(await carol.process.call('standing', undefined)).toEqual({ ended: false, leaving: true, hasSecrets: true });
    expect(stage.world.hasAvatar(carol.userId)).toBe(true);
    await relay.start();
    await expectGone(carol, stage, ended);
    await expectRecovered(stage, new Seeded(step, 1));
  });
});
