import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chatIdOf, userIdOf } from '../../test/numbered-uuid.ts';
import { openExecutor } from '../../test/open-executor.ts';
import { MemoryDisk } from '../adapters/memory/memory-disk.ts';
import type { SottoEvent } from './event.ts';
import { EventHub } from './event-hub.ts';

const cursor = 'a bot';

async function openHub(disk = new MemoryDisk()) {
  disk.breakLock();
  const { executor, store, clock, opening, listeners } = await openExecutor(disk);
  const failures: unknown[] = [];
  const onFailure = (error: unknown) => failures.push(error);
  const hub = new EventHub({ store, executor, clock, latest: opening.counters.changeSeq, onFailure });
  listeners.add((events) => hub.published(events));
  return {
    disk,
    hub,
    failures,
    /** Writes down that these chats were read, one commit each. */
    async happen(...numbers: readonly number[]): Promise<void> {
      for (const number of numbers) {
        await executor.run([], (overlay) => overlay.record({ type: 'chat.read', chatId: chatIdOf(number) }));
      }
    },
    /** Resolves when what was said before is durable. */
    durable: () => executor.run([`cursor:${cursor}`], () => undefined),
  };
}

function numberOf(event: SottoEvent): number {
  if (event.type !== 'chat.read') throw new Error(`not one of the test: ${event.type}`);
  return Number.parseInt(event.chatId.slice(-12), 16);
}

async function take(events: AsyncIterator<SottoEvent, undefined>, count: number): Promise<readonly SottoEvent[]> {
  const taken: SottoEvent[] = [];
  while (taken.length < count) {
    const next = await events.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

describe('a consumer with several events in hand', () => {
  it('gets those again after a crash that are not done, and what came behind them', async () => {
    const before = await openHub();
    const consumer = await before.hub.consume({ cursor });
    await before.happen(1, 2, 3, 4, 5);
    const [one, two, three, four] = await take(consumer, 4);
    for (const event of [four, one, three]) if (event) consumer.done(event);
    await before.durable();
    const after = await openHub(before.disk);
    const again = await after.hub.consume({ cursor });
    // 3 and 4 were done, but 2 before them was not.
    expect((await take(again, 4)).map(numberOf)).toEqual([2, 3, 4, 5]);
    expect(two && numberOf(two)).toBe(2);
    expect([...before.failures, ...after.failures]).toEqual([]);
  });

  it('goes on behind all of them once each is done, in any order, said twice or not', async () => {
    const before = await openHub();
    const consumer = await before.hub.consume({ cursor });
    await before.happen(1, 2, 3);
    const events = await take(consumer, 3);
    for (const event of [...events, ...events].reverse()) consumer.done(event);
    await before.durable();
    const after = await openHub(before.disk);
    await after.happen(4);
    expect((await take(await after.hub.consume({ cursor }), 1)).map(numberOf)).toEqual([4]);
  });

  it('is not moved by what nothing is kept of, nor by the events of another consumer', async () => {
    const { disk, hub, happen, durable } = await openHub();
    const consumer = await hub.consume({ cursor });
    const other = await hub.consume({ cursor: 'another bot' });
    await happen(1, 2);
    hub.passing({ type: 'typing.changed', chatId: chatIdOf(7), userId: userIdOf(7), typing: true });
    const [passing, one] = await take(consumer, 2);
    const [, others] = await take(other, 2);
    expect([passing?.type, one && numberOf(one)]).toEqual(['typing.changed', 1]);
    for (const event of [passing, others]) if (event) consumer.done(event);
    await durable();
    const after = await openHub(disk);
    expect((await take(await after.hub.consume({ cursor }), 2)).map(numberOf)).toEqual([1, 2]);
  });

  it('sees each event at least once, and never again once all up to it are done, whatever crashes in between', async () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant('happen' as const), count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ type: fc.constant('take' as const), count: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ type: fc.constant('done' as const), count: fc.nat() }),
      fc.record({ type: fc.constant('crash' as const), count: fc.constant(0) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        let open = await openHub();
        let consumer = await open.hub.consume({ cursor });
        let happened = 0;
        let nextUp = 1;
        let inHand: SottoEvent[] = [];
        const done = new Set<number>();
        for (const { type, count } of [...steps, { type: 'crash' as const, count: 0 }]) {
          if (type === 'happen') {
            for (let more = 0; more < count; more++) await open.happen(++happened);
          } else if (type === 'take') {
            const taken = await take(consumer, Math.min(count, happened + 1 - nextUp));
            expect(taken.map(numberOf)).toEqual(taken.map((_, at) => nextUp + at));
            nextUp += taken.length;
            inHand.push(...taken);
          } else if (type === 'done') {
            const [event] = inHand.splice(inHand.length === 0 ? 0 : count % inHand.length, 1);
            if (event === undefined) continue;
            done.add(numberOf(event));
            consumer.done(event);
            await open.durable();
          } else {
            open = await openHub(open.disk);
            consumer = await open.hub.consume({ cursor });
            inHand = [];
            // The first that is not done comes next; what is done behind it comes once more.
            nextUp = 1;
            while (done.has(nextUp)) nextUp++;
            for (const number of done) if (number > nextUp) done.delete(number);
          }
        }
        const rest = await take(consumer, happened + 1 - nextUp);
        expect(rest.map(numberOf)).toEqual(rest.map((_, at) => nextUp + at));
        expect(nextUp + rest.length).toBe(happened + 1);
      }),
      { numRuns: 100 },
    );
  });
});
