import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chatIdOf, userIdOf } from '../../test/numbered-uuid.ts';
import { openExecutor } from '../../test/open-executor.ts';
import { memoryStore } from '../adapters/memory/memory-store.ts';
import { cursorRecord } from '../conformance/store-cases.ts';
import { SottoError } from '../sotto-error.ts';
import type { Overlay } from './overlay.ts';

async function read(overlay: Overlay, name: string): Promise<number> {
  return (await overlay.get('cursor', { name }))?.changeSeq ?? 0;
}

/** Adds one, with room for others to come in between. */
async function increment(overlay: Overlay, name: string, pauses = 3): Promise<number> {
  const next = (await read(overlay, name)) + 1;
  for (let pause = 0; pause < pauses; pause++) await Promise.resolve();
  overlay.put('cursor', cursorRecord(name, next));
  return next;
}

describe('the executor', () => {
  it('commits all that was asked for in one turn at once', async () => {
    const { executor, store, steps } = await openExecutor();
    const before = { before: 'seal.before-commit', after: 'seal.committed' } as const;
    const results = await Promise.all(
      Array.from({ length: 100 }, () => executor.run(['one'], (overlay) => increment(overlay, 'one'), before)),
    );
    expect(results).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
    expect(store.commits).toHaveLength(1);
    expect(store.commits[0]).toEqual([{ type: 'put', kind: 'cursor', record: cursorRecord('one', 100) }]);
    expect(steps).toEqual([...Array(100).fill('seal.before-commit'), ...Array(100).fill('seal.committed')]);
  });

  it('commits at most 256 operations at once, and nothing when nothing was changed', async () => {
    const { executor, store } = await openExecutor();
    await Promise.all(Array.from({ length: 600 }, () => executor.run(['one'], (overlay) => increment(overlay, 'one'))));
    expect(store.commits).toHaveLength(3);
    await executor.run([], (overlay) => overlay.get('cursor', { name: 'one' }));
    expect(store.commits).toHaveLength(3);
  });

  it('takes what is asked for during a commit into the next one', async () => {
    const { executor, store } = await openExecutor();
    let release = (): void => undefined;
    store.holdNextCommit(
      new Promise((resolve) => {
        release = resolve;
      }),
    );
    const first = executor.run(['one'], (overlay) => increment(overlay, 'one'));
    await new Promise<void>((resolve) => setImmediate(resolve));
    const second = executor.run(['one'], (overlay) => increment(overlay, 'one'));
    release();
    expect(await Promise.all([first, second])).toEqual([1, 2]);
    expect(store.commits).toHaveLength(2);
  });

  it('gives an operation that wants to be alone a commit of its own: it finds in the store what came before, and what comes after finds what it did', async () => {
    const { executor, store } = await openExecutor();
    const before = executor.run(['a'], (overlay) => increment(overlay, 'a'));
    const other = executor.run(['b'], (overlay) => increment(overlay, 'b'));
    const seen: unknown[] = [];
    const lone = executor.run(
      ['c'],
      async (overlay) => {
        for (const name of ['a', 'b', 'd']) seen.push((await store.get('cursor', { name }))?.changeSeq);
        return increment(overlay, 'c');
      },
      { alone: true },
    );
    const loneToo = executor.run(['c'], (overlay) => increment(overlay, 'c'), { alone: true });
    const after = executor.run(['d'], async (overlay) => {
      seen.push((await store.get('cursor', { name: 'c' }))?.changeSeq);
      return increment(overlay, 'd');
    });
    expect(await Promise.all([before, other, lone, loneToo, after])).toEqual([1, 1, 1, 2, 1]);
    expect(seen).toEqual([1, 1, undefined, 2]);
    expect(store.commits.map((changes) => changes.length)).toEqual([2, 1, 1, 1]);
  });

  it('drops only the changes of the operation that failed, and tells its caller only', async () => {
    const { executor, store, published } = await openExecutor();
    const good = executor.run(['a'], (overlay) => increment(overlay, 'a'));
    const bad = executor.run(['a'], async (overlay) => {
      await increment(overlay, 'a');
      overlay.record({ type: 'chat.read', chatId: chatIdOf(1) });
      overlay.prune({ kind: 'event', before: 99 });
      throw new TypeError('a bug');
    });
    const alsoBad = executor.run([], () => {
      throw new TypeError('at once');
    });
    const after = executor.run(['a'], (overlay) => increment(overlay, 'a'));
    expect(await Promise.allSettled([good, bad, alsoBad, after])).toMatchObject([
      { value: 1 },
      { reason: { message: 'a bug' } },
      { reason: { message: 'at once' } },
      { value: 2 },
    ]);
    expect(store.commits).toEqual([[{ type: 'put', kind: 'cursor', record: cursorRecord('a', 2) }]]);
    expect(published).toEqual([]);
  });

  it('fails a whole batch with its commit, keeps nothing, tells no event, and goes on', async () => {
    const { executor, store, published, disk } = await openExecutor();
    await executor.run(['a'], (overlay) => increment(overlay, 'a'));
    disk.full = true;
    const failed = await Promise.allSettled([
      executor.run(['a'], (overlay) => increment(overlay, 'a')),
      executor.run(['b'], (overlay) => increment(overlay, 'b')),
      executor.run([], (overlay) => overlay.record({ type: 'chat.read', chatId: chatIdOf(1) })),
    ]);
    expect(failed).toMatchObject(Array(3).fill({ reason: { code: 'store-unavailable', retryable: true } }));
    expect(published).toEqual([]);
    disk.full = false;
    expect(await executor.run(['a'], (overlay) => increment(overlay, 'a'))).toBe(2);
    expect(await store.get('cursor', { name: 'b' })).toBeUndefined();
    // A commit may have failed after it was written: its event numbers are not given again.
    await executor.run([], (overlay) => overlay.record({ type: 'chat.read', chatId: chatIdOf(2) }));
    expect(published.flat().map(({ changeSeq }) => changeSeq)).toEqual([2]);
  });

  it('passes on that the store has another owner', async () => {
    const { executor, disk } = await openExecutor();
    disk.breakLock();
    await memoryStore(disk).open();
    const operation = executor.run(['a'], (overlay) => increment(overlay, 'a'));
    await expect(operation).rejects.toMatchObject({ code: 'store-fenced' });
  });

  it('passes on what a read of the store throws, and harms nobody else in the batch', async () => {
    const { executor, store } = await openExecutor();
    store.failReads('chat', new SottoError('store-unavailable', 'no disk', { retryable: true }));
    const bad = executor.run([], (overlay) => overlay.get('chat', { id: chatIdOf(1) }));
    const good = executor.run(['a'], (overlay) => increment(overlay, 'a'));
    await expect(bad).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(await good).toBe(1);
  });

  it('finishes what was asked for when it is stopped, then refuses', async () => {
    const { executor, store } = await openExecutor();
    const asked = Array.from({ length: 300 }, () => executor.run(['a'], (overlay) => increment(overlay, 'a')));
    const stopping = executor.stop();
    const late = executor.run(['a'], (overlay) => increment(overlay, 'a'));
    await expect(late).rejects.toMatchObject({ code: 'client-stopped' });
    await stopping;
    expect(await Promise.all(asked)).toHaveLength(300);
    expect(await store.get('cursor', { name: 'a' })).toMatchObject({ changeSeq: 300 });
    await executor.stop();
  });

  it('numbers events without holes in the order of the batch, and tells them after their commit', async () => {
    const { executor, store, published, listeners, clock } = await openExecutor();
    const storedWhenTold: number[] = [];
    listeners.add((events) => {
      const committed = store.commits.flat().filter((change) => change.type === 'put' && change.kind === 'event');
      storedWhenTold.push(committed.length - events.length);
    });
    const chatRead = (overlay: Overlay, chat: number) => overlay.record({ type: 'chat.read', chatId: chatIdOf(chat) });
    await Promise.all([1, 2, 3].map((chat) => executor.run([], (overlay) => chatRead(overlay, chat))));
    clock.advance(5);
    await executor.run([], (overlay) => {
      chatRead(overlay, 4);
      chatRead(overlay, 5);
    });
    const events = published.flat();
    expect(events.map(({ changeSeq }) => changeSeq)).toEqual([1, 2, 3, 4, 5]);
    expect(events.map(({ fact }) => 'chatId' in fact && fact.chatId)).toEqual([1, 2, 3, 4, 5].map(chatIdOf));
    expect(await store.events(0, 10)).toEqual(events);
    expect(storedWhenTold).toEqual([0, 3]);
  });

  it('never gives a number twice: not after failures, nor over reopening', async () => {
    const { executor, disk, store } = await openExecutor();
    const given: number[] = [];
    const take = (overlay: Overlay) => {
      const position = overlay.nextPosition();
      given.push(position);
      return position;
    };
    await Promise.allSettled([
      executor.run([], take),
      executor.run([], async (overlay) => {
        await overlay.attempt(take);
        take(overlay);
        throw new Error('no');
      }),
      executor.run([], take),
    ]);
    await executor.run([], (overlay) => {
      const activity = take(overlay);
      const id = chatIdOf(1);
      overlay.put('chat', {
        id,
        userId: userIdOf(1),
        groupId: undefined,
        accepted: true,
        identityPolicy: undefined,
        mutedUntil: undefined,
        receipts: undefined,
        nextSeq: 1,
        activity,
        lastMessageId: undefined,
        unread: 0,
        readUpTo: { position: 0, seq: 0 },
        createdAt: 0,
        updatedAt: 0,
      });
    });
    expect(new Set(given).size).toBe(given.length);
    await executor.stop();
    await store.close();
    const reopened = await openExecutor(disk);
    expect(await reopened.executor.run([], (overlay) => overlay.nextPosition())).toBeGreaterThan(Math.max(...given));
  });

  it('runs random operations as if one by one in the order of the calls, for each lock', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const operation = fc.record({
      touches: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }),
      also: fc.uniqueArray(fc.constantFrom('x', 'y'), { maxLength: 2 }),
      pauses: fc.nat(6),
      fails: fc.boolean(),
      afterTurn: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async (operations) => {
        const { executor, store } = await openExecutor();
        // The model: an operation appends its number to all that it touches, unless it fails.
        const model = new Map(names.map((name) => [name, 0]));
        const running: Promise<unknown>[] = [];
        for (const [at, { touches, also, pauses, fails, afterTurn }] of operations.entries()) {
          if (afterTurn) await new Promise<void>((resolve) => setImmediate(resolve));
          const run = executor.run([...touches, ...also], async (overlay) => {
            const values = await Promise.all(touches.map((name) => read(overlay, name)));
            for (let pause = 0; pause < pauses; pause++) await Promise.resolve();
            for (const [index, name] of touches.entries()) {
              overlay.put('cursor', cursorRecord(name, ((values[index] ?? 0) * 31 + at + 1) % 1_000_003));
            }
            if (fails) throw new Error('dropped');
            return values;
          });
          const expected = touches.map((name) => model.get(name));
          if (!fails) for (const name of touches) model.set(name, ((model.get(name) ?? 0) * 31 + at + 1) % 1_000_003);
          running.push(
            fails ? expect(run).rejects.toThrow('dropped') : run.then((values) => expect(values).toEqual(expected)),
          );
        }
        await Promise.all(running);
        for (const name of names) {
          expect((await store.get('cursor', { name }))?.changeSeq ?? 0).toBe(model.get(name));
        }
      }),
      { numRuns: 150 },
    );
  });
});
