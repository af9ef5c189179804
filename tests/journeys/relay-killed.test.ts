import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { betterSqlite3 } from '@sotto/storage-adapters/better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Watch } from '../led/watch.ts';
import { exchange } from './journey-world.ts';
import { Person } from './person.ts';
import { somePhones } from './phones.ts';
import type { KillableRelay } from './relay-kind.ts';
import { killableRelay } from './relay-under-test.ts';

let folder: string;
let watch: Watch;
let relay: KillableRelay;
let phone: (at: number) => string;
let people: Person[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sotto-killed-'));
  watch = new Watch();
  people = [];
  phone = somePhones();
  relay = killableRelay(join(folder, 'relay'), watch, {
    limits: { sendsToStranger: { burst: 1_000, refillMs: 1 } },
  });
  await relay.start();
});

afterEach(async () => {
  await Promise.all(people.map((person) => person.stop()));
  await relay[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function newPerson(sealedSender: boolean): Promise<Person> {
  const number = people.length + 1;
  const person = new Person({
    phone: phone(number),
    relay: () => relay.urls[number % relay.urls.length] ?? '',
    store: betterSqlite3(join(folder, `${number}.db`)),
    codeFor: (phone) => relay.codeFor(phone),
    watch,
    sealedSender,
  });
  people.push(person);
  await person.open();
  await person.register();
  await person.live();
  return person;
}

describe('P1, P2: a relay that is killed and started again at its address, on its data', () => {
  it.each([
    ['named', false],
    ['sealed', true],
  ] as const)('loses nothing and doubles nothing of %s senders, three times over', async (_, sealedSender) => {
    const [alice, bob] = [await newPerson(sealedSender), await newPerson(sealedSender)];
    await exchange(alice, bob);
    const [before, heard] = [(await bob.history(alice)).length, bob.incoming().length];
    const chat = await alice.chat(bob);
    const texts: string[] = [];
    for (const round of [1, 2, 3]) {
      const said = Array.from({ length: 100 }, (_, at) => `round ${round}, ${at}`);
      texts.push(...said);
      const sent = await Promise.all(said.map((text) => chat.send(text)));
      // In the middle: some are with the relay, some are not.
      await watch.until(() => sent.some((message) => alice.hasTold('message.sent', message)));
      await relay.kill();
      await relay.start();
    }
    await watch.until(() => bob.incoming().length >= heard + texts.length);
    const own = await alice.history(bob);
    await Promise.all(own.filter(({ outgoing }) => outgoing).map((message) => alice.told('message.sent', message)));
    expect((await bob.history(alice)).slice(before).map(({ text }) => text)).toEqual(texts);
    expect(
      bob
        .incoming()
        .slice(heard)
        .map(({ text }) => text),
    ).toEqual(texts);
  });
});
