import { Content, type Send, toBase64Url, uuidToText } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { ModelRelay } from '../../test/model-relay.ts';
import { receivingDevice } from '../../test/receiving-device.ts';
import { type SendingDevice, sendingDevice } from '../../test/sending-device.ts';
import {
  deliveredOf,
  meetDevice,
  reopened,
  startSession,
  type TestDevice,
  testDevice,
} from '../../test/test-device.ts';
import { settled } from '../../test/turn-of-events.ts';
import { chatWith } from '../chats/chat-state.ts';
import type { MessageId } from '../ports/ids.ts';
import { SottoError } from '../sotto-error.ts';

const day = 24 * 3_600_000;

interface Pair {
  readonly alice: SendingDevice;
  readonly relay: ModelRelay;
  /** Whom the relay knows under this account now. */
  bob: TestDevice;
}

async function pair(): Promise<Pair> {
  const relay = new ModelRelay();
  const device = await testDevice();
  const made: { bob: TestDevice } = { bob: await testDevice() };
  const alice = sendingDevice(device, relay, () => meetDevice(device, made.bob));
  return Object.assign(made, { alice, relay });
}

async function sendAll(alice: SendingDevice, bob: TestDevice, count: number, from = 1): Promise<readonly MessageId[]> {
  const chat = alice.chat(bob.account.userId);
  const sent = await Promise.all(Array.from({ length: count }, (_, at) => chat.send(`${from + at}`)));
  return sent.map(({ id }) => id);
}

function storedIds(relay: ModelRelay): readonly string[] {
  return relay.stored.map(({ messageId }) => messageId);
}

function sendIds(sends: readonly Send[]): readonly string[] {
  return sends.map(({ sendId }) => toBase64Url(sendId));
}

async function stateOf({ device }: SendingDevice, id: MessageId): Promise<string | undefined> {
  return (await device.store.get('message', { id }))?.state;
}

async function rowsOf({ device }: SendingDevice, bob: TestDevice) {
  return device.store.outbox(chatWith(bob.account.userId), 0, 1_000);
}

const leaving = () => undefined;

