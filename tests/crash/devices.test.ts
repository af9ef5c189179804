import { describe, expect, it } from 'vitest';
import type { ClientProcess } from '../led/client-process.ts';
import { CallError } from '../led/led-process.ts';
import { expectKilledAt } from './crash-world.ts';
import { expectRecovered } from './exchange.ts';
import { Seeded } from './seeded.ts';
import { type Stage, stages } from './stage.ts';
import { clientDeviceSteps, clientRegistrationSteps, relayDeviceSteps } from './steps.ts';

const nextStage = stages();

/** What became of a call: its value, or the code of its failure. */
async function outcomeOf<Value>(call: Promise<Value>): Promise<Value | string> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof CallError) return error.code;
    throw error;
  }
}

/** The code that a new device shows. */
async function codeOf({ world }: Stage, device: ClientProcess): Promise<string> {
  await world.watch.until(() => device.linkCodes.length > 0);
  return device.linkCodes[0] ?? '';
}

/** Another device of Alice's, which she lets in. */
async function linked(stage: Stage): Promise<{ readonly device: ClientProcess; readonly deviceId: number }> {
  const device = stage.world.newcomer();
  const linking = device.process.call('linkDevice', 'Tablet');
  await stage.alice.process.call('link', await codeOf(stage, device));
  const { deviceId } = await linking;
  await expectLinked(stage, device, deviceId);
  return { device, deviceId };
}

/** All know of it, and what is written to Alice comes to both. */
async function expectLinked({ world, alice, bob }: Stage, device: ClientProcess, deviceId: number): Promise<void> {
  await world.watch.until(() => alice.told.has(`device.linked ${deviceId}`) && device.connection === 'live');
  expect(await alice.process.call('devices', undefined)).toContainEqual({ id: deviceId, name: 'Tablet' });
  const received = ({ told }: ClientProcess) => [...told].filter((fact) => fact.startsWith('message.received'));
  const before = received(device).length;
  await bob.send(alice, [`to you and device ${deviceId}`], false);
  await world.watch.until(() => received(device).length > before);
  const news = received(device).at(-1) ?? '';
  await world.watch.until(() => alice.told.has(news));
}

/** It is out, and knows it; the others go on. */
async function expectRevoked(stage: Stage, device: ClientProcess, deviceId: number, seeded: Seeded): Promise<void> {
  const { world, alice } = stage;
  await world.watch.until(() => alice.told.has(`device.removed ${deviceId}`) && device.connection === 'ended');
  expect(await alice.process.call('devices', undefined)).toEqual([{ id: 1, name: '' }]);
  await expectRecovered(stage, seeded);
  await device.stop();
}

describe.each(clientRegistrationSteps)('P7: a new device is killed at %s', (step) => {
  it('and is linked when it was started again, by the code of before', async () => {
    const stage = await nextStage();
    const device = stage.world.newcomer();
    const fatal = { step, hit: 1 };
    const { process } = device;
    await process.call('arm', fatal);
    const cut = outcomeOf(process.call('linkDevice', 'Tablet'));
    await stage.alice.process.call('link', await codeOf(stage, device));
    expect(await cut).toBe('process-ended');
    await expectKilledAt(process, fatal);
    device.start();
    const again = await outcomeOf(device.process.call('linkDevice', 'Tablet'));
    if (step === 'registration.committed') expect(again).toBe('already-registered');
    const devices = await stage.alice.process.call('devices', undefined);
    await expectLinked(stage, device, devices.at(-1)?.id ?? 0);
    expect(device.linkCodes).toHaveLength(1);
    await stage.alice.process.call('revoke', devices.at(-1)?.id ?? 0);
    await expectRevoked(stage, device, devices.at(-1)?.id ?? 0, new Seeded(step, 1));
  });
});

describe('P7: the primary device is killed while it lets another one in', () => {
  it('and the same code works when it was started again', async () => {
    const stage = await nextStage();
    const { world, alice } = stage;
    const device = world.newcomer();
    const linking = device.process.call('linkDevice', 'Tablet');
    const code = await codeOf(stage, device);
    const fatal = { step: 'device-list.committed', hit: 1 } as const;
    const { process } = alice;
    await process.call('arm', fatal);
    expect(await outcomeOf(process.call('link', code))).toBe('process-ended');
    await expectKilledAt(process, fatal);
    alice.start();
    await alice.process.call('link', code);
    const { deviceId } = await linking;
    await expectLinked(stage, device, deviceId);
    await alice.process.call('revoke', deviceId);
    await expectRevoked(stage, device, deviceId, new Seeded('linking', 1));
  });
});

describe.each(clientDeviceSteps)('P7: the primary device is killed at %s while it revokes another one', (step) => {
  it('and that one is out when it was started again', async () => {
    const stage = await nextStage();
    const { device, deviceId } = await linked(stage);
    const { alice } = stage;
    const fatal = { step, hit: 1 };
    const { process } = alice;
    await process.call('arm', fatal);
    expect(await outcomeOf(process.call('revoke', deviceId))).toBe('process-ended');
    await expectKilledAt(process, fatal);
    alice.start();
    await expectRevoked(stage, device, deviceId, new Seeded(step, 1));
  });
});

describe.each(relayDeviceSteps)('P7: the relay is killed at %s while a device is revoked', (step) => {
  it('and that one is out when it was started again', async () => {
    const stage = await nextStage();
    const { device, deviceId } = await linked(stage);
    const { alice, world } = stage;
    const fatal = { step, hit: 1 };
    const { process } = world.relay;
    await process.call('arm', fatal);
    expect(await outcomeOf(alice.process.call('revoke', deviceId))).toBe('relay-unreachable');
    await expectKilledAt(process, fatal);
    await world.relay.start();
    await expectRevoked(stage, device, deviceId, new Seeded(step, 1));
  });
});
