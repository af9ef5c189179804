import { join } from 'node:path';
import { SottoError } from '@sotto/sdk';
import type { StoreOpener } from '@sotto/sdk/ports';
import { betterSqlite3 } from '@sotto/storage-adapters/better-sqlite3';
import { describe, expect, it } from 'vitest';
import { HandTime } from '../journeys/hand-time.ts';
import { exchange, JourneyWorld } from '../journeys/journey-world.ts';

const day = 24 * 3_600_000;

/** A store that seals nothing while `closed`: what has come is kept and acked, and no receipt leaves. */
function withoutSealing(inner: StoreOpener, gate: { closed: boolean }): StoreOpener {
  return {
    async open() {
      const { store, opening } = await inner.open();
      const gated = new Proxy(store, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target);
          if (name !== 'commit') return typeof value === 'function' ? value.bind(target) : value;
          return async (...[changes, epoch]: Parameters<typeof store.commit>) => {
            const seals = changes.some(
              (change) => change.type === 'put' && change.kind === 'outbox' && change.record.sealed !== undefined,
            );
            if (gate.closed && seals) {
              throw new SottoError('store-unavailable', 'The disk is full: free it.', { retryable: true });
            }
            await target.commit(changes, epoch);
          };
        },
      });
      return { store: gated, opening };
    },
  };
}

describe('P6: the sender learns that a message was never fetched', () => {
  it('is told one day after the end of the message, and not before, once the own mailbox was drained', async () => {
    const time = new HandTime();
    await using world = await JourneyWorld.open({ time });
    const alice = await world.person();
    const bob = await world.person();
    await exchange(alice, bob);
    await bob.stop();
    const message = await alice.say(bob, 'are you there?');
    const { expiresAt = 0 } = (await alice.history(bob)).at(-1) ?? {};
    await alice.stop();

    time.moveTo(expiresAt + day);
    await alice.open();
    await alice.live();
    await alice.stop();
    await alice.open();
    expect(await alice.state(message)).toBe('sent');
    await alice.stop();

    time.moveTo(expiresAt + day + 1);
    await alice.open();
    const told = await alice.told('message.expired', message);
    expect(told).toMatchObject({ at: expiresAt + day + 1, userId: (await alice.chat(bob)).userId });
    expect(await alice.state(message)).toBe('expired');
    expect(bob.incoming().some(({ text }) => text === 'are you there?')).toBe(false);
  });

  it('is not told without a connection: a receipt may be waiting in the own mailbox', async () => {
    const time = new HandTime();
    await using world = await JourneyWorld.open({ time });
    const alice = await world.person();
    const bob = await world.person();
    await exchange(alice, bob);
    await bob.stop();
    const message = await alice.say(bob, 'hello?');
    await alice.stop();
    await world.stop();
    time.advance(40 * day);
    await alice.open();
    await world.watch.until(() => alice.client.connection === 'offline');
    expect(await alice.state(message)).toBe('sent');
    await world.start();
    alice.client.reconnect();
    await alice.told('message.expired', message);
  });

  it('a peer who never gave receipts stays at sent', async () => {
    const time = new HandTime();
    await using world = await JourneyWorld.open({ time });
    const alice = await world.person();
    const silent = await world.person({ receipts: false });
    const stranger = await world.person();
    const carol = await world.person();
    await exchange(alice, silent);
    await exchange(alice, carol);
    for (const person of [silent, stranger, carol]) await person.stop();
    const toSilent = await alice.say(silent, 'to silent');
    const toStranger = await alice.say(stranger, 'to a stranger');
    const toCarol = await alice.say(carol, 'to carol');
    await alice.stop();
    time.advance(32 * day);
    await alice.open();
    await alice.told('message.expired', toCarol);
    // Whatever a second look would find is found before it ends.
    await alice.stop();
    await alice.open();
    for (const message of [toSilent, toStranger]) {
      expect(await alice.state(message)).toBe('sent');
      expect(alice.hasTold('message.expired', message)).toBe(false);
    }
    expect(await alice.state(toCarol)).toBe('expired');
  });

  it('a receipt that comes late promotes expired to delivered, then to read', async () => {
    const time = new HandTime();
    await using world = await JourneyWorld.open({ time });
    const gate = { closed: false };
    const alice = await world.person();
    const bob = await world.person({ store: withoutSealing(betterSqlite3(join(world.folder, 'bob.db')), gate) });
    await exchange(alice, bob);
    const settled = await bob.say(alice, 'settled', 'delivered');
    expect(await bob.state(settled)).toBe('delivered');

    gate.closed = true;
    const message = await alice.say(bob, 'taken, and not receipted');
    await bob.received('taken, and not receipted');
    await world.watch.until(() => bob.events.at(-1)?.type === 'connection.changed');
    await bob.stop();
    gate.closed = false;
    await alice.stop();
    time.advance(32 * day);
    await alice.open();
    await alice.told('message.expired', message);
    expect(await alice.state(message)).toBe('expired');

    await bob.open();
    await alice.told('message.delivered', message);
    expect(await alice.state(message)).toBe('delivered');
    const incoming = await bob.received('taken, and not receipted');
    await (await bob.chat(alice)).markRead(incoming);
    await alice.told('message.read', message);
    expect(await alice.state(message)).toBe('read');
  });
});
