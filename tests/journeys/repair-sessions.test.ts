import { randomBytes } from 'node:crypto';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exchange, JourneyWorld } from './journey-world.ts';
import type { Person } from './person.ts';

/** First requests are sent after 40 ms, second ones after 12 s: a message that is asked for twice is noticed. */
const platform = { randomness: { bytes: (count: number) => new Uint8Array(randomBytes(count)), fraction: () => 0.02 } };

/** What somebody has of another one, in the order of the history. */
async function textsFrom(reader: Person, writer: Person): Promise<readonly string[]> {
  return (await reader.history(writer)).filter(({ outgoing }) => !outgoing).map(({ text }) => text);
}

async function expectMended(world: JourneyWorld, alice: Person, bob: Person): Promise<void> {
  // Nothing is left behind on either side, and both can write on.
  await world.watch.until(() => bob.incoming().some(({ text }) => text === 'fourth'));
  await exchange(alice, bob);
  await exchange(bob, alice);
  for (const person of [alice, bob]) {
    // A receipt may be the last that is mended: by the answer to a request, or by word that none will come.
    for (;;) {
      const { commits } = person.observed;
      const held = await person.observed.store().held(100);
      if (held.length === 0) break;
      // What is lost on one session comes again on the next, though its prekeys be lost too: one request mends it. A user would wait up to ten minutes for the second.
      expect(held.map(({ requests }) => requests).filter((requests) => requests > 1)).toEqual([]);
      await world.watch.until(() => person.observed.commits > commits);
    }
  }
}

describe('P7: a session that one side has lost mends itself, without a message less  [security: bad-mac]', () => {
  it.each([
    ['its sessions', 'DELETE FROM session'],
    ['its sessions and one-time keys', "DELETE FROM session; DELETE FROM prekey WHERE kind IN ('ec', 'kyber')"],
  ])('a device loses %s', async (_, sql) => {
    await using world = await JourneyWorld.open();
    const [alice, bob] = [await world.person({ platform }), await world.person({ platform })];
    await exchange(alice, bob);
    await world.whileAway(bob, 2, sql);
    await bob.live();
    for (const text of ['first', 'second', 'third', 'fourth']) await alice.say(bob, text);
    const own = (await alice.history(bob)).slice(-4);
    await Promise.all(own.map((message) => alice.told('message.delivered', message)));
    expect((await textsFrom(bob, alice)).slice(-4)).toEqual(['first', 'second', 'third', 'fourth']);
    await expectMended(world, alice, bob);
  });

  it('a device comes back with the store of last week, and both sides write at once', async () => {
    await using world = await JourneyWorld.open();
    const [alice, bob] = [await world.person({ platform }), await world.person({ platform })];
    await exchange(alice, bob);
    await bob.stop();
    const [file, copy] = [world.databaseOf(2), join(world.folder, 'last-week.db')];
    copyFileSync(file, copy);
    await bob.open();
    await exchange(alice, bob);
    await exchange(bob, alice);
    await exchange(alice, bob);
    await bob.stop();
    for (const end of ['-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
    copyFileSync(copy, file);
    await bob.open();
    await bob.live();
    const answers = ['back', 'again'].map((text) => bob.say(alice, text));
    for (const text of ['first', 'second', 'third', 'fourth']) await alice.say(bob, text);
    await Promise.all(answers);
    const own = (await alice.history(bob)).filter(({ outgoing }) => outgoing).slice(-4);
    await Promise.all(own.map((message) => alice.told('message.delivered', message)));
    await alice.received('back');
    await alice.received('again');
    await expectMended(world, alice, bob);
  });
});
