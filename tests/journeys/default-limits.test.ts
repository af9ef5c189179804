import { randomBytes } from 'node:crypto';
import type { Fetch, Platform, Timers } from '@sotto/sdk/ports';
import { describe, expect, it } from 'vitest';
import { HandTime } from './hand-time.ts';
import { exchange, JourneyWorld } from './journey-world.ts';
import { failureOf, type Person } from './person.ts';

const minute = 60_000;
const hour = 60 * minute;

/** What `JourneyWorld` widens for other journeys is as an operator has it who sets nothing. */
const config = { limits: {}, codes: {} };

const limitedCounts = [
  'relay_sends_refused_rate_limited_total',
  'relay_recipients_rate_limited_total',
  'relay_requests_limited_total',
  'relay_codes_limited_total',
  'relay_ephemerals_limited_total',
];

/** What the relay has counted of limits, by name. */
async function limitedAt(world: JourneyWorld): Promise<Record<string, number>> {
  const counts = limitedCounts.map(async (name) => [name, await world.metric(name)] as const);
  return Object.fromEntries(await Promise.all(counts));
}

const nowhereLimited = Object.fromEntries(limitedCounts.map((name) => [name, 0]));

/** A platform on the time of the test, and the answers 429 that its HTTP requests got. */
interface Handheld {
  readonly platform: Partial<Platform>;
  /** `retry-after` of each, in seconds. */
  readonly limited: number[];
  /** How long each wait was to be, in milliseconds. */
  readonly waits: number[];
}

/** Waits of up to a second are over at once, on a clock that then is as much later; longer ones when the test moves the time. */
function handheld(world: JourneyWorld, time: HandTime): Handheld {
  const limited: number[] = [];
  const waits: number[] = [];
  const timers: Timers = {
    after: (ms, run) => {
      waits.push(ms);
      world.watch.changed();
      if (ms > 1_000) return time.timers.after(ms, run);
      const soon = setImmediate(() => {
        time.advance(ms);
        run();
      });
      return () => clearImmediate(soon);
    },
  };
  const watchedFetch: Fetch = async (url, request) => {
    const answer = await fetch(url, request);
    if (answer.status === 429) limited.push(Number(answer.headers.get('retry-after')));
    return answer;
  };
  // First retry requests go after 40 ms, second ones after 12 s.
  const randomness = { bytes: (count: number) => new Uint8Array(randomBytes(count)), fraction: () => 0.02 };
  return { platform: { clock: time.clock, timers, fetch: watchedFetch, randomness }, limited, waits };
}

/** One writes some lines at once, the other reads them and answers with as many. */
async function chatter(one: Person, other: Person, lines: number, about: string): Promise<void> {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const chat = await from.chat(to);
    await Promise.all(Array.from({ length: lines }, (_, at) => chat.send(`${about} ${from.phone} ${at}`)));
    const last = await to.received(`${about} ${from.phone} ${lines - 1}`);
    await (await to.chat(from)).markRead(last);
  }
}

