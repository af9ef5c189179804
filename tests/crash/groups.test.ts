import { describe, expect, it } from 'vitest';
import type { ClientProcess } from '../led/client-process.ts';
import { CallError } from '../led/led-process.ts';
import { expectKilledAt } from './crash-world.ts';
import { type Stage, stages } from './stage.ts';
import { clientGroupSteps, clientMessageSteps, relayGroupSteps, relayMessageSteps } from './steps.ts';

const nextStage = stages();
const carols = new WeakMap<Stage, Promise<ClientProcess>>();
const changes = ['create', 'add', 'remove', 'leave'] as const;
type Kind = (typeof changes)[number];
let groups = 0;

/** The people of a stage, and one more. */
async function everybody(stage: Stage): Promise<readonly [ClientProcess, ClientProcess, ClientProcess]> {
  const carol = carols.get(stage) ?? stage.world.registered('Carol');
  carols.set(stage, carol);
  return [stage.alice, stage.bob, await carol];
}

/** What a group is to somebody, as soon as it is what it is to be. */
async function becomes(person: ClientProcess, title: string, members: readonly ClientProcess[]): Promise<void> {
  const wanted = { standing: 'member', members: members.map(({ userId }) => userId).sort() };
  await expect.poll(() => person.process.call('group', title), { timeout: 20_000 }).toMatchObject(wanted);
}

async function textsOf(person: ClientProcess, title: string): Promise<readonly string[]> {
  return (await person.process.call('group', title))?.texts ?? [];
}

/** Everybody who is in writes; then all of them have all that any of them has, once, and nobody else has anything of it. */
async function expectTalk(title: string, members: readonly ClientProcess[], out: readonly ClientProcess[]) {
  const before = await Promise.all(out.map((person) => textsOf(person, title)));
  const said = members.map(({ phone }) => `${title}: ${phone} is in ${crypto.randomUUID()}`);
  for (const [at, person] of members.entries()) {
    await person.process.call('sayIn', { title, text: said[at] ?? '' });
  }
  // Whatever `send` has promised, before a kill as well.
  const promised = members.flatMap(({ sent }) => sent).filter((text) => text.startsWith(`${title}: `));
  expect(promised).toEqual(expect.arrayContaining(said));
  for (const person of members) {
    await expect.poll(() => textsOf(person, title), { timeout: 20_000 }).toEqual(expect.arrayContaining(promised));
  }
  const [first, ...others] = await Promise.all(members.map((person) => textsOf(person, title)));
  expect(new Set(first).size).toBe(first?.length);
  for (const texts of others) expect([...texts].sort()).toEqual([...(first ?? [])].sort());
  expect(await Promise.all(out.map((person) => textsOf(person, title)))).toEqual(before);
}

/** Makes a group in which a change can be made, and gives who makes it, how, and who is in then. */
async function prepared(stage: Stage, kind: Kind) {
  const [alice, bob, carol] = await everybody(stage);
  const title = `group ${++groups}`;
  const members = kind === 'add' ? [bob] : [bob, carol];
  if (kind !== 'create') {
    await alice.process.call('createGroup', { title, members: members.map(({ phone }) => phone) });
    for (const person of members) await becomes(person, title, [alice, ...members]);
  }
  const victim = kind === 'leave' ? carol : alice;
  const after = kind === 'create' || kind === 'add' ? [alice, bob, carol] : [alice, bob];
  const out = after.includes(carol) ? [] : [carol];
  const make = () =>
    kind === 'create'
      ? victim.process.call('createGroup', { title, members: [bob.phone, carol.phone] })
      : victim.process.call('changeGroup', { title, change: kind, phone: carol.phone });
  return { title, victim, make, after, out };
}

async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'done';
  } catch (error) {
    if (error instanceof CallError) return error.code;
    throw error;
  }
}

describe.each(clientGroupSteps)('P7: a member is killed at %s', (step) => {
  it.each(changes)('of: %s; it is made once, and all agree', async (kind) => {
    const stage = await nextStage();
    const { title, victim, make, after, out } = await prepared(stage, kind);
    const fatal = { step, hit: 1 };
    const { process } = victim;
    await process.call('arm', fatal);
    expect(await outcomeOf(make())).toBe('process-ended');
    await expectKilledAt(process, fatal);
    victim.start();
    for (const person of after) await becomes(person, title, after);
    for (const person of out) {
      await expect.poll(() => person.process.call('group', title)).not.toMatchObject({ standing: 'member' });
    }
    await expectTalk(title, after, out);
  });
});

describe.each(relayGroupSteps)('P7: the relay is killed at %s', (step) => {
  it.each(changes)('of: %s; it is made once, and all agree', async (kind) => {
    const stage = await nextStage();
    const { relay } = stage.world;
    const { title, make, after, out } = await prepared(stage, kind);
    const fatal = { step, hit: 1 };
    const { process } = relay;
    await process.call('arm', fatal);
    const made = outcomeOf(make());
    await expectKilledAt(process, fatal);
    await relay.start();
    expect(await made).toBe('done');
    for (const person of after) await becomes(person, title, after);
    await expectTalk(title, after, out);
  });
});

/** A group whose keys nobody has been given yet. */
async function fresh(stage: Stage) {
  const [alice, bob, carol] = await everybody(stage);
  const title = `group ${++groups}`;
  await alice.process.call('createGroup', { title, members: [bob.phone, carol.phone] });
  for (const person of [bob, carol]) await becomes(person, title, [alice, bob, carol]);
  return { title, alice, bob, carol };
}

/** Alice and Bob write by turns until a process is gone. */
async function writeUntil(isOver: () => boolean, title: string, writers: readonly ClientProcess[]): Promise<void> {
  for (let round = 1; round <= 6 && !isOver(); round++) {
    for (const person of writers) {
      if (isOver()) return;
      await outcomeOf(
        person.process.call('sayIn', { title, text: `${title}: ${person.phone} ${crypto.randomUUID()}` }),
      );
    }
    await expect.poll(() => isOver() || haveTheSame(title, writers), { timeout: 20_000 }).toBe(true);
  }
}

async function haveTheSame(title: string, people: readonly ClientProcess[]): Promise<boolean> {
  const all = await Promise.allSettled(people.map((person) => textsOf(person, title)));
  const [first, ...others] = all.map((each) => (each.status === 'fulfilled' ? each.value.length : -1));
  return others.every((count) => count === first);
}

describe.each(clientMessageSteps)('P1 P2 P7: a member of a new group is killed at %s', (step) => {
  it('and all have what was promised, once, with the keys that were on their way', async () => {
    const stage = await nextStage();
    const { title, alice, bob, carol } = await fresh(stage);
    const fatal = { step, hit: 1 };
    const { process } = alice;
    await process.call('arm', fatal);
    await writeUntil(() => !process.isRunning, title, [alice, bob, carol]);
    await expectKilledAt(process, fatal);
    alice.start();
    await expectTalk(title, [alice, bob, carol], []);
  });
});

describe.each(relayMessageSteps)('P1 P2 P7: the relay is killed at %s, with a message to a group', (step) => {
  it('and all have it once', async () => {
    const stage = await nextStage();
    const { title, alice, bob, carol } = await fresh(stage);
    const { relay } = stage.world;
    const fatal = { step, hit: 1 };
    const { process } = relay;
    await process.call('arm', fatal);
    await writeUntil(() => !process.isRunning, title, [alice, bob, carol]);
    await expectKilledAt(process, fatal);
    await relay.start();
    await expectTalk(title, [alice, bob, carol], []);
  });
});
