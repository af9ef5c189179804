import { expect, it } from 'vitest';
import { memoryStore } from '../adapters/memory/memory-store.ts';
import { Client } from './client.ts';

const relay = 'http://127.0.0.1:1';

it.each([
  ['nothing', undefined],
  ['no store', { relay }],
  ['a path for a store', { relay, store: 'alice.db' }],
  ['null for a store', { relay, store: null }],
])('refuses to open with %s', async (_, options) => {
  await expect(Client.open(options as never)).rejects.toMatchObject({ code: 'argument-invalid' });
});

it.each([
  ['nothing', undefined],
  ['no profile', { phone: '+14155550101', code: () => '1' }],
  ['no code', { phone: '+14155550101', profile: { username: 'Alice' } }],
])('refuses to register with %s, before anything is sent', async (_, options) => {
  await using client = await Client.open({ relay, store: memoryStore() });
  await expect(client.register(options as never)).rejects.toMatchObject({ code: 'argument-invalid' });
});

it('says that it was stopped, whatever is asked for', async () => {
  const client = await Client.open({ relay, store: memoryStore() });
  await client.stop();
  await expect(client.chats.list()).rejects.toMatchObject({ code: 'client-stopped' });
  await expect(client.flush()).rejects.toMatchObject({ code: 'client-stopped' });
  await expect(client.register({} as never)).rejects.toMatchObject({ code: 'client-stopped' });
});
