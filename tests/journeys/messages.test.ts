import { describe, expect, it } from 'vitest';
import { exchange, JourneyWorld } from './journey-world.ts';
import type { Person } from './person.ts';

const count = 200;

function textsOf(author: Person): readonly string[] {
  return Array.from({ length: count }, (_, at) => `${author.phone} says ${at} ${crypto.randomUUID()}`);
}

async function sendAll(from: Person, to: Person, texts: readonly string[]): Promise<void> {
  const chat = await from.chat(to);
  await Promise.all(texts.map((text) => chat.send(text)));
}

/** All of them once, in order, in events and history, and as delivered at their author. */
async function expectArrived(world: JourneyWorld, from: Person, to: Person, texts: readonly string[]): Promise<void> {
  const wanted = new Set(texts);
  const incoming = () => to.incoming().filter(({ text }) => wanted.has(text));
  await world.watch.until(() => incoming().length >= texts.length);
  const own = (await from.history(to)).filter(({ text }) => wanted.has(text));
  await Promise.all(own.map((message) => from.told('message.delivered', message)));
  expect(incoming().map(({ text }) => text)).toEqual(texts);
  const kept = (await to.history(from)).filter(({ text }) => wanted.has(text));
  expect(kept.map(({ text }) => text)).toEqual(texts);
  expect(kept.some(({ late }) => late)).toBe(false);
}

describe.each(['memory', 'sqlite'] as const)('P2: each message once, in its order, on %s stores', (stores) => {
  it('200 each way at once between two who have never met', async () => {
    await using world = await JourneyWorld.open({ stores });
    const [alice, bob] = [await world.person(), await world.person()];
    const [ofAlice, ofBob] = [textsOf(alice), textsOf(bob)];
    await Promise.all([sendAll(alice, bob, ofAlice), sendAll(bob, alice, ofBob)]);
    await expectArrived(world, alice, bob, ofAlice);
    await expectArrived(world, bob, alice, ofBob);
  });

  it('among three, while one is away and comes back', async () => {
    await using world = await JourneyWorld.open({ stores });
    const [alice, bob, carol] = [await world.person(), await world.person(), await world.person()];
    await exchange(alice, bob);
    await carol.stop();
    const texts = [textsOf(alice), textsOf(bob)] as const;
    await Promise.all([sendAll(alice, carol, texts[0]), sendAll(bob, carol, texts[1])]);
    await carol.open();
    await (await carol.chat(alice)).accept();
    await (await carol.chat(bob)).accept();
    // Those that came before she accepted them have no receipt; all have come.
    for (const [author, said] of [
      [alice, texts[0]],
      [bob, texts[1]],
    ] as const) {
      const last = said.at(-1) ?? '';
      await world.watch.until(() => carol.incoming().some(({ text }) => text === last));
      expect((await carol.history(author)).map(({ text }) => text)).toEqual(said);
    }
  });

  it('what is written without a connection waits, in order, over a restart too', async () => {
    await using world = await JourneyWorld.open({ stores });
    const [alice, bob] = [await world.person(), await world.person()];
    await exchange(alice, bob);
    await world.stop();
    const texts = textsOf(alice);
    await sendAll(alice, bob, texts.slice(0, 100));
    await alice.stop();
    await alice.open();
    await sendAll(alice, bob, texts.slice(100));
    expect((await alice.history(bob)).slice(-count).every(({ state }) => state === 'queued')).toBe(true);
    await world.start();
    await expectArrived(world, alice, bob, texts);
  });
});

describe('two clients in one process', () => {
  it('share nothing: one stops, the other goes on; each hears its own events alone', async () => {
    await using world = await JourneyWorld.open();
    const [alice, bob, carol] = [await world.person(), await world.person(), await world.person()];
    await exchange(alice, bob);
    await bob.stop();
    await exchange(alice, carol);
    expect(bob.incoming()).toHaveLength(1);
    expect((await carol.client.chats.list()).chats).toHaveLength(1);
    expect((await alice.client.chats.list()).chats).toHaveLength(2);
  });
});
