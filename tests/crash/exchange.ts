import { expect } from 'vitest';
import type { Rest } from '../led/client-calls.ts';
import type { ClientProcess } from '../led/client-process.ts';
import type { Watch } from '../led/watch.ts';
import type { Seeded } from './seeded.ts';
import type { Stage } from './stage.ts';

/** Waits until nothing is on its way between two people any more, and gives what each has new since their marks. */
export async function bothAtRest(one: ClientProcess, other: ClientProcess): Promise<readonly [Rest, Rest]> {
  // The last thing on its way is a receipt that nobody answers: once both came to rest, a second look finds it gone, too.
  await Promise.all([one.rest(other), other.rest(one)]);
  return Promise.all([one.rest(other), other.rest(one)]);
}

/**
 * Holds P1, P2, P6 and P7 against what two people have since their marks, then moves the marks.
 */
export async function expectPromisesKept(
  one: ClientProcess,
  other: ClientProcess,
  watch: Watch,
): Promise<readonly [Rest, Rest]> {
  const rests = await bothAtRest(one, other);
  const [ofOne, ofOther] = rests;
  expectArrived(one, ofOne, ofOther);
  expectArrived(other, ofOther, ofOne);
  for (const [person, rest] of [
    [one, ofOne],
    [other, ofOther],
  ] as const) {
    // P2: events are told at least once each, also over a crash of the consumer.
    const untold = () => rest.facts.filter(({ type, about }) => !person.told.has(`${type} ${about}`));
    await watch.until(() => untold().length === 0);
    person.mark = rest.mark;
    person.sent = [];
  }
  return rests;
}

function expectArrived(author: ClientProcess, from: Rest, to: Rest): void {
  const written = from.messages.filter(({ outgoing }) => outgoing);
  const arrived = to.messages.filter(({ outgoing }) => !outgoing);
  // P1: what `send` has promised is in the author's store, and what is in the author's store is in the other's. P2: once, in order.
  expect(written.map(({ text }) => text)).toEqual(expect.arrayContaining(author.sent));
  expect(arrived.map(({ id, text }) => ({ id, text }))).toEqual(written.map(({ id, text }) => ({ id, text })));
  expect(new Set(arrived.map(({ id }) => id)).size).toBe(arrived.length);
  expect(new Set(arrived.map(({ text }) => text)).size).toBe(arrived.length);
  expect(arrived.filter(({ late }) => late)).toEqual([]);
  for (const [at, { seq }] of arrived.entries()) expect(seq).toBe((arrived[0]?.seq ?? 1) + at);
  // P6: the author knows how far each got.
  expect(written.filter(({ state }) => state !== 'read')).toEqual([]);
  expect(arrived.filter(({ state }) => state !== 'seen')).toEqual([]);
}

/** Somebody writes one to eight texts, at once or one after the other. */
export async function write(from: ClientProcess, to: ClientProcess, seeded: Seeded): Promise<void> {
  const texts = Array.from({ length: seeded.between(1, 8) }, () => `${from.phone} says ${crypto.randomUUID()}`);
  await from.send(to, texts, seeded.oneOf(true, false));
}

/** Both write again, over the sessions that they have: then everything has to hold for all that was written since the marks. */
export async function expectRecovered({ alice, bob, world }: Stage, seeded: Seeded): Promise<void> {
  await Promise.all([write(alice, bob, seeded), write(bob, alice, seeded)]);
  await expectPromisesKept(alice, bob, world.watch);
}
