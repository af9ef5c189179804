import { SeededRandom, testWorld, type World, type WorldUser } from '@sotto/testing';
import { describe, expect, it } from 'vitest';
import { clientMessageSteps } from '../crash/steps.ts';

const seeds = [1, 2, 3, 4, 5, 6];
const rounds = 24;

/** The commits themselves: a client dies with what it was about to write, or before it learns that it is written. */
const commitSteps = ['store.commit.before', 'store.commit.after'];

/** Steps at which somebody was killed, over all seeds. */
const killedAt = new Map<string, number>();

/** Messages that were promised, over all seeds. */
let total = 0;

/** Kills clients at the steps that a seed chooses. */
class Killer {
  readonly #left = new Map<string, number>();

  /** Lets somebody live for so many steps more. */
  arm(user: WorldUser, steps: number): void {
    this.#left.set(user.name, steps);
  }

  disarm(): void {
    this.#left.clear();
  }

  reached(user: WorldUser, step: string): void {
    const left = this.#left.get(user.name);
    if (left === undefined) return;
    this.#left.set(user.name, left - 1);
    if (left > 1) return;
    this.#left.delete(user.name);
    killedAt.set(step, (killedAt.get(step) ?? 0) + 1);
    user.crash();
  }
}

/** Somebody, with what their `send` has promised. */
interface Writer {
  readonly user: WorldUser;
  readonly promised: string[];
  /** Held envelopes and failed messages that events told of. */
  readonly troubles: string[];
}

function listen({ user, troubles }: Writer): void {
  user.client.on('envelope.held', ({ reason }) => troubles.push(reason));
  user.client.on('message.failed', ({ code }) => troubles.push(code));
}

/** Writes texts without waiting for them: a client that is killed never answers. */
async function write(from: Writer, to: Writer, texts: readonly string[]): Promise<void> {
  const chat = await from.user.client.chats.with(to.user.number);
  for (const text of texts) {
    chat.send(text).then(
      () => from.promised.push(text),
      (error: unknown) => from.troubles.push(String(error)),
    );
  }
}

async function historyOf(of: Writer, other: Writer) {
  const chat = await of.user.client.chats.with(other.user.number);
  const messages = [];
  let page = await chat.history({ from: 'oldest', limit: 500 });
  while (page.newer !== undefined) {
    messages.push(...page.messages);
    page = await chat.history({ after: page.newer, limit: 500 });
  }
  return messages;
}

/** Brings everybody back who was killed. */
async function mend(world: World, writers: readonly Writer[]): Promise<void> {
  for (const writer of writers) {
    if (writer.user.state !== 'closed') continue;
    await writer.user.open();
    listen(writer);
  }
  await world.settle();
}

async function playRound(
  world: World,
  killer: Killer,
  writers: readonly [Writer, Writer],
  random: SeededRandom,
  at: number,
) {
  const [one, other] = writers;
  for (const { user } of random.pick([[one], [other], writers, []]) ?? []) killer.arm(user, random.between(1, 45));
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const texts = Array.from({ length: random.between(0, 7) }, (_, number) => `${from.user.name} ${at}.${number}`);
    if (from.user.state === 'open') await Promise.race([write(from, to, texts), world.settle()]);
  }
  await world.settle();
  // Some are away for a while, so that the other one's wait at the relay.
  if (random.fraction() < 0.8) await mend(world, writers);
  if (random.fraction() < 0.3) await world.advance({ seconds: random.between(1, 40) });
}

describe('two who are killed at any commit, again and again', () => {
  it.each(seeds)(
    'have each message once, in order, and no session breaks: seed %i  [security: bad-mac]',
    async (seed) => {
      const random = new SeededRandom(`kills ${seed}`);
      const killer = new Killer();
      await using world = await testWorld({
        seed,
        witness: { clientStep: (user, step) => killer.reached(user, step) },
      });
      const [alice, bob] = [await world.user('Alice'), await world.user('Bob')];
      const writers = [
        { user: alice, promised: [], troubles: [] },
        { user: bob, promised: [], troubles: [] },
      ] as const satisfies readonly Writer[];
      for (const writer of writers) listen(writer);
      for (let at = 0; at < rounds; at++) await playRound(world, killer, writers, random, at);

      killer.disarm();
      await mend(world, writers);
      await world.advance({ minutes: 2 });
      // Both can write on, over the sessions that they have.
      await write(writers[0], writers[1], ['Alice in the end']);
      await write(writers[1], writers[0], ['Bob in the end']);
      await world.settle();
      for (const [from, to] of [writers, [writers[1], writers[0]]] as const) {
        const written = (await historyOf(from, to)).filter(({ outgoing }) => outgoing);
        const arrived = (await historyOf(to, from)).filter(({ outgoing }) => !outgoing);
        expect(arrived.map(({ text }) => text)).toEqual(written.map(({ text }) => text));
        expect(written.map(({ text }) => text)).toEqual(expect.arrayContaining(from.promised));
        expect(new Set(arrived.map(({ text }) => text)).size).toBe(arrived.length);
        expect(arrived.filter(({ late }) => late)).toEqual([]);
        expect(written.filter(({ state }) => state !== 'delivered')).toEqual([]);
        expect(from.troubles).toEqual([]);
        expect(from.user.disk.tables.held.size).toBe(0);
      }
      expect(world.relay.disk.mail()).toEqual([]);
      total += writers[0].promised.length + writers[1].promised.length;
    },
  );

  it('were killed at each of them, and wrote hundreds', () => {
    expect([...clientMessageSteps, ...commitSteps].filter((step) => !killedAt.has(step))).toEqual([]);
    expect(total).toBeGreaterThan(600);
  });
});
