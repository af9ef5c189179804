import { describe, expect, it } from 'vitest';
import { exchange, JourneyWorld } from './journey-world.ts';
import { anotherDevice } from './linked-person.ts';

describe('a second device of somebody', () => {
  it('is linked by a code, and talks: both ways, and each knows what the other has written and read', async () => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const [alice, bob] = [await world.person(), await world.person()];
    await exchange(alice, bob);
    const tablet = await anotherDevice(world, alice, 'Tablet');
    expect(
      (await alice.client.devices.list()).map(({ deviceId, name, primary, current }) => [
        deviceId,
        name,
        primary,
        current,
      ]),
    ).toEqual([
      [1, '', true, true],
      [2, 'Tablet', false, false],
    ]);
    await bob.say(alice, 'to both of you');
    await alice.received('to both of you');
    await tablet.received('to both of you');
    const written = await tablet.say(bob, 'from the tablet');
    await bob.received('from the tablet');
    await alice.told('message.sent', written);
    expect((await alice.history(bob)).map(({ text, outgoing }) => [text, outgoing])).toContainEqual([
      'from the tablet',
      true,
    ]);
  });
});
