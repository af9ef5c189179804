import { Envelope, RetryRequest, uuidToText } from '@sotto/proto';
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualTimers } from '../../test/manual-timers.ts';
import { ModelRelay } from '../../test/model-relay.ts';
import { type ReceivingDevice, receivingDevice } from '../../test/receiving-device.ts';
import { type SendingDevice, sendingDevice } from '../../test/sending-device.ts';
import { deliveredOf, meetDevice, randomness, type TestDevice, testDevice } from '../../test/test-device.ts';
import { settled } from '../../test/turn-of-events.ts';
import { chatWith } from '../chats/chat-state.ts';
import { RetryAsker } from './retry-asker.ts';

/** A device that sends, receives, asks and answers. */
interface Side {
  readonly device: TestDevice;
  readonly out: SendingDevice;
  readonly in: ReceivingDevice;
  readonly asker: RetryAsker;
  /** How much of what it stored at the relay was delivered. */
  delivered: number;
}

let alice: Side;
let bob: Side;
/** Where in its spread each wait for the next request lies. */
let fraction: number;

function side(device: TestDevice, peer: () => TestDevice): Side {
  const relay = new ModelRelay();
  relay.now = device.clock.now();
  const out = sendingDevice(device, relay, () => meetDevice(device, peer()));
  const receiving = receivingDevice(device);
  const asker = new RetryAsker({
    executor: device.executor,
    store: device.store,
    origin: device.origin,
    clock: device.clock,
    timers: new ManualTimers(),
    randomness: { ...randomness, fraction: () => fraction },
    envelopeOf: (bytes) => receiving.inbox.envelopeOf(bytes),
    onQueued: (userId) => out.outbox.wake(chatWith(userId)),
    onFailure: (error) => out.failures.push(error),
  });
  return { device, out, in: receiving, asker, delivered: 0 };
}

beforeEach(async () => {
  fraction = 0;
  const [one, other] = [await testDevice(), await testDevice()];
  alice = side(one, () => other);
  bob = side(other, () => one);
  await alice.out.connect();
  await bob.out.connect();
});

/** Everything that `from` has at the relay reaches `to`; gives how much that was. */
async function deliver(from: Side, to: Side): Promise<number> {
  await from.out.run();
  const fresh = from.out.relay.stored.slice(from.delivered);
  from.delivered += fresh.length;
  for (const { send } of fresh) {
    await to.in.deliver(...deliveredOf(send, from.device.address, to.device.clock.now()));
    to.device.clock.advance(1);
  }
  return fresh.length;
}

/** Goes on until nothing is on its way, and what is due was asked for. */
async function calm(): Promise<void> {
  for (let quiet = 0; quiet < 2; ) {
    let moved = 0;
    for (const [from, to] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      to.device.clock.advance(5_000);
      to.asker.wake();
      await to.asker.idle();
      to.out.outbox.wake(chatWith(from.device.account.userId));
      from.out.outbox.wake(chatWith(to.device.account.userId));
      moved += await deliver(from, to);
    }
    await settled();
    quiet = moved === 0 ? quiet + 1 : 0;
  }
}

function say(from: Side, to: Side, text: string) {
  return from.out.chat(to.device.account.userId).send(text);
}

async function lose(of: Side, ...kinds: readonly ('session' | 'prekey')[]): Promise<void> {
  const other = of === alice ? bob : alice;
  const prekeys = await of.device.store.prekeys();
  await of.device.executor.run([], (overlay) => {
    if (kinds.includes('session')) overlay.delete('session', other.device.address);
    if (kinds.includes('prekey'))
      for (const prekey of prekeys) if (prekey.kind === 'ec') overlay.delete('prekey', prekey);
  });
}

async function talk(): Promise<void> {
  await say(alice, bob, 'hello');
  await calm();
  await say(bob, alice, 'hello yourself');
  await calm();
}

