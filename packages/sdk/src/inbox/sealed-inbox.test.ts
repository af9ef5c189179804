import { Envelope, uuidToBytes, uuidToText } from '@sotto/proto';
import { beforeEach, describe, expect, it } from 'vitest';
import { certificateMaker } from '../../test/certificate-maker.ts';
import { ManualTimers } from '../../test/manual-timers.ts';
import { delivered, type ReceivingDevice, receivingDevice, type Tampering } from '../../test/receiving-device.ts';
import {
  meetDevice,
  randomness,
  reopened,
  sha256,
  startSession,
  type TestDevice,
  testDevice,
} from '../../test/test-device.ts';
import { chatWith } from '../chats/chat-state.ts';
import { peerLock, Ratchet } from '../crypto/ratchet.ts';
import { senderCertificateMs, serverKeyMs } from '../crypto/sealed-certificate.ts';
import type { MessageId, UserId } from '../ports/ids.ts';
import { RetryAsker } from '../repair/retry-asker.ts';
import { writeRetryRequest } from '../repair/retry-request.ts';
import { decodeEnvelope } from './decode-envelope.ts';
import { inspectSealed } from './inspect-envelope.ts';

const now = serverKeyMs * 690 + 1_000;
const maker = certificateMaker();
let alice: TestDevice;
let bob: ReceivingDevice;
let seq = 0;

beforeEach(async () => {
  alice = await testDevice();
  bob = receivingDevice(await testDevice(), [maker.root]);
  await startSession(alice, bob.device);
  seq = 0;
});

function text(body: string, tampering: Tampering = {}): Promise<Uint8Array> {
  const certificate = maker.make(alice.account, now);
  const envelope = { acceptedAt: now, ...tampering.envelope };
  return delivered(
    alice,
    bob.device,
    { seq: ++seq, sentAt: 1, text: { body } },
    { certificate, ...tampering, envelope },
  );
}

/** Alice's request to bob's device for one of its messages, as the relay would deliver it. */
async function requestOf(bytes: Uint8Array, number: number): Promise<Uint8Array> {
  const { device } = bob;
  const { userId, deviceId } = device.account;
  const lost = Envelope.decode(bytes);
  const failed = { ...lost, messageId: uuidToText(lost.messageId) as MessageId, senderDevice: deviceId };
  const request = writeRetryRequest(failed, number, now);
  if (request === undefined) throw new Error('no request');
  await meetDevice(device, alice);
  const origin = { certificate: maker.make(alice.account, now), context: { messageId: lost.messageId } };
  const sealed = await alice.executor.run([peerLock(userId)], (overlay) =>
    new Ratchet(alice.account, overlay, now).sealRequest(device.address, request, origin),
  );
  const to = { recipientUser: uuidToBytes(userId), recipientDevice: deviceId };
  return Envelope.encode({ suite: 1, ...sealed, ...to, acceptedAt: now });
}

