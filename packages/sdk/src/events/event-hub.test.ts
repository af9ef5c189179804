import { describe, expect, it } from 'vitest';
import { messageRecord } from '../../test/message-record.ts';
import { chatIdOf, messageIdOf, userIdOf } from '../../test/numbered-uuid.ts';
import { type OpenExecutor, openExecutor } from '../../test/open-executor.ts';
import { settled } from '../../test/turn-of-events.ts';
import type { MemoryDisk } from '../adapters/memory/memory-disk.ts';
import { SottoError } from '../sotto-error.ts';
import type { SottoEvent } from './event.ts';
import { EventHub } from './event-hub.ts';

interface OpenHub extends OpenExecutor {
  readonly hub: EventHub;
  readonly failures: unknown[];
  /** Writes down that these chats were read, one commit each. */
  happen(...numbers: readonly number[]): Promise<void>;
}

async function openHub(disk?: MemoryDisk): Promise<OpenHub> {
  const open = await openExecutor(disk);
  const failures: unknown[] = [];
  const hub = new EventHub({
    store: open.store,
    executor: open.executor,
    clock: open.clock,
    latest: open.opening.counters.changeSeq,
    onFailure: (error) => failures.push(error),
  });
  open.listeners.add((events) => hub.published(events));
  return {
    ...open,
    hub,
    failures,
    async happen(...numbers) {
      for (const number of numbers) {
        await open.executor.run([], (overlay) => overlay.record({ type: 'chat.read', chatId: chatIdOf(number) }));
      }
    },
  };
}

/** The same store after a crash. */
function crashed({ disk }: OpenHub): Promise<OpenHub> {
  disk.breakLock();
  return openHub(disk);
}

function numberOf(event: SottoEvent | undefined): number | string | undefined {
  if (event === undefined) return undefined;
  return 'chatId' in event ? Number.parseInt(event.chatId.slice(-12), 16) : event.type;
}

async function take(events: AsyncIterator<SottoEvent, void>, count: number): Promise<readonly unknown[]> {
  const taken: unknown[] = [];
  while (taken.length < count) {
    const next = await events.next();
    if (next.done) break;
    taken.push(numberOf(next.value));
  }
  return taken;
}

