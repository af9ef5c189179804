import { Send, type SendFields, SendResult, uuidToText } from '@sotto/proto';
import { beforeEach, describe, expect, it } from 'vitest';
import { certificateMaker } from '../../test/certificate-maker.ts';
import { ModelRelay } from '../../test/model-relay.ts';
import { type SendingDevice, sendingDevice } from '../../test/sending-device.ts';
import { meetDevice, type TestDevice, testDevice } from '../../test/test-device.ts';
import { settled } from '../../test/turn-of-events.ts';
import { accessKeyOf } from '../accounts/access-key.ts';
import type { Way } from '../sealed/unnamed-way.ts';
import { SottoError } from '../sotto-error.ts';

const hour = 3_600_000;
let own: TestDevice;
let bob: TestDevice;
let alice: SendingDevice;
let relay: ModelRelay;
let way: Way;
/** Requests beside the stream that have no answer yet. */
let posts: (readonly SendFields[])[];
let refusedKeys: number;
let certificates: number;
let failing: SottoError | undefined;

beforeEach(async () => {
  [own, bob, relay] = [await testDevice(), await testDevice(), new ModelRelay()];
  const certificate = certificateMaker().make(own.account, own.clock.now());
  const unnamed: Way = { way: 'unnamed', certificate, accessKey: accessKeyOf(bob.account.profileKey) };
  [posts, refusedKeys, certificates, failing] = [[], 0, 0, undefined];
  way = unnamed;
  alice = sendingDevice(own, relay, () => meetDevice(own, bob), undefined, {
    ways: { to: async () => way, toGroup: async () => ({ way: 'named' }), isRefused: () => false },
    makeCertificate: async () => {
      certificates++;
      if (failing !== undefined) throw failing;
      way = unnamed;
    },
    onKeyRefused: () => {
      refusedKeys++;
      way = { way: 'named' };
    },
    onManyRefused: () => undefined,
    post: (sends) => posts.push(sends),
  });
  await own.executor.run([], (overlay) => {
    const { userId, number, username, profileKey } = bob.account;
    const times = { createdAt: 1, updatedAt: 1 };
    const user = {
      id: userId,
      number,
      username,
      profileKey,
      profileKeyAt: 1,
      avatarHash: undefined,
      returnsReceipts: true,
    };
    overlay.put('user', { ...user, blockedAt: undefined, ...times });
  });
});

async function say(count: number, from = 0): Promise<readonly string[]> {
  const chat = alice.chat(bob.account.userId);
  const sent = await Promise.all(Array.from({ length: count }, (_, at) => chat.send(`${from + at}`)));
  await settled();
  return sent.map(({ id }) => id);
}

/** Answers the oldest request: each send in it alike. */
async function answer(how: { readonly accepted: true } | { readonly code: string; readonly retryable: boolean }) {
  const sends = posts.shift() ?? [];
  const results = sends.map(({ sendId, recipients }) => {
    const to = recipients?.[0]?.userId ?? new Uint8Array();
    const given = { acceptedAt: 5, expiresAt: 6, recipients: [{ userId: to, status: 1 }] };
    const fields = 'accepted' in how ? given : { refused: { ...how, message: '' } };
    return SendResult.decode(SendResult.encode({ sendId: sendId ?? new Uint8Array(), ...fields }));
  });
  await alice.outbox.settle(results);
  await settled();
}

async function stateOf(id: string): Promise<string | undefined> {
  return (await own.store.get('message', { id: id as never }))?.state;
}

describe('sends whose sender is not named', () => {
  it('leave beside the stream, a request at a time, in order, and name no message', async () => {
    const ids = await say(3);
    await alice.connect();
    await settled();
    expect(posts.map((sends) => sends.length)).toEqual([3]);
    const more = await say(100, 3);
    expect(posts).toHaveLength(1);
    for (const { messageId, recipients } of posts[0] ?? []) {
      expect([messageId?.length ?? 0, recipients?.[0]?.accessKey?.length]).toEqual([0, 16]);
    }
    const order: (Uint8Array | undefined | null)[] = [];
    const rows = [];
    for (; posts.length > 0; await answer({ accepted: true })) {
      rows.push(posts[0]?.length);
      order.push(...(posts[0] ?? []).map(({ sendId }) => sendId));
    }
    expect(rows).toEqual([3, 64, 36]);
    expect(new Set(order.map((id) => Buffer.from(id ?? []).toString('hex'))).size).toBe(103);
    for (const id of [...ids, ...more]) expect(await stateOf(id)).toBe('sent');
    expect([alice.failures, relay.stored]).toEqual([[], []]);
  });

  it('wait for what left with the name on it, and that waits for them', async () => {
    const sealed = way;
    way = { way: 'named' };
    await alice.connect();
    await say(2);
    way = sealed;
    await say(2, 2);
    expect([relay.stored.length, posts.length]).toEqual([2, 0]);
    await alice.deliverResults();
    await settled();
    expect(posts.map((sends) => sends.length)).toEqual([2]);
    way = { way: 'named' };
    await say(1, 4);
    expect(relay.stored).toHaveLength(2);
    await answer({ accepted: true });
    expect(relay.stored).toHaveLength(3);
  });

  it('are sealed anew with the name on them when the key is not taken, in their order', async () => {
    const ids = await say(3);
    await alice.connect();
    await settled();
    await answer({ code: 'sealed-refused', retryable: false });
    await alice.run();
    expect(refusedKeys).toBeGreaterThan(0);
    expect(relay.stored.map(({ messageId }) => messageId)).toEqual(ids);
    expect(relay.stored.map(({ send }) => send.attempt)).toEqual([2, 2, 2]);
    expect([posts, alice.failures]).toEqual([[], []]);
  });

  it('are sent again as they were after a connection was lost, as long as their certificate lasts', async () => {
    await say(1);
    await alice.connect();
    await settled();
    const [first] = posts.splice(0);
    alice.disconnect();
    own.clock.advance(11 * hour);
    await alice.connect();
    await settled();
    const [again] = posts.splice(0);
    expect(again?.map(Send.encode)).toEqual(first?.map(Send.encode));
    alice.disconnect();
    own.clock.advance(1);
    await alice.connect();
    await settled();
    const [anew] = posts;
    expect(Buffer.from(anew?.[0]?.sendId ?? [])).not.toEqual(Buffer.from(first?.[0]?.sendId ?? []));
    expect(anew?.[0]?.attempt).toBe(2);
    await answer({ accepted: true });
    expect(await own.store.outboxChats()).toEqual([]);
  });

  it('wait for a certificate, which is asked for once, and again after a while', async () => {
    const sealed = way;
    way = { way: 'needs-certificate' };
    failing = new SottoError('relay-unreachable', 'gone', { retryable: true });
    await say(2);
    await alice.connect();
    await settled();
    expect([certificates, posts.length, relay.stored.length]).toEqual([1, 0, 0]);
    failing = undefined;
    alice.timers.runAll();
    await settled();
    expect([certificates, way, posts.map((sends) => sends.length)]).toEqual([2, sealed, [2]]);
    expect(relay.stored.map(({ send }) => uuidToText(send.messageId))).toEqual([]);
  });
});