describe('an envelope of a sealed sender', () => {
  it('is applied as any, in one commit, once', async () => {
    const [one, two] = [await text('one'), await text('two')];
    const { senderUser, messageId } = Envelope.decode(one);
    expect([senderUser.length, messageId.length]).toEqual([0, 0]);
    const commits = bob.device.store.commits.length;
    await bob.deliver(one);
    expect(bob.device.store.commits).toHaveLength(commits + 1);
    await bob.deliver(one, two, one);
    expect(await bob.texts(alice)).toEqual(['one', 'two']);
    const again = receivingDevice(await reopened(bob.device), [maker.root]);
    await again.deliver(two, one);
    expect(await again.texts(alice)).toEqual(['one', 'two']);
    expect([await again.heldReasons(), bob.failures]).toEqual([[], []]);
  });

  it('keeps its order among a hundred others, named and sealed', async () => {
    const many: Uint8Array[] = [];
    for (let at = 0; at < 100; at++) {
      many.push(await text(`${at}`, at % 3 === 0 ? { certificate: undefined as never } : {}));
    }
    await bob.deliver(...many);
    expect(await bob.texts(alice)).toEqual(many.map((_, at) => `${at}`));
    expect(await bob.heldReasons()).toEqual([]);
  });

  it.each<[string, () => Tampering, string]>([
    [
      'expired',
      () => ({ certificate: maker.make(alice.account, now - senderCertificateMs - 1) }),
      'certificate-invalid',
    ],
    ['of another root', () => ({ certificate: certificateMaker().make(alice.account, now) }), 'certificate-invalid'],
    ['of another device', () => ({ certificate: maker.make(alice.account, now, { deviceId: 2 }) }), 'undecryptable'],
    ['under another message id', () => ({ context: { messageId: new Uint8Array(16) } }), 'message-id-mismatch'],
    [
      'in a group that it is not in',
      () => ({ context: { messageId: new Uint8Array(16), groupId: new Uint8Array(32), groupEpoch: 1 } }),
      'message-id-mismatch',
    ],
  ])('is held when it is %s', async (_, tampering, reason) => {
    await bob.deliver(await text('not to be shown', tampering()));
    expect(await bob.heldReasons()).toEqual([reason]);
    expect(await bob.texts(alice)).toEqual([]);
    expect(bob.acked).toEqual([0]);
    await bob.deliver(await text('good'));
    expect(await bob.texts(alice)).toEqual(['good']);
  });

  it('opens under an outdated certificate if its sender is known by the same identity key', async () => {
    const outdated = maker.make(alice.account, now - senderCertificateMs - 1);
    await bob.deliver(await text('first'), await text('late', { certificate: outdated }));
    expect(await bob.texts(alice)).toEqual(['first', 'late']);
    // What came before she was known is looked at again, outer layer and all.
    const carol = await testDevice();
    const dan = receivingDevice(await testDevice(), [maker.root]);
    await startSession(carol, dan.device);
    const say = (body: string, at: number) =>
      delivered(
        carol,
        dan.device,
        { seq: ++seq, sentAt: 1, text: { body } },
        { certificate: maker.make(carol.account, at), envelope: { acceptedAt: now } },
      );
    const early = await say('early', now - senderCertificateMs - 1);
    await dan.deliver(early);
    expect(await dan.device.store.held(9)).toMatchObject([{ reason: 'certificate-invalid', envelope: early }]);
    await dan.inbox.retryHeld();
    expect(await dan.heldReasons()).toEqual(['certificate-invalid']);
    await dan.deliver(await say('good', now));
    await dan.inbox.retryHeld();
    expect([...(await dan.texts(carol))].sort()).toEqual(['early', 'good']);
    expect(await dan.heldReasons()).toEqual([]);
  });

  it('that came under an outdated certificate and a former identity key is asked for by what stands below its outer layer', async () => {
    await bob.deliver(await text('hello'));
    const former = await testDevice({ previous: alice.account });
    const { identityKeyPair } = former.account;
    const before = { ...alice, account: { ...alice.account, identityKeyPair } };
    const certificate = maker.make(before.account, now - senderCertificateMs - 1);
    const fields = { seq: 9, sentAt: 1, text: { body: 'long on its way' } };
    const { device } = bob;
    await bob.deliver(await delivered(before, device, fields, { certificate, envelope: { acceptedAt: now } }));
    const [held] = await device.store.heldRequests(9);
    expect(held).toMatchObject({ reason: 'certificate-invalid', sender: alice.account.userId });
    const timers = new ManualTimers();
    const { executor, store, clock, origin } = device;
    const envelopeOf = (bytes: Uint8Array) => bob.inbox.envelopeOf(bytes);
    const asked: UserId[] = [];
    const failures: unknown[] = [];
    const told = { onQueued: (to: UserId) => asked.push(to), onFailure: (error: unknown) => failures.push(error) };
    const asker = new RetryAsker({ executor, store, clock, origin, timers, randomness, envelopeOf, ...told });
    clock.advance(2_000);
    asker.wake();
    await asker.idle();
    await asker.stop();
    expect([asked, failures]).toEqual([[alice.account.userId], []]);
    expect(await store.outbox(chatWith(alice.account.userId), 0, 9)).toContainEqual(
      expect.objectContaining({ kind: 'retry-request', messageId: held?.messageId }),
    );
  });

  it('is held when its certificate is for another identity key than that of the session', async () => {
    const other = await testDevice({ previous: alice.account });
    // Alice's relay gives Mallory, who has taken her place, a certificate: the session is still the one with Alice.
    const first = await text('first');
    await bob.deliver(first);
    const stolen = { ...alice, account: { ...alice.account, identityKeyPair: other.account.identityKeyPair } };
    const certificate = maker.make(stolen.account, now);
    const fields = { seq: 2, sentAt: 1, text: { body: 'in her name' } };
    await bob.deliver(await delivered(stolen, bob.device, fields, { certificate, envelope: { acceptedAt: now } }));
    expect(await bob.texts(alice)).toEqual(['first']);
    expect(await bob.heldReasons()).toEqual(['certificate-invalid']);
  });

  it('is held, and its sender is known, when the session is not there; it is asked for again by its id', async () => {
    const lost = await text('lost');
    const carol = receivingDevice(await reopened(bob.device), [maker.root]);
    await carol.device.executor.run([], async (overlay) => {
      for (const prekey of await carol.device.store.prekeys()) overlay.delete('prekey', prekey);
    });
    await carol.deliver(lost);
    const [held] = await carol.device.store.held(10);
    expect(held).toMatchObject({ reason: 'missing-prekey', sender: alice.account.userId, mendable: true });
    expect(held?.requestAt).toBeDefined();
    // As it stands there it can be tried again, and be read by who asks.
    const kept = decodeEnvelope(held?.envelope ?? new Uint8Array());
    expect(Buffer.from(kept?.senderUser ?? [])).toEqual(Buffer.from(uuidToBytes(alice.account.userId)));
    expect(kept?.messageId.length).toBe(16);
    await carol.deliver(lost);
    expect(await carol.heldReasons()).toEqual(['missing-prekey']);
  });

  it('is held as long as no root is known, and opens when there is one', async () => {
    const early = receivingDevice(await reopened(bob.device), []);
    await early.deliver(await text('early'));
    expect(await early.heldReasons()).toEqual(['certificate-invalid']);
    const late = receivingDevice(await reopened(early.device), [maker.root]);
    await late.inbox.retryHeld();
    expect(await late.texts(alice)).toEqual(['early']);
    expect(await late.heldReasons()).toEqual([]);
  });

  it('is held by its sender once its outer layer opens, and asked for', async () => {
    const early = receivingDevice(await reopened(bob.device), []);
    await early.device.executor.run([], async (overlay) => {
      for (const prekey of await early.device.store.prekeys()) overlay.delete('prekey', prekey);
    });
    const lost = await text('lost');
    await early.deliver(lost);
    const [before] = await early.device.store.held(9);
    expect(before).toMatchObject({ reason: 'certificate-invalid', sender: undefined, requestAt: undefined });
    const late = receivingDevice(await reopened(early.device), [maker.root]);
    await late.inbox.retryHeld();
    const [held, ...more] = await late.device.store.held(9);
    expect(more).toEqual([]);
    const { userId } = alice.account;
    expect(held).toMatchObject({ reason: 'missing-prekey', sender: userId, mendable: true, retries: 1, requests: 0 });
    expect(held).toMatchObject({ arrival: before?.arrival, heldAt: before?.heldAt });
    expect(await late.device.store.heldAttempts(held?.messageId as MessageId, 9)).toHaveLength(1);
    expect(await late.device.store.heldRequests(9)).toHaveLength(1);
    // From there on it is as if it had come without that layer.
    await late.inbox.retryHeld();
    await late.deliver(lost);
    expect(await late.device.store.held(9)).toMatchObject([{ reason: 'missing-prekey', retries: 2 }]);
  });

  it('that asks for something again says how often it was asked for', async () => {
    const { device } = bob;
    await bob.deliver(await text('hello'));
    const asked = await requestOf(await delivered(device, alice, { seq: 0, sentAt: 1 }), 2);
    const roots = async () => [maker.root];
    const { request } = await inspectSealed(asked, device.account, sha256, now, roots, (work) => work);
    expect(request).toMatchObject({ number: 2 });
  });

  it('that asks for something again is answered once, when its outer layer could not be opened at first', async () => {
    const { device } = bob;
    await bob.deliver(await text('hello'));
    const lost = await delivered(device, alice, { seq: 0, sentAt: 1 });
    const messageId = uuidToText(Envelope.decode(lost).messageId) as MessageId;
    const asked = await requestOf(lost, 1);
    const early = receivingDevice(await reopened(device), []);
    await early.deliver(asked);
    expect(await early.heldReasons()).toEqual(['certificate-invalid']);
    const late = receivingDevice(await reopened(early.device), [maker.root]);
    await late.inbox.retryHeld();
    expect(await late.heldReasons()).toEqual([]);
    const { userId, deviceId } = alice.address;
    expect(await late.device.store.get('resend', { messageId, userId, deviceId })).toMatchObject({ count: 1 });
    expect(late.receiptsTo).toContainEqual(alice.address);
    await late.deliver(asked);
    expect(await late.device.store.get('resend', { messageId, userId, deviceId })).toMatchObject({ count: 1 });
  });
});
