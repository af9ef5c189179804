import { expect, it } from 'vitest';
import { MemoryDisk } from '../adapters/memory/memory-disk.ts';
import { memoryStore } from '../adapters/memory/memory-store.ts';
import { Bot } from './bot.ts';

it.each([{ tries: 0 }, { chatsAtOnce: 1.5 }])('is refused with %j before a client is opened', async (options) => {
  const disk = new MemoryDisk();
  await expect(Bot.open({ relay: 'http://localhost:1', store: memoryStore(disk), ...options })).rejects.toMatchObject({
    code: 'argument-invalid',
  });
  // A client that was left open would have the lock.
  const { store } = await memoryStore(disk).open();
  await store.close();
});
