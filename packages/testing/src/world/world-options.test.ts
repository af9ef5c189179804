import { expect, it } from 'vitest';
import { testWorld, type World } from './world.ts';

const refusal = (message: RegExp) =>
  expect.objectContaining({ name: 'TestingError', code: 'argument-invalid', message: expect.stringMatching(message) });

it.each([
  ['null', null, /takes its options in an object: \{ seed, now/],
  ['a mistyped name', { sed: 1 }, /no option "sed": it takes seed, now/],
  ['a seed that is no whole number', { seed: -1.5 }, /seed of testWorld is a whole number, or a text/],
  ['a seed that is no number', { seed: Number.NaN }, /seed of testWorld is a whole number, or a text/],
  ['a date that is a text', { now: 'yesterday' }, /now of testWorld is in milliseconds/],
  ['a date that is no number', { now: Number.NaN }, /now of testWorld is in milliseconds/],
  ['a date that no date reaches', { now: 9e15 }, /now of testWorld is in milliseconds/],
  ['a mistyped witness', { witness: { relaystep: () => undefined } }, /no option "relaystep"/],
])('no world is made with %s', async (_, options, message) => {
  await expect(testWorld(options as never)).rejects.toEqual(refusal(message));
});

it.each<[string, (world: World) => unknown, RegExp]>([
  ['a mistyped option', (world) => world.user('D', { recepits: true } as never), /no option "recepits": it takes/],
  ['a text for a flag', (world) => world.user('D', { receipts: 'yes' as never }), /receipts of world\.user is true/],
  ['no name', (world) => world.user(undefined as never), /a user has a name/],
])('nobody comes into a world with %s', async (_, call, message) => {
  await using world = await testWorld();
  await expect((async () => call(world))()).rejects.toEqual(refusal(message));
  expect(world.users).toEqual([]);
});

it('its network is told of users, directions and fates that there are', async () => {
  await using world = await testWorld();
  const { network } = world;
  const alice = await world.user('Alice', { open: false });
  const calls: readonly [() => unknown, RegExp][] = [
    [() => network.next(alice, 'up', 'gone' as never), /a message is one of passed, lost, twice, swapped/],
    [() => network.next(alice, 'sideways' as never, 'lost'), /a direction is one of up, down/],
    [() => network.nextRequest(alice, 'x' as never), /a request is one of passed, request-lost, answer-lost/],
    [() => network.slow(alice, { seconds: 1 }, ['sideways' as never]), /a direction is one of up, down/],
    [() => network.slow(alice, { seconds: 1 }, 'up' as never), /directions are a list/],
    [() => network.disconnect('A' as never), /give a user of the world/],
    [() => network.disconnect(undefined as never), /give a user of the world/],
    [() => network.cut({ line: {} } as never), /give a user of the world/],
  ];
  for (const [call, message] of calls) expect(call).toThrow(refusal(message));
});