describe('a relay whose limits nobody has set', () => {
  it('is felt by nobody on a usual day: new people, a long talk, lost sessions, another phone', async () => {
    const time = new HandTime();
    await using world = await JourneyWorld.open({ time, config });
    const { platform, limited, waits } = handheld(world, time);
    const [alice, bob] = [await world.person({ platform }), await world.person({ platform })];
    // As many lines as somebody pours out before the first answer.
    const chat = await alice.chat(bob);
    await Promise.all(Array.from({ length: 40 }, (_, at) => chat.send(`are you there? ${at}`)));
    await bob.received('are you there? 39');
    await exchange(bob, alice);
    for (let met = 0; met < 3; met++) await exchange(alice, await world.person({ platform }));

    // Every hour the phone was asleep: the stream is made anew, with another token.
    const talk = async (partner: Person, from: number, hours: number) => {
      for (let at = from; at < from + hours; at++) {
        time.advance(hour);
        await chatter(alice, partner, 10, `at ${at}:`);
      }
    };
    await talk(bob, 0, 5);
    await world.whileAway(bob, 2, "DELETE FROM session; DELETE FROM prekey WHERE kind IN ('ec', 'kyber')");
    await talk(bob, 5, 5);
    const recoveryKey = bob.client.recoveryKey();
    await bob.stop();
    const next = world.newcomer({ phone: bob.phone, platform });
    await next.open();
    await next.register({ recoveryKey });
    await next.live();
    await talk(next, 10, 5);

    const history = (await alice.history(next)).filter(({ text }) => text.startsWith('at '));
    expect(history).toHaveLength(15 * 20);
    expect(await limitedAt(world)).toEqual(nowhereLimited);
    expect(limited).toEqual([]);
    // Nor did a client hold anything back: what a pacer makes wait waits for a batch or for one, a quarter of a second to a whole one.
    expect(waits.filter((ms) => ms >= 250 && ms <= 1_000)).toEqual([]);
    expect([alice, bob, next].flatMap(({ events }) => events.filter(({ type }) => type === 'message.failed'))).toEqual(
      [],
    );
  });

  it('tells who asks for a seventh code how long to wait, and gives it then', async () => {
    const time = new HandTime();
    await using world = await JourneyWorld.open({ time, config, stores: 'memory' });
    const { platform, limited } = handheld(world, time);
    const somebody = world.newcomer({ platform });
    await somebody.open();
    const forgotten = () => somebody.register({ resendCode: true, code: () => '' });
    for (let asked = 0; asked < 6; asked++) {
      expect(await failureOf(forgotten())).toMatchObject({ code: 'code-invalid' });
      time.advance(minute);
    }
    const refusal = await failureOf(forgotten());
    expect(refusal).toMatchObject({ code: 'rate-limited', retryable: true });
    const { retryAfterMs = 0 } = refusal;
    // Six minutes of the ten after which there is another one are over.
    expect(retryAfterMs).toBeGreaterThan(3 * minute);
    expect(retryAfterMs).toBeLessThanOrEqual(4 * minute);
    expect(limited).toEqual([Math.ceil(retryAfterMs / 1_000)]);
    expect(world.codes).toHaveLength(6);
    time.advance(retryAfterMs);
    await somebody.register({ resendCode: true });
    await somebody.live();
    expect(world.codes).toHaveLength(7);
  });

  it('slows down who floods a stranger, also one that has forgotten what it sent, and loses nothing', async () => {
    const time = new HandTime();
    await using world = await JourneyWorld.open({ time, config, stores: 'memory' });
    const { platform } = handheld(world, time);
    // At the same node each time: each counts for itself.
    const alice = await world.person({ platform, relay: () => world.url });
    const bob = await world.person({ platform });
    const texts = Array.from({ length: 150 }, (_, at) => `${at}`);
    const chat = await alice.chat(bob);
    const began = time.clock.now();
    await Promise.all(texts.map((text) => chat.send(text)));
    await bob.received('70');
    // Up to here it has paced itself.
    expect(await limitedAt(world)).toEqual(nowhereLimited);
    // A client that was opened anew takes the stranger for a fresh one; the relay does not.
    await alice.stop();
    await alice.open();
    await bob.received(texts.at(-1) ?? '');
    await alice.client.flush();
    expect((await limitedAt(world)).relay_recipients_rate_limited_total).toBeGreaterThan(0);
    expect(bob.incoming().map(({ text }) => text)).toEqual(texts);
    // 90 behind a burst of 60, one a second.
    expect(time.clock.now() - began).toBeGreaterThanOrEqual(90_000);
    expect(alice.events.filter(({ type }) => type === 'message.failed')).toEqual([]);
  });

  it('has who begins a seventh session with one person wait, and the message leaves then', async () => {
    const time = new HandTime();
    await using world = await JourneyWorld.open({ time, config });
    const { platform, limited, waits } = handheld(world, time);
    // Without receipts nothing comes back that would begin a session from the other side.
    const quiet = { platform, receipts: false };
    const [alice, bob] = [await world.person(quiet), await world.person(quiet)];
    await exchange(alice, bob);
    const loseSession = () => world.whileAway(alice, 1, 'DELETE FROM session');
    for (let begun = 2; begun <= 6; begun++) {
      await loseSession();
      await alice.say(bob, `on session ${begun}`);
    }
    expect(limited).toEqual([]);
    await loseSession();
    const message = await alice.say(bob, 'on session 7', 'queued');
    await world.watch.until(() => waits.some((ms) => Math.ceil(ms / 1_000) === limited[0]));
    const [seconds = 0] = limited;
    expect(seconds).toBeGreaterThan(5 * 60);
    expect(seconds).toBeLessThanOrEqual(10 * 60);
    expect(await alice.state(message)).toBe('queued');
    time.advance(seconds * 1_000);
    await bob.received('on session 7');
    expect(limited).toHaveLength(1);
    expect(
      bob
        .incoming()
        .map(({ text }) => text)
        .slice(-6),
    ).toEqual([2, 3, 4, 5, 6, 7].map((at) => `on session ${at}`));
  });
});