describe('the outbox', () => {
  it('tells when everything has left, also when it failed, and not before', async () => {
    const { alice, bob, relay } = await pair();
    const { signal } = new AbortController();
    await alice.outbox.emptied(signal, leaving);
    await alice.connect();
    await alice.chat(bob.account.userId).send('hello');
    let empty = false;
    const emptied = alice.outbox.emptied(signal, leaving).then(() => {
      empty = true;
    });
    await settled();
    expect(empty).toBe(false);
    await alice.run();
    await emptied;
    expect(empty).toBe(true);
    relay.verdict = () => ({ type: 'refused', code: 'send-malformed', retryable: false });
    await alice.chat(bob.account.userId).send('never');
    const failed = alice.outbox.emptied(signal, leaving);
    await alice.run();
    await failed;
    const ending = new AbortController();
    alice.disconnect();
    await alice.chat(bob.account.userId).send('later');
    const given = alice.outbox.emptied(ending.signal, leaving);
    ending.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
  });

  it('tells who waits for the end that what is there does not leave any more, also when it turns out while they wait', async () => {
    const { alice, bob } = await pair();
    const { signal } = new AbortController();
    const over = new Error('the session has ended');
    let isOver = true;
    const leavesNoMore = () => {
      if (isOver) throw over;
    };
    await alice.outbox.emptied(signal, leavesNoMore);
    await alice.chat(bob.account.userId).send('too late');
    await expect(alice.outbox.emptied(signal, leavesNoMore)).rejects.toBe(over);
    isOver = false;
    const waiting = alice.outbox.emptied(signal, leavesNoMore);
    await settled();
    isOver = true;
    alice.outbox.recheck();
    await expect(waiting).rejects.toBe(over);
  });

  it('seals nothing while offline, then sends all in order, pipelined in one lane', async () => {
    const { alice, bob, relay } = await pair();
    const ids = await sendAll(alice, bob, 100);
    await settled();
    expect((await rowsOf(alice, bob)).every(({ sealed }) => sealed === undefined)).toBe(true);
    await alice.connect();
    await settled(60);
    // Not one result was read, and all have left.
    expect(relay.stream?.sends).toHaveLength(100);
    const lanes = relay.stream?.sends.map(({ lane, laneNo }) => [toBase64Url(lane), laneNo]) ?? [];
    expect(new Set(lanes.map(([lane]) => lane)).size).toBe(1);
    expect(lanes.map(([, no]) => no)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
    await alice.run();
    expect(storedIds(relay)).toEqual(ids);
    expect(alice.sessionCalls).toHaveLength(1);
    expect(await rowsOf(alice, bob)).toEqual([]);
    const messages = await Promise.all(ids.map((id) => alice.device.store.get('message', { id })));
    expect(messages.every((message) => message?.state === 'sent' && message.acceptedAt && message.expiresAt)).toBe(
      true,
    );
    expect(alice.failures).toEqual([]);
  });

  it('keeps at most 256 in flight', async () => {
    const { alice, bob, relay } = await pair();
    const ids = await sendAll(alice, bob, 400);
    await alice.connect();
    await settled(200);
    expect(relay.stream?.sends).toHaveLength(256);
    await alice.deliverResults(10);
    await settled(60);
    expect(relay.stream?.sends).toHaveLength(266);
    await alice.run();
    expect(storedIds(relay)).toEqual(ids);
  });

  it('commits the results of one turn at once, and does not send again what is being committed', async () => {
    const { alice, bob, relay } = await pair();
    await sendAll(alice, bob, 20);
    await alice.connect();
    await settled(60);
    const commits = alice.device.store.commits.length;
    let release = (): void => undefined;
    alice.device.store.holdNextCommit(
      new Promise((resolve) => {
        release = resolve;
      }),
    );
    const delivering = alice.deliverResults();
    await settled();
    alice.outbox.wake(chatWith(bob.account.userId));
    await settled();
    release();
    await delivering;
    await settled();
    expect(alice.device.store.commits).toHaveLength(commits + 1);
    expect(relay.stream?.sends).toHaveLength(20);
  });

  it('does not take a message back that a receipt said more of before the result came', async () => {
    const { alice, bob, relay } = await pair();
    const [id] = await sendAll(alice, bob, 1);
    await alice.connect();
    await settled(60);
    await alice.device.executor.run([], async (overlay) => {
      const message = await overlay.get('message', { id: id as MessageId });
      if (message) overlay.put('message', { ...message, state: 'delivered' });
    });
    await alice.run();
    const message = await alice.device.store.get('message', { id: id as MessageId });
    expect(message).toMatchObject({ state: 'delivered', acceptedAt: relay.now });
    expect(alice.device.published.flat().map(({ fact }) => fact.type)).not.toContain('message.sent');
  });

  it('sends again in a new lane, under the same send ids, what was superseded', async () => {
    const { alice, bob, relay } = await pair();
    let full = true;
    relay.verdict = (send) => (full && send.laneNo === 3 ? { type: 'mailbox-full' } : { type: 'accepted' });
    const ids = await sendAll(alice, bob, 6);
    await alice.connect();
    await settled(60);
    await alice.deliverResults();
    await settled();
    expect(storedIds(relay)).toEqual(ids.slice(0, 2));
    expect(alice.timers.delays).toHaveLength(1);
    full = false;
    await alice.run();
    expect(storedIds(relay)).toEqual(ids);
    const sends = sendIds(relay.stream?.sends ?? []);
    expect(sends.slice(6)).toEqual(sends.slice(2, 6));
  });

  it('lets nothing overtake a refused send that was being sealed when the refusal came', async () => {
    const { alice, bob, relay } = await pair();
    const verdicts = new Map<string, 'mailbox-full'>();
    relay.verdict = (send) => ({ type: verdicts.get(uuidToText(send.messageId)) ?? 'accepted' });
    const [warmUp] = await sendAll(alice, bob, 1);
    await alice.connect();
    await alice.run();
    const [first] = await sendAll(alice, bob, 1, 2);
    verdicts.set(first ?? '', 'mailbox-full');
    await settled();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const [second] = await sendAll(alice, bob, 1, 3);
    alice.device.store.holdNextCommit(held);
    await settled();
    await alice.deliverResults();
    await settled();
    verdicts.clear();
    release();
    await settled();
    await alice.run();
    expect(storedIds(relay)).toEqual([warmUp, first, second]);
  });

  it('waits as long as the relay says, or with a growing jittered back-off of at most a minute', async () => {
    const { alice, bob, relay } = await pair();
    let verdict: 'told' | 'garbage' | 'accepted' = 'told';
    relay.verdict = () =>
      verdict === 'told'
        ? { type: 'refused', code: 'rate-limited', retryable: true, retryAfterMs: 4_321 }
        : { type: verdict };
    const ids = await sendAll(alice, bob, 2);
    await alice.connect();
    await settled(60);
    await alice.deliverResults();
    await settled();
    expect(alice.timers.delays).toEqual([4_321]);
    verdict = 'garbage';
    for (let failure = 0; failure < 12; failure++) {
      alice.timers.runAll();
      await settled();
      await alice.deliverResults();
      await settled();
      expect(alice.timers.delays).toHaveLength(1);
      expect(alice.timers.delays[0]).toBeLessThanOrEqual(Math.min(60_000, 500 * 2 ** failure));
    }
    verdict = 'accepted';
    await alice.run();
    expect(storedIds(relay)).toEqual(ids);
    expect(new Set(sendIds(relay.stream?.sends ?? [])).size).toBe(2);
  });

  it('does not ask in a tight loop a relay that always says to come again in a millisecond', async () => {
    const { alice, bob, relay } = await pair();
    relay.verdict = () => ({ type: 'refused', code: 'rate-limited', retryable: true, retryAfterMs: 1 });
    await sendAll(alice, bob, 1);
    await alice.connect();
    await settled(60);
    const waits: number[] = [];
    for (let refusal = 0; refusal < 10; refusal++) {
      await alice.deliverResults();
      await settled();
      waits.push(...alice.timers.delays);
      alice.timers.runAll();
      await settled();
    }
    expect(waits[0]).toBe(1);
    expect(Math.max(...waits)).toBeGreaterThan(1_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(60_000);
  });

  it('waits, too, when a relay calls everything superseded', async () => {
    const { alice, bob, relay } = await pair();
    relay.verdict = () => ({ type: 'refused', code: 'superseded', retryable: true });
    await sendAll(alice, bob, 3);
    await alice.connect();
    await settled(60);
    await alice.deliverResults();
    await settled(60);
    expect(relay.stream?.sends).toHaveLength(3);
    expect(alice.timers.delays).toHaveLength(1);
  });

  it('fails what will never be accepted, and sends what is behind it', async () => {
    const { alice, bob, relay } = await pair();
    relay.verdict = (send) =>
      send.attempt === 1 && send.laneNo === 2
        ? { type: 'refused', code: 'send-malformed', retryable: false }
        : { type: 'accepted' };
    const ids = await sendAll(alice, bob, 4);
    await alice.connect();
    await settled(60);
    relay.verdict = () => ({ type: 'accepted' });
    await alice.run();
    // Behind them goes word that one number will never come.
    const hole = storedIds(relay).at(-1);
    expect(storedIds(relay)).toEqual([ids[0], ids[2], ids[3], hole]);
    const reader = receivingDevice(bob);
    for (const { send } of relay.stored) await reader.deliver(...deliveredOf(send, alice.device.address, 1));
    expect(
      await bob.store.get('stream', { chatId: chatWith(alice.device.account.userId), ...alice.device.address }),
    ).toMatchObject({ highest: 4, gaps: [] });
    expect(await Promise.all(ids.map((id) => stateOf(alice, id)))).toEqual(['sent', 'failed', 'sent', 'sent']);
    const failed = alice.device.published.flat().map(({ fact }) => fact);
    expect(failed).toContainEqual(
      expect.objectContaining({ type: 'message.failed', messageId: ids[1], code: 'send-malformed' }),
    );
    const failures = await Promise.all(ids.map((id) => alice.device.store.get('message', { id })));
    expect(failures.map((message) => message?.failure)).toEqual([undefined, 'send-malformed', undefined, undefined]);
  });

  it('forgets the number of somebody who is gone', async () => {
    const { alice, bob, relay } = await pair();
    relay.verdict = () => ({ type: 'unknown-user' });
    const { userId } = bob.account;
    await alice.device.executor.run([], (overlay) =>
      overlay.put('user', {
        id: userId,
        number: '+14155550199',
        username: '',
        profileKey: undefined,
        profileKeyAt: undefined,
        avatarHash: undefined,
        returnsReceipts: false,
        blockedAt: undefined,
        createdAt: 0,
        updatedAt: 0,
      }),
    );
    const ids = await sendAll(alice, bob, 2);
    await alice.connect();
    await alice.run();
    expect(await Promise.all(ids.map((id) => stateOf(alice, id)))).toEqual(['failed', 'failed']);
    expect(await alice.device.store.userByNumber('+14155550199')).toBeUndefined();
  });

  it('sends what was in flight again as it was, on the next connection', async () => {
    const { alice, bob, relay } = await pair();
    const ids = await sendAll(alice, bob, 5);
    await alice.connect();
    await settled(60);
    const before = relay.stream?.sends ?? [];
    alice.disconnect();
    await alice.connect();
    await settled(60);
    const again = relay.stream?.sends ?? [];
    expect(sendIds(again)).toEqual(sendIds(before));
    expect(again.map(({ recipients }) => recipients)).toEqual(before.map(({ recipients }) => recipients));
    expect(toBase64Url(again[0]?.lane ?? new Uint8Array())).not.toBe(toBase64Url(before[0]?.lane ?? new Uint8Array()));
    await alice.run();
    expect(storedIds(relay)).toEqual(ids);
    expect(await rowsOf(alice, bob)).toEqual([]);
  });

  it('tells that rows have left once the relay has them, also on a later connection', async () => {
    const { alice, bob } = await pair();
    await sendAll(alice, bob, 3);
    const rows = (await rowsOf(alice, bob)).map(({ id }) => id);
    let left = false;
    const delivered = alice.outbox.keysDelivered(rows, new AbortController().signal).then(() => {
      left = true;
    });
    await alice.connect();
    await settled(60);
    alice.disconnect();
    expect(left).toBe(false);
    await alice.connect();
    await settled(60);
    await alice.deliverResults(2);
    await settled();
    expect(left).toBe(false);
    await alice.deliverResults();
    await delivered;
    expect(await rowsOf(alice, bob)).toEqual([]);
  });

  it('sends sealed rows as they are after a restart', async () => {
    const made = await pair();
    const { alice, bob, relay } = made;
    const ids = await sendAll(alice, bob, 3);
    await alice.connect();
    await settled(60);
    const before = relay.stream?.sends ?? [];
    alice.disconnect();
    const device = await reopened(alice.device);
    const again = sendingDevice(device, relay, () => startSession(device, bob));
    const later = await sendAll(again, bob, 2, 4);
    await again.connect();
    await again.run();
    expect(sendIds(relay.stream?.sends ?? []).slice(0, 3)).toEqual(sendIds(before));
    expect(storedIds(relay)).toEqual([...ids, ...later]);
  });

  it('seals anew, as the next attempt, what had no result for seven days', async () => {
    const { alice, bob, relay } = await pair();
    const [id] = await sendAll(alice, bob, 1);
    await alice.connect();
    await settled(60);
    const [first] = relay.stream?.sends ?? [];
    alice.disconnect();
    alice.device.clock.advance(7 * day);
    await alice.connect();
    await settled(60);
    expect(sendIds(relay.stream?.sends ?? [])).toEqual(sendIds(first ? [first] : []));
    alice.disconnect();
    alice.device.clock.advance(1);
    await alice.connect();
    await settled(60);
    const [second] = relay.stream?.sends ?? [];
    expect(second).toMatchObject({ attempt: 2, messageId: first?.messageId });
    expect(sendIds(second ? [second] : [])).not.toEqual(sendIds(first ? [first] : []));
    await alice.run();
    expect(await stateOf(alice, id as MessageId)).toBe('sent');
  });

  it('makes sessions and seals anew for the devices that there are now', async () => {
    const made = await pair();
    const { alice, relay } = made;
    const old = made.bob;
    const ids = [...(await sendAll(alice, old, 2))];
    await alice.connect();
    await alice.run();
    made.bob = await testDevice({ previous: old.account, sameIdentity: true });
    const { deviceList, registrationId } = made.bob.account;
    relay.verdict = (send) =>
      send.recipients[0]?.devices?.[0]?.registrationId === registrationId
        ? { type: 'accepted' }
        : { type: 'devices-changed', deviceList };
    ids.push(...(await sendAll(alice, old, 4, 3)));
    await alice.run();
    expect(storedIds(relay)).toEqual(ids);
    expect(relay.stored.map(({ send }) => send.attempt)).toEqual([1, 1, 2, 2, 2, 2]);
    expect(alice.sessionCalls).toHaveLength(2);
    expect(alice.timers.delays).toEqual([]);
  });

  it('does not ask in a tight loop when devices change again and again', async () => {
    const made = await pair();
    const { alice, relay } = made;
    relay.verdict = () => ({ type: 'devices-changed', deviceList: made.bob.account.deviceList });
    const ids = await sendAll(alice, made.bob, 2);
    await alice.connect();
    await settled(60);
    await alice.deliverResults();
    await settled(60);
    // It waits for results, and for nothing else.
    expect(alice.timers.delays).toEqual([15_000]);
    expect(relay.stream?.sends).toHaveLength(4);
    await alice.deliverResults();
    await settled(60);
    expect(alice.timers.delays).toHaveLength(1);
    relay.verdict = () => ({ type: 'accepted' });
    await alice.run();
    expect(storedIds(relay)).toEqual(ids);
  });

  it('gives a stream up on which a result does not come, and the same send leaves again', async () => {
    const { alice, bob, relay } = await pair();
    await alice.connect();
    const [id] = await sendAll(alice, bob, 1);
    await settled(60);
    expect(alice.timers.delays).toEqual([15_000]);
    alice.timers.runAll();
    alice.timers.runAll();
    expect(alice.failures).toMatchObject([{ message: 'a result is overdue' }]);
    const [first] = sendIds(relay.stream?.sends ?? []);
    alice.disconnect();
    await alice.connect();
    await settled(60);
    expect(sendIds(relay.stream?.sends ?? [])).toEqual([first]);
    await alice.run();
    expect(storedIds(relay)).toEqual([id]);
    expect(alice.timers.delays).toEqual([]);
  });

  it('fails the message, and takes nothing over, when the new device list is forged', async () => {
    const made = await pair();
    const { alice, relay, bob } = made;
    const forged = await testDevice();
    relay.verdict = () => ({ type: 'devices-changed', deviceList: forged.account.deviceList });
    const [id] = await sendAll(alice, bob, 1);
    await alice.connect();
    await alice.run();
    expect(await stateOf(alice, id as MessageId)).toBe('failed');
    expect((await alice.device.store.get('deviceList', { userId: bob.account.userId }))?.signed).toEqual(
      bob.account.deviceList,
    );
  });

  it('holds what it can not seal when a verified identity key changed, and sends what was sealed before  [security: identity-change]', async () => {
    const made = await pair();
    const { alice, relay, bob } = made;
    const [sealed] = await sendAll(alice, bob, 1);
    await alice.connect();
    await settled(60);
    const chat = alice.chat(bob.account.userId);
    await chat.setVerified(true);
    alice.disconnect();
    made.bob = await testDevice({ previous: bob.account });
    await alice.device.executor.run([], (overlay) => overlay.delete('session', bob.address));
    const [blocked] = await sendAll(alice, bob, 1, 2);
    await alice.connect();
    await alice.run();
    expect(await stateOf(alice, sealed as MessageId)).toBe('sent');
    expect(await stateOf(alice, blocked as MessageId)).toBe('queued');
    expect(storedIds(relay)).toEqual([sealed]);
    expect(alice.device.published.flat().map(({ fact }) => fact.type)).toContain('identity.changed');
    expect(await chat.identity()).toMatchObject({ changed: true, blocked: true, verified: false });
    const refused = await chat.send('not to a stranger').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'identity-changed', action: { type: 'accept-identity' } });
    await expect(chat.setVerified(true)).rejects.toMatchObject({ code: 'identity-changed' });
    // Nothing asks again until the user has decided.
    const asked = alice.sessionCalls.length;
    alice.outbox.wake(chat.id);
    await alice.run();
    expect(alice.sessionCalls).toHaveLength(asked);
    if (refused instanceof SottoError) await refused.action?.accept();
    await alice.run();
    expect(storedIds(relay)).toEqual([sealed, blocked]);
    expect(await chat.identity()).toMatchObject({ changed: false, blocked: false, verified: false });
  });

  it('asks for sessions again after a while, not in a tight loop, when they do not suffice', async () => {
    const { alice, bob } = await pair();
    const useless = sendingDevice(alice.device, alice.relay, async () => undefined);
    await sendAll(useless, bob, 2);
    await useless.connect();
    await settled(100);
    expect(useless.sessionCalls).toHaveLength(1);
    expect(useless.timers.delays).toHaveLength(1);
    useless.timers.runAll();
    await settled(100);
    expect(useless.sessionCalls).toHaveLength(2);
    expect(useless.timers.delays).toHaveLength(1);
  });

  it.each([
    [new SottoError('relay-unreachable', '', { retryable: true }), 'queued'],
    [new SottoError('rate-limited', '', { retryable: true, retryAfterMs: 777 }), 'queued'],
    [new SottoError('relay-misbehaved', ''), 'queued'],
    [new SottoError('session-ended', ''), 'queued'],
    [new SottoError('relay-refused', '', { relayCode: 'request-malformed' }), 'queued'],
    [new SottoError('user-unknown', ''), 'failed'],
    [new SottoError('bundle-invalid', ''), 'failed'],
  ])('takes "%s" while it makes sessions for what it is', async (error, state) => {
    const { alice, bob } = await pair();
    const sender = sendingDevice(alice.device, alice.relay, () => Promise.reject(error));
    const ids = await sendAll(sender, bob, 2);
    await sender.connect();
    await settled(100);
    expect(await Promise.all(ids.map((id) => stateOf(sender, id)))).toEqual([state, state]);
    expect(sender.timers.delays).toHaveLength(state === 'queued' ? 1 : 0);
    if (error.retryAfterMs !== undefined) expect(sender.timers.delays).toEqual([error.retryAfterMs]);
    expect(sender.failures).toEqual([]);
  });

  it('reports a store that fails, marks nothing as failed, and goes on after it is well', async () => {
    const { alice, bob, relay } = await pair();
    const ids = await sendAll(alice, bob, 3);
    alice.device.disk.full = true;
    await alice.connect();
    await settled(60);
    expect(alice.failures).toMatchObject([{ code: 'store-unavailable' }]);
    alice.device.disk.full = false;
    alice.disconnect();
    await alice.connect();
    await alice.run();
    expect(storedIds(relay)).toEqual(ids);
  });

  it.each(['session', 'deviceList'])('does not take a failing read of a %s for a broken session', async (kind) => {
    const { alice: before, bob, relay } = await pair();
    await sendAll(before, bob, 1);
    await before.connect();
    await before.run();
    before.disconnect();
    // Opened anew, so that nothing is in memory.
    const device = await reopened(before.device);
    const alice = sendingDevice(device, relay, () => startSession(device, bob));
    const error = new SottoError('store-unavailable', 'no disk', { retryable: true });
    const [id] = await sendAll(alice, bob, 1, 2);
    device.store.failReads(kind, error);
    await alice.connect();
    await settled(60);
    expect(alice.failures).toEqual([error]);
    expect(await stateOf(alice, id as MessageId)).toBe('queued');
    device.store.failReads(kind, undefined);
    alice.disconnect();
    await alice.connect();
    await alice.run();
    expect(storedIds(relay).at(-1)).toBe(id);
  });

  it('leaves no timer behind when it is stopped, whatever is under way', async () => {
    const { alice, bob, relay } = await pair();
    relay.verdict = () => ({ type: 'mailbox-full' });
    await sendAll(alice, bob, 3);
    await alice.connect();
    await settled(60);
    const results = relay.stream?.results.splice(0) ?? [];
    const settling = alice.outbox.settle(results);
    await alice.outbox.stop();
    await settling;
    await alice.run();
    expect(alice.timers.delays).toEqual([]);
    await alice.outbox.stop();
  });

  it('keeps chats apart: one that can not be sent to holds back no other', async () => {
    const { alice, bob, relay } = await pair();
    const carol = await testDevice();
    const stuck = sendingDevice(alice.device, relay, async (userId) => {
      if (userId === bob.account.userId) throw new SottoError('relay-unreachable', '', { retryable: true });
      await startSession(alice.device, carol);
    });
    await sendAll(stuck, bob, 2);
    const ids = await sendAll(stuck, carol, 2);
    await stuck.connect();
    await settled(100);
    expect(storedIds(relay)).toEqual(ids);
  });

  it('says inside which message it is, for whom and from whom, with a number for each', async () => {
    const { alice, bob } = await pair();
    await sendAll(alice, bob, 3);
    const contents = (await rowsOf(alice, bob)).map(({ content }) => Content.decode(content));
    expect(contents.map(({ seq, text }) => [seq, text?.body])).toEqual([
      [1, '1'],
      [2, '2'],
      [3, '3'],
    ]);
    for (const content of contents) {
      expect(uuidToText(content.senderUser)).toBe(alice.device.account.userId);
      expect(uuidToText(content.recipientUser)).toBe(bob.account.userId);
      expect(content.deviceListVersion).toBe(1);
    }
  });
});
