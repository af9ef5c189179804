import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JourneyWorld } from './journey-world.ts';
import { failureOf, type Person } from './person.ts';

let world: JourneyWorld;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  world = await JourneyWorld.open();
  alice = await world.person();
  bob = await world.person();
});

afterAll(() => world[Symbol.asyncDispose]());

describe('P5: a text that can not be sent', () => {
  it.each([
    ['that is empty', 'text-empty', ''],
    ['of 65,537 bytes', 'text-too-long', 'x'.repeat(65_537)],
    ['of 65,537 bytes in fewer characters', 'text-too-long', `${'é'.repeat(32_768)}x`],
    ['of 100 kB of emoji', 'text-too-long', '😀'.repeat(25_000)],
    ['with a lone surrogate', 'text-malformed', 'a\ud83db'],
    ['with NUL', 'text-malformed', 'a\0b'],
  ])('one %s is refused as %s, and nothing is queued', async (_, code, text) => {
    const chat = await alice.chat(bob);
    const before = await alice.history(bob);
    const failure = await failureOf(chat.send(text));
    expect(failure).toMatchObject({ code, retryable: false });
    if (text !== '') expect(failure.message).not.toContain(text.slice(0, 20));
    expect(await alice.history(bob)).toEqual(before);
    expect(await alice.observed.store().outbox(chat.id, 0, 10)).toEqual([]);
  });

  it.each([
    ['65,536 letters', 'x'.repeat(65_536)],
    ['65,536 bytes of emoji', '😀'.repeat(16_384)],
    ['one letter', 'a'],
    ['white space and line ends', ' \r\n\t\u2028 '],
    ['several scripts', 'שלום עולם — नमस्ते — 你好 — Ω\u0301 — 👩‍👩‍👧‍👦'],
  ])('%s arrive as they were written', async (_, text) => {
    await alice.say(bob, text);
    expect((await bob.received(text)).text).toBe(text);
    expect((await bob.history(alice)).at(-1)?.text).toBe(text);
  });

  it('a chat with the own number, with nobody and with no number is refused', async () => {
    const { chats } = alice.client;
    expect(await failureOf(chats.with(alice.phone))).toMatchObject({ code: 'recipient-invalid' });
    expect(await failureOf(chats.with('+14155559999'))).toMatchObject({ code: 'number-unknown' });
    for (const none of ['', 'bob', '12', '+1 415 555 01', `+1${'4'.repeat(40)}`]) {
      expect(await failureOf(chats.with(none))).toMatchObject({ code: 'number-invalid' });
    }
  });
});