describe('repair  [security: bad-mac]', () => {
  it('has what came on a lost session sent again, in order, and nothing stays held', async () => {
    await talk();
    await lose(bob, 'session');
    const sent = [await say(alice, bob, 'one'), await say(alice, bob, 'two')];
    await calm();
    expect(await bob.in.heldReasons()).toEqual([]);
    expect(await bob.in.texts(alice.device)).toEqual(['hello', 'hello yourself', 'one', 'two']);
    const states = await Promise.all(sent.map(({ id }) => alice.device.store.get('message', { id })));
    expect(states.map((message) => message?.state)).toEqual(['delivered', 'delivered']);
  });

  it('begins a session of its own when the prekeys that the relay gives out are lost', async () => {
    await talk();
    await lose(bob, 'session', 'prekey');
    await say(alice, bob, 'one');
    await calm();
    expect(await bob.in.texts(alice.device)).toEqual(['hello', 'hello yourself', 'one']);
    expect(await bob.in.heldReasons()).toEqual([]);
  });

  it('says again what a lost receipt said', async () => {
    await talk();
    await lose(alice, 'session');
    const { id } = await say(alice, bob, 'read me');
    await deliver(alice, bob);
    await lose(alice, 'session');
    await calm();
    expect(await alice.device.store.get('message', { id })).toMatchObject({ state: 'delivered' });
    expect(await alice.in.heldReasons()).toEqual([]);
  });

  it('drops what a lost answer said would not come, without asking for it again', async () => {
    await talk();
    await say(bob, alice, 'will be receipted');
    await deliver(bob, alice);
    await lose(bob, 'session', 'prekey');
    // The receipt comes on the lost session; the answer to its request on one whose prekey is lost too.
    fraction = 1;
    alice.out.outbox.wake(chatWith(bob.device.account.userId));
    await deliver(alice, bob);
    expect(await bob.in.heldReasons()).toEqual(['no-session']);
    const [receipt] = await bob.device.store.held(9);
    await calm();
    expect(await bob.in.heldReasons()).toEqual([]);
    const requests = bob.out.relay.stored.filter(
      ({ send }) => send.messageId && receipt?.messageId === uuidToText(send.messageId),
    );
    expect(requests).toHaveLength(1);
  });

  it('mends a jump over 2,000 messages that the relay deleted', async () => {
    await talk();
    const before = alice.out.relay.stored.length;
    for (let at = 0; at < 2_002; at++) await say(alice, bob, `gone ${at}`);
    await alice.out.run();
    alice.delivered = alice.out.relay.stored.length;
    expect(alice.delivered - before).toBe(2_002);
    await say(alice, bob, 'after all that');
    await deliver(alice, bob);
    expect(await bob.in.heldReasons()).toEqual(['counter-jump']);
    await calm();
    expect((await bob.in.texts(alice.device)).at(-1)).toBe('after all that');
    expect(await bob.in.heldReasons()).toEqual([]);
  });

  it('begins one session for all that came together on a lost one', async () => {
    await talk();
    await lose(alice, 'session');
    await lose(bob, 'session', 'prekey');
    const texts = ['one', 'two', 'three', 'four'];
    for (const text of texts) await say(alice, bob, text);
    await deliver(alice, bob);
    expect(await bob.in.heldReasons()).toEqual(texts.map(() => 'missing-prekey'));
    await calm();
    expect(await bob.device.store.get('repair', alice.device.address)).toMatchObject({ renewals: 1 });
    expect(await bob.in.texts(alice.device)).toEqual(['hello', 'hello yourself', ...texts]);
    expect(await bob.in.heldReasons()).toEqual([]);
  });

  it('begins another one when prekeys are lost once more', async () => {
    await talk();
    for (const text of ['one', 'two']) {
      await lose(alice, 'session');
      await lose(bob, 'session', 'prekey');
      await say(alice, bob, text);
      await calm();
      bob.device.clock.advance(60_000);
      alice.device.clock.advance(60_000);
    }
    expect(await bob.device.store.get('repair', alice.device.address)).toMatchObject({ renewals: 2 });
    expect(await bob.in.texts(alice.device)).toEqual(['hello', 'hello yourself', 'one', 'two']);
  });

  it('asks in time though the clock is set back by days right after', async () => {
    await talk();
    await lose(bob, 'session');
    bob.device.clock.advance(9 * 86_400_000);
    await say(alice, bob, 'one');
    await deliver(alice, bob);
    expect(await bob.in.heldReasons()).toEqual(['no-session']);
    bob.device.clock.advance(-9 * 86_400_000);
    await calm();
    expect(await bob.in.heldReasons()).toEqual([]);
    expect(await bob.in.texts(alice.device)).toEqual(['hello', 'hello yourself', 'one']);
  });

  it('asks three times, and no more', async () => {
    await talk();
    await lose(bob, 'session');
    await say(alice, bob, 'one');
    await deliver(alice, bob);
    for (let round = 0; round < 8; round++) {
      bob.device.clock.advance(7 * 3_600_000);
      bob.asker.wake();
      await bob.asker.idle();
      await bob.out.run();
    }
    const asked = bob.out.relay.stored.slice(bob.delivered);
    expect(asked).toHaveLength(3);
    expect((await bob.device.store.held(9)).map(({ requests, requestAt }) => [requests, requestAt])).toEqual([
      [3, undefined],
    ]);
  });

  it('is not kept busy by what nobody can be asked for', async () => {
    await talk();
    await bob.device.executor.run([], (overlay) => {
      for (let at = 0; at < 65; at++) {
        const digest = new Uint8Array(32).fill(at);
        overlay.put('held', {
          digest,
          envelope: digest,
          reason: 'no-sender-key',
          heldAt: 0,
          arrival: overlay.nextPosition(),
          retries: 0,
          sender: undefined,
          messageId: undefined,
          groupId: undefined,
          mendable: true,
          requests: 0,
          requestAt: 1,
        });
      }
    });
    // One page, and what is left.
    for (let look = 0; look < 2; look++) {
      bob.asker.wake();
      await bob.asker.idle();
    }
    expect(await bob.device.store.heldRequests(99)).toEqual([]);
  });
});