describe('a stream of events', () => {
  it('begins when it is asked for, not when it is first read', async () => {
    const { hub, happen } = await openHub();
    await happen(1);
    const events = hub.events();
    await happen(2, 3);
    expect(await take(events, 2)).toEqual([2, 3]);
    const waiting = take(events, 1);
    await happen(4);
    expect(await waiting).toEqual([4]);
    await events.return();
  });

  it('lets go of a consumer that was away for 90 days, tells it once, and keeps those that are read', async () => {
    const day = 24 * 3_600_000;
    const open = await openHub();
    const { hub, clock, executor, store } = open;
    const gone = await hub.open({ cursor: 'gone' });
    await gone.return();
    const read = await hub.open({ cursor: 'read' });
    const earlier = { name: 'earlier', changeSeq: 0, usedAt: 0, expired: false };
    await executor.run([], (overlay) => overlay.put('cursor', earlier));
    const left = async () => (await store.idleCursors(Number.MAX_SAFE_INTEGER, 9)).map(({ name }) => name);
    clock.advance(90 * day);
    await hub.expireCursors();
    expect((await left()).sort()).toEqual(['earlier', 'gone', 'read']);
    clock.advance(1);
    await hub.expireCursors();
    expect((await left()).sort()).toEqual(['earlier', 'read']);
    await expect(hub.events({ cursor: 'gone' }).next()).rejects.toMatchObject({ code: 'cursor-expired' });
    expect(await store.get('cursor', { name: 'gone' })).toBeUndefined();
    await hub.open({ cursor: 'gone' });
    await read.return();
    // The time of one that is read begins anew with each look, that of an earlier version's with the first.
    clock.advance(90 * day);
    await hub.expireCursors();
    expect((await left()).sort()).toEqual(['gone', 'read']);
  });

  it('gives each event to each stream, over many pages, in order, with its message as it is now', async () => {
    const { hub, happen, executor } = await openHub();
    const [one, two] = [hub.events(), hub.events()];
    const numbers = Array.from({ length: 200 }, (_, at) => at + 1);
    await happen(...numbers);
    expect(await take(one, 200)).toEqual(numbers);
    expect(await take(two, 200)).toEqual(numbers);
    const message = messageRecord({ state: 'read' });
    await executor.run([], (overlay) => {
      overlay.put('message', message);
      const fact = { messageId: message.id, chatId: message.chatId, userId: userIdOf(2), at: 7 } as const;
      overlay.record({ ...fact, messageId: messageIdOf(404), type: 'message.sent' });
      overlay.record({ ...fact, type: 'message.sent' });
      overlay.record({ type: 'message.received', messageId: message.id, chatId: message.chatId, late: true });
      overlay.record({ type: 'message.failed', messageId: message.id, chatId: message.chatId, code: 'x' });
    });
    const seen = [await one.next(), await one.next(), await one.next()].map(({ value }) => value);
    expect(seen).toMatchObject([
      { type: 'message.sent', message: { id: message.id, state: 'read', outgoing: true }, userId: userIdOf(2), at: 7 },
      { type: 'message.received', late: true },
      { type: 'message.failed', code: 'x' },
    ]);
  });

  it('can be slow, and holds back nobody else', async () => {
    const { hub, happen, store } = await openHub();
    const [slow, quick] = [hub.events(), hub.events()];
    await happen(...Array.from({ length: 2_500 }, (_, at) => at + 1));
    expect(await take(quick, 2_500)).toHaveLength(2_500);
    expect((await store.events(0, 1))[0]?.changeSeq).toBe(1);
    expect(await take(slow, 2_500)).toHaveLength(2_500);
  });

  it('ends with the reason of its signal, whenever that comes, and leaves nothing behind', async () => {
    const { hub, happen } = await openHub();
    const reason = new Error('enough');
    const before = hub.events({ signal: AbortSignal.abort(reason) });
    await expect(before.next()).rejects.toBe(reason);
    const ending = new AbortController();
    const events = hub.events({ signal: ending.signal });
    const waiting = events.next();
    await settled();
    ending.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(await events.next()).toEqual({ done: true, value: undefined });
    const between = new AbortController();
    const named = hub.events({ signal: between.signal, cursor: 'c' });
    await settled();
    await happen(1, 2);
    expect(await take(named, 1)).toEqual([1]);
    between.abort(reason);
    await expect(named.next()).rejects.toBe(reason);
    // What was asked past counts as handled.
    expect(await take(hub.events({ cursor: 'c' }), 1)).toEqual([2]);
  });

  it('ends quietly when the client stops: read or not, waiting or opening', async () => {
    const { hub, happen, executor } = await openHub();
    const [waiting, unread, opening] = [hub.events(), hub.events({ cursor: 'a' }), hub.events({ cursor: 'b' })];
    const loop = take(waiting, 5);
    const named = take(opening, 5);
    await settled();
    await happen(1);
    await settled();
    await hub.stop();
    expect(await loop).toEqual([1]);
    expect(await named).toEqual([1]);
    expect(await unread.next()).toEqual({ done: true, value: undefined });
    await expect(hub.events().next()).rejects.toMatchObject({ code: 'client-stopped' });
    hub.on('chat.read', () => undefined)();
    await hub.stop();
    await executor.stop();
  });

  it('that is being opened when the client stops ends, too', async () => {
    const { hub } = await openHub();
    const opening = hub.events({ cursor: 'late' });
    const first = opening.next();
    await hub.stop();
    expect(await first).toEqual({ done: true, value: undefined });
  });

  it('throws what the store throws, once', async () => {
    const { hub, happen, store } = await openHub();
    const events = hub.events();
    await happen(1);
    const failure = new SottoError('store-unavailable', 'no disk', { retryable: true });
    Object.assign(store, { events: () => Promise.reject(failure) });
    await expect(events.next()).rejects.toBe(failure);
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  it('throws why the client failed', async () => {
    const { hub } = await openHub();
    const events = hub.events();
    const waiting = events.next();
    const fenced = new SottoError('store-fenced', 'another owner');
    await settled();
    hub.fail(fenced);
    await expect(waiting).rejects.toBe(fenced);
  });

  it('tells of the connection what is true now, not all that was', async () => {
    const { hub, happen } = await openHub();
    const events = hub.events();
    hub.passing({ type: 'connection.changed', state: 'connecting' });
    hub.passing({ type: 'connection.changed', state: 'offline' });
    hub.passing({ type: 'connection.changed', state: 'live' });
    await happen(1);
    expect((await events.next()).value).toEqual({ type: 'connection.changed', state: 'live' });
    expect(await take(events, 1)).toEqual([1]);
    const later = hub.events();
    await happen(2);
    expect(await take(later, 1)).toEqual([2]);
  });
});

describe('a named consumer', () => {
  it.each([[''], ['x'.repeat(101)], [7 as never]])('has a name of 1 to 100 characters, not %j', async (cursor) => {
    const { hub } = await openHub();
    await expect(hub.events({ cursor }).next()).rejects.toMatchObject({ code: 'cursor-invalid' });
  });

  it('begins now, and goes on where it was over restarts, each event at least once', async () => {
    let open = await openHub();
    await open.happen(1);
    const first = open.hub.events({ cursor: 'bot' });
    await settled();
    await open.happen(2, 3, 4);
    expect(await take(first, 2)).toEqual([2, 3]);
    await settled();
    // It was given 3, and did not ask for more: whether it handled it nobody knows.
    open = await crashed(open);
    await open.happen(5);
    const second = open.hub.events({ cursor: 'bot' });
    expect(await take(second, 3)).toEqual([3, 4, 5]);
    const waiting = second.next();
    await settled();
    open = await crashed(open);
    waiting.catch(() => undefined);
    const third = open.hub.events({ cursor: 'bot' });
    await settled();
    await open.happen(6);
    expect(await take(third, 1)).toEqual([6]);
    const other = open.hub.events({ cursor: 'other' });
    await settled();
    await open.happen(7);
    expect(await take(other, 1)).toEqual([7]);
  });

  it('has handled what it asked past before its loop was left', async () => {
    const open = await openHub();
    const events = open.hub.events({ cursor: 'bot' });
    await settled();
    await open.happen(1, 2, 3);
    for await (const event of events) if (numberOf(event) === 2) break;
    expect(await open.store.get('cursor', { name: 'bot' })).toMatchObject({ changeSeq: 1 });
    expect(await take(open.hub.events({ cursor: 'bot' }), 2)).toEqual([2, 3]);
  });

  it('loses nothing to the removal of old events, however far it is behind', async () => {
    let open = await openHub();
    const events = open.hub.events({ cursor: 'slow' });
    await settled();
    await open.happen(1);
    await take(events, 1);
    open = await crashed(open);
    const numbers = Array.from({ length: 4_500 }, (_, at) => at + 2);
    const live = open.hub.events();
    await open.happen(...numbers);
    await settled();
    expect(await take(open.hub.events({ cursor: 'slow' }), 4_501)).toEqual([1, ...numbers]);
    expect(await take(live, 4_500)).toEqual(numbers);
  });

  it('and streams apart, old events are removed', async () => {
    const open = await openHub();
    await open.happen(...Array.from({ length: 4_100 }, (_, at) => at + 1));
    await settled();
    const [oldest] = await open.store.events(0, 1);
    expect(oldest?.changeSeq).toBeGreaterThan(2_000);
  });
});

describe('listeners', () => {
  it('hear each event of their type from now on, until they are taken off', async () => {
    const { hub, happen, executor } = await openHub();
    await happen(1);
    const heard: unknown[] = [];
    const off = hub.on('chat.read', (event) => heard.push(numberOf(event)));
    const offAgain = hub.on('identity.changed', (event) => heard.push(event.userId));
    hub.on('connection.changed', (event) => heard.push(event.state));
    await happen(2);
    await executor.run([], (overlay) => overlay.record({ type: 'identity.changed', userId: userIdOf(9) }));
    await settled();
    hub.passing({ type: 'connection.changed', state: 'live' });
    await settled();
    off();
    off();
    await happen(3);
    await settled();
    expect(heard).toEqual([2, userIdOf(9), 'live']);
    offAgain();
    await hub.stop();
  });

  it('that throw harm no other, and their error is nobody else’s', async () => {
    const { hub, happen } = await openHub();
    const heard: unknown[] = [];
    const uncaught: unknown[] = [];
    const before = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error));
    try {
      const error = new Error('a bug of the app');
      hub.on('chat.read', () => {
        throw error;
      });
      hub.on('chat.read', (event) => heard.push(numberOf(event)));
      await happen(1, 2);
      await settled();
      expect(heard).toEqual([1, 2]);
      expect(uncaught).toEqual([error, error]);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of before) process.on('uncaughtException', listener);
    }
    await hub.stop();
  });

  it('that can not be told any more are reported to the client', async () => {
    const { hub, happen, store, failures } = await openHub();
    hub.on('chat.read', () => undefined);
    await settled();
    const failure = new SottoError('store-unavailable', 'no disk', { retryable: true });
    Object.assign(store, { events: () => Promise.reject(failure) });
    await happen(1);
    await settled();
    expect(failures).toEqual([failure]);
    await hub.stop();
  });
});

it('does not keep the log for a stream that was given up unread', async () => {
  const open = await openHub();
  for (let number = 0; number < 3; number++) await open.hub.events().return();
  for (let number = 0; number < 2_101; number++) void open.happen(number);
  await open.executor.run([], () => undefined);
  await settled();
  await open.executor.run([], () => undefined);
  expect((await open.store.events(0, 3_000)).length).toBeLessThan(1_000);
  await open.hub.stop();
});
