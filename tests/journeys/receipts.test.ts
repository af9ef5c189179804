import { Content } from '@sotto/proto';
import { memoryStore } from '@sotto/sdk';
import type { StoreOpener } from '@sotto/sdk/ports';
import { describe, expect, it } from 'vitest';
import { exchange, JourneyWorld } from './journey-world.ts';

/** A store in which every message that is queued becomes one of a kind that nobody knows yet. */
function ofTheFuture(inner: StoreOpener): StoreOpener {
  // Field 63, length-delimited, "later".
  const unknown = new Uint8Array([0xfa, 0x03, 5, ...new TextEncoder().encode('later')]);
  return {
    async open() {
      const { store, opening } = await inner.open();
      const changed = new Proxy(store, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target);
          if (name !== 'commit') return typeof value === 'function' ? value.bind(target) : value;
          return ([...changes]: Parameters<typeof store.commit>[0], epoch: number) =>
            target.commit(
              changes.map((change) => {
                if (change.type !== 'put' || change.kind !== 'outbox' || !change.record.visible) return change;
                const { text: _text, body: _body, ...rest } = Content.decode(change.record.content);
                const content = Buffer.concat([Content.encode(rest), unknown]);
                return { ...change, record: { ...change.record, content: new Uint8Array(content) } };
              }),
              epoch,
            );
        },
      });
      return { store: changed, opening };
    },
  };
}

describe('P6: receipts', () => {
  it('a stranger gets none until the chat is accepted, then for what came before as well  [security: receipt-side-channel]', async () => {
    await using world = await JourneyWorld.open();
    const [alice, bob] = [await world.person(), await world.person()];
    const first = await alice.say(bob, 'you do not know me');
    const incoming = await bob.received('you do not know me');
    const chat = await bob.client.chats.get(incoming.senderId);
    await chat?.markRead(incoming);
    expect((await bob.client.chats.list()).chats).toMatchObject([{ accepted: false, unread: 0 }]);
    expect(await bob.observed.isQuiet()).toBe(true);

    const unread = await alice.say(bob, 'and you may never');
    await bob.received('and you may never');
    expect(await bob.observed.isQuiet()).toBe(true);
    expect(await Promise.all([first, unread].map((message) => alice.state(message)))).toEqual(['sent', 'sent']);

    await chat?.accept();
    await alice.told('message.read', first);
    await alice.told('message.delivered', unread);
    const second = await alice.say(bob, 'now you do', 'delivered');
    await chat?.markRead(await bob.received('now you do'));
    await alice.told('message.read', second);
    expect(await alice.state(unread)).toBe('read');
  });

  it('an account that gives none gives none: delivered neither read  [security: receipt-side-channel]', async () => {
    await using world = await JourneyWorld.open();
    const alice = await world.person();
    const bob = await world.person({ receipts: false });
    await exchange(alice, bob);
    const message = await alice.say(bob, 'read this');
    await (await bob.chat(alice)).markRead(await bob.received('read this'));
    // What bob sends next would come after a receipt.
    await bob.say(alice, 'done');
    await alice.received('done');
    expect(await alice.state(message)).toBe('sent');
    expect(alice.events.filter(({ type }) => type === 'message.delivered' || type === 'message.read')).toEqual([]);
    // Bob himself learns what others tell him.
    const answer = await bob.say(alice, 'and this?', 'delivered');
    expect(await bob.state(answer)).toBe('delivered');
  });
});

describe('P2: a message of a kind that this version does not know', () => {
  it('is kept in its place, shown as unknown, and holds nothing back', async () => {
    await using world = await JourneyWorld.open();
    const alice = await world.person({ store: ofTheFuture(memoryStore()) });
    const bob = await world.person();
    await bob.say(alice, 'hello');
    await alice.received('hello');
    const chat = await alice.chat(bob);
    await world.stop();
    const message = await chat.send('seen by later versions');
    // What the store has is read again by the next opening.
    await alice.stop();
    await world.start();
    await alice.open();
    await alice.told('message.delivered', message);
    expect(bob.incoming()).toMatchObject([{ id: message.id, kind: 'unknown', text: '' }]);
    const record = await bob.observed.store().get('message', { id: message.id });
    expect(Buffer.from(record?.unknownContent ?? []).includes('later')).toBe(true);
    expect(await bob.observed.store().held(1)).toEqual([]);
  });
});
