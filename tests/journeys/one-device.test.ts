import { ClientFrames } from '@sotto/proto';
import { Client } from '@sotto/sdk';
import { betterSqlite3 } from '@sotto/storage-adapters/better-sqlite3';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { exchange, JourneyWorld } from './journey-world.ts';
import { failureOf } from './person.ts';

describe('P5: one device, one owner', () => {
  it('a store that is open can not be opened again, until it is closed', async () => {
    await using world = await JourneyWorld.open();
    const alice = await world.person();
    const again = () => Client.open({ relay: world.url, store: betterSqlite3(world.databaseOf(1)) });
    expect(await failureOf(again())).toMatchObject({ code: 'store-locked', retryable: true });
    expect(alice.client.connection).toBe('live');
    await alice.stop();
    await (await again()).stop();
  });

  it('a second stream of the device replaces the first; reconnect takes it back, and nothing was lost', async () => {
    await using world = await JourneyWorld.open();
    const [alice, bob] = [await world.person(), await world.person()];
    await exchange(alice, bob);
    const account = await bob.observed.store().get('account', {});
    const socket = new WebSocket(`${world.url.replace('http', 'ws')}/v1/stream`, {
      headers: { authorization: `Bearer ${account?.accessToken}` },
    });
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    socket.on('open', () => {
      const hello = { protocolMin: 1, protocolMax: 1, capabilities: [], agent: 'second' };
      socket.send(ClientFrames.encode({ frames: [{ hello }] }));
    });
    await world.watch.until(() => bob.client.connection === 'replaced');
    const message = await alice.say(bob, 'who gets this?');
    expect(bob.client.connection).toBe('replaced');
    bob.client.reconnect();
    expect(await closed).toBe(4001);
    await bob.received('who gets this?');
    await alice.told('message.delivered', message);
    expect((await bob.history(alice)).filter(({ text }) => text === 'who gets this?')).toHaveLength(1);
  });
});
