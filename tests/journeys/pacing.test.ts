import type { Timers } from '@sotto/sdk/ports';
import { describe, expect, it } from 'vitest';
import { HandTime } from './hand-time.ts';
import { JourneyWorld } from './journey-world.ts';

const count = 500;

describe('a client under limits on sends', () => {
  it('paces itself: 500 quick sends to a stranger arrive in order, and the relay refuses none', async () => {
    const time = new HandTime();
    await using world = await JourneyWorld.open({
      time,
      stores: 'memory',
      config: { limits: { sendsToStranger: { burst: 40, refillMs: 100 } } },
    });
    // Waits for the pace are over at once, on a clock that then is as much later; other timers are those of the system.
    let waits = 0;
    const system: Timers = {
      after: (ms, run) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
    };
    const timers: Timers = {
      after: (ms, run) => {
        if (ms > 1_000) return system.after(ms, run);
        const soon = setImmediate(() => {
          waits++;
          time.advance(ms);
          run();
        });
        return () => clearImmediate(soon);
      },
    };
    const [alice, bob] = [await world.person({ platform: { clock: time.clock, timers } }), await world.person()];
    const chat = await alice.chat(bob);
    const texts = Array.from({ length: count }, (_, at) => `${at + 1}`);
    await Promise.all(texts.map((text) => chat.send(text)));
    await world.watch.until(() => bob.incoming().length === count);
    expect(bob.incoming().map(({ text }) => text)).toEqual(texts);
    await alice.client.flush();
    // It did wait, for about as long as the relay asks.
    expect(waits).toBeGreaterThan(100);
    expect(await world.metric('relay_sends_refused_rate_limited_total')).toBe(0);
    expect(await world.metric('relay_sends_refused_superseded_total')).toBe(0);
    expect(await world.metric('relay_recipients_rate_limited_total')).toBe(0);
  });
});