describe('a request that nobody should honour', () => {
  async function requestOf(change: (envelope: Envelope) => Envelope): Promise<Uint8Array> {
    await lose(bob, 'session');
    await say(alice, bob, 'one');
    await deliver(alice, bob);
    bob.device.clock.advance(5_000);
    bob.asker.wake();
    await bob.asker.idle();
    await bob.out.run();
    const [stored] = bob.out.relay.stored.slice(bob.delivered);
    bob.delivered = bob.out.relay.stored.length;
    const [bytes] = stored ? deliveredOf(stored.send, bob.device.address, 1) : [];
    return Envelope.encode(change(Envelope.decode(bytes ?? new Uint8Array())));
  }

  const noise = new Uint8Array(16).fill(7);
  it.each<[string, (envelope: Envelope) => Envelope]>([
    ['from somebody to whom nothing was sent', (envelope) => ({ ...envelope, senderUser: noise })],
    ['from a device that is not on the list', (envelope) => ({ ...envelope, senderDevice: 2 })],
    ['whose envelope names another message', (envelope) => ({ ...envelope, messageId: noise })],
    ['that is noise', (envelope) => ({ ...envelope, ciphertext: noise })],
  ])('%s changes nothing', async (_, change) => {
    await talk();
    const request = await requestOf(change);
    const session = await alice.device.store.get('session', bob.device.address);
    const commits = alice.device.store.commits.length;
    await alice.in.deliver(request);
    expect(alice.in.acked.at(-1)).toBe(0);
    expect(alice.device.store.commits).toHaveLength(commits);
    expect(await alice.device.store.get('session', bob.device.address)).toEqual(session);
    expect(await alice.in.heldReasons()).toEqual([]);
  });

  it('is honoured three times at most, and its session is not put aside again and again', async () => {
    await talk();
    const request = Envelope.decode(await requestOf((envelope) => envelope));
    const stored = alice.out.relay.stored.length;
    for (let round = 0; round < 20; round++) {
      // An unknown field at its end makes it another one each time.
      const ciphertext = Uint8Array.of(...request.ciphertext, 0xf8, 0x07, round);
      await alice.in.deliver(Envelope.encode({ ...request, ciphertext }));
      alice.out.outbox.wake(chatWith(bob.device.account.userId));
      await alice.out.run();
    }
    expect(alice.out.relay.stored.length - stored).toBe(3);
    expect(await alice.device.store.get('repair', bob.device.address)).toMatchObject({ renewals: 1, resends: 3 });
  });

  it('for messages that do not exist is answered with at most 64 empty contents an hour', async () => {
    await talk();
    const request = Envelope.decode(await requestOf((envelope) => envelope));
    const { error } = RetryRequest.decode(request.ciphertext);
    const stored = alice.out.relay.stored.length;
    for (let round = 0; round < 100; round++) {
      const messageId = new Uint8Array(16).fill(round + 1);
      const ciphertext = RetryRequest.encode({ error, messageId, number: 1 });
      await alice.in.deliver(Envelope.encode({ ...request, messageId, ciphertext }));
    }
    alice.out.outbox.wake(chatWith(bob.device.account.userId));
    await alice.out.run();
    const answers = alice.out.relay.stored.slice(stored);
    expect(answers.length).toBeLessThanOrEqual(64 + 2);
  });
});

