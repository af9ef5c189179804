import { describe, expect, it } from 'vitest';
import { HandTime } from './hand-time.ts';
import { exchange, JourneyWorld } from './journey-world.ts';

const hour = 3_600_000;
const day = 24 * hour;

describe.each([
  ['a day behind', -day],
  ['a day ahead', day],
])('P5: a clock that is %s', (_, off) => {
  it('registers, sends, receives, refreshes tokens and rotates prekeys', async () => {
    const time = new HandTime();
    await using world = await JourneyWorld.open({ time });
    const platform = { clock: { now: () => time.clock.now() + off } };
    const alice = await world.person({ platform });
    const bob = await world.person();
    await exchange(alice, bob);
    const toBob = await alice.say(bob, 'to bob');
    await bob.received('to bob');
    const toAlice = await bob.say(alice, 'to alice');
    await alice.received('to alice');
    await alice.told('message.delivered', toBob);
    await bob.told('message.delivered', toAlice);
    const [sent] = await alice.history(bob);
    expect(sent?.acceptedAt).toBe(time.clock.now());
    expect(sent?.sentAt).toBe(time.clock.now() + off);
    const { accessToken } = (await alice.observed.store().get('account', {})) ?? {};

    // The access token's hour is over by the relay's clock; the next call needs a new one.
    time.set(time.clock.now() + 2 * hour);
    const carol = await world.person();
    await alice.say(carol, 'to carol');
    await carol.received('to carol');
    expect((await alice.observed.store().get('account', {}))?.accessToken).not.toEqual(accessToken);

    // Signed prekeys are replaced after a week.
    await alice.stop();
    time.set(time.clock.now() + 8 * day);
    const since = time.clock.now() + off;
    await alice.open();
    for (;;) {
      const { commits } = alice.observed;
      const own = await alice.observed.store().prekeys();
      const fresh = own.filter(({ createdAt, uploaded }) => createdAt >= since && uploaded);
      const kinds = fresh.map(({ kind }) => kind);
      if (kinds.includes('signed') && kinds.includes('last-resort')) break;
      await world.watch.until(() => alice.observed.commits > commits);
    }
    const dave = await world.person();
    await dave.say(alice, 'by the new keys');
    await alice.received('by the new keys');
  });
});