/** Lets the first device believe that the second one's owner has another identity key since then. */
async function changeIdentity(at: number, begunAnew: boolean): Promise<void> {
  const { userId } = bob.device.account;
  await alice.device.executor.run([], async (overlay) => {
    const identity = await overlay.get('identity', { userId });
    const list = await overlay.get('deviceList', { userId });
    if (identity === undefined || list === undefined) throw new Error('they have not met');
    overlay.put('identity', { ...identity, changedAt: at });
    overlay.put('deviceList', { ...list, begunAnew });
  });
}

describe('an identity key that changed', () => {
  it('is not given what was written to the one before', async () => {
    await talk();
    await say(alice, bob, 'for the old key');
    await deliver(alice, bob);
    await changeIdentity(Number.MAX_SAFE_INTEGER, true);
    await lose(bob, 'session');
    const commits = alice.out.relay.stored.length;
    await say(alice, bob, 'one');
    await calm();
    expect(alice.out.relay.stored.length).toBe(commits + 1);
  });

  it('is not given it either when the relay dates it after the change', async () => {
    await talk();
    alice.out.relay.now = alice.device.clock.now() + 365 * 86_400_000;
    await lose(bob, 'session');
    const { id } = await say(alice, bob, 'for the old key');
    await deliver(alice, bob);
    alice.device.clock.advance(1);
    await changeIdentity(alice.device.clock.now(), true);
    await calm();
    expect((await alice.device.store.get('message', { id }))?.state).toBe('sent');
    expect(await bob.in.texts(alice.device)).toEqual(['hello', 'hello yourself']);
  });

  it('by a revocation alone is: a device of before is still there', async () => {
    await talk();
    await lose(bob, 'session');
    await say(alice, bob, 'before it');
    await deliver(alice, bob);
    alice.device.clock.advance(1);
    await changeIdentity(alice.device.clock.now(), false);
    await calm();
    expect(await bob.in.texts(alice.device)).toEqual(['hello', 'hello yourself', 'before it']);
  });

  it('does not slide the 30 days: a message is as old as its writing', async () => {
    await talk();
    alice.out.relay.now = alice.device.clock.now() + 365 * 86_400_000;
    await lose(bob, 'session');
    await say(alice, bob, 'of long ago');
    await deliver(alice, bob);
    alice.device.clock.advance(31 * 86_400_000);
    await calm();
    expect(await bob.in.texts(alice.device)).toEqual(['hello', 'hello yourself']);
  });
});
