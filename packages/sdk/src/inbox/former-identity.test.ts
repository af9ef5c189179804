import { CiphertextKind, Envelope } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { IdentityKeyPair } from '#libsignal';
import { certificateMaker } from '../../test/certificate-maker.ts';
import { delivered, type ReceivingDevice, receivingDevice } from '../../test/receiving-device.ts';
import {
  type BundleOptions,
  randomness,
  sha256,
  startSession,
  type TestDevice,
  testDevice,
} from '../../test/test-device.ts';
import { rootKeyOf } from '../accounts/recovery-key.ts';
import { rootSecretOf } from '../accounts/standing.ts';
import { formerIdentityFor } from '../crypto/own-identities.ts';
import { peerLock } from '../crypto/ratchet.ts';
import { serverKeyMs } from '../crypto/sealed-certificate.ts';
import { acceptDeviceList } from '../devices/accept-device-list.ts';
import { signDeviceList, verifyDeviceList } from '../devices/device-list.ts';
import { nextList } from '../devices/next-list.ts';
import { takeOverOwnList } from '../devices/own-list.ts';
import { sealIdentity } from '../devices/sealed-identity.ts';

const acceptedAt = serverKeyMs * 690 + 1_000;
const maker = certificateMaker();

/** The same device, after its list gave the account another identity key. */
async function rotated(device: TestDevice): Promise<TestDevice> {
  const { executor, store, account, clock } = device;
  const { userId } = account;
  const pair = IdentityKeyPair.generate();
  const before = verifyDeviceList(account.deviceList, userId, sha256);
  const devices = before.devices.map((one) => ({ ...one, sealedIdentity: sealIdentity(pair.serialize(), one) }));
  const next = nextList(before, { devices, createdAt: 5, identityKey: pair.publicKey.serialize() });
  const signed = signDeviceList(next, rootKeyOf(rootSecretOf(account)));
  await executor.run([peerLock(userId)], (overlay) => acceptDeviceList(overlay, signed, userId, sha256));
  const parts = { queries: store, now: clock.now(), randomness, sha256 };
  const taken = await executor.run(['account'], (overlay) => takeOverOwnList(overlay, parts), { alone: true });
  expect(taken.identity).toBe('replaced');
  const now = await store.get('account', {});
  if (now === undefined) throw new Error('the account is gone');
  return { ...device, account: now };
}

const inboxOf = (device: TestDevice): ReceivingDevice => receivingDevice(device, [maker.root]);

function text(from: TestDevice, to: TestDevice, seq: number, body: string, isSealed: boolean): Promise<Uint8Array> {
  const certificate = isSealed ? { certificate: maker.make(from.account, acceptedAt) } : {};
  return delivered(from, to, { seq, sentAt: 1, text: { body } }, { ...certificate, envelope: { acceptedAt } });
}

/** Somebody who has talked with the recipient, both ways: they send on the session. */
async function acquaintance(to: TestDevice): Promise<TestDevice> {
  const from = await testDevice();
  await startSession(from, to);
  await inboxOf(to).deliver(await text(from, to, 1, 'hello', false));
  await inboxOf(from).deliver(await text(to, from, 1, 'hello too', false));
  return from;
}

/** Somebody whose first messages are on their way. */
async function newcomer(to: TestDevice, options: BundleOptions = {}): Promise<TestDevice> {
  const from = await testDevice();
  await startSession(from, to, options);
  return from;
}

describe('mail that waits while the identity key is replaced', () => {
  it.each([
    ['sealed', true],
    ['named', false],
  ])('opens when it is %s: on a session of before, and one that it begins', async (_, isSealed) => {
    const before = await testDevice();
    const [alice, carol] = [await acquaintance(before), await newcomer(before)];
    const dan = await newcomer(before, { ec: 'none', kyber: 'last-resort' });
    const waiting = [
      await text(alice, before, 2, 'on the session', isSealed),
      await text(carol, before, 1, 'a first one', isSealed),
      await text(carol, before, 2, 'and another', isSealed),
      await text(dan, before, 1, 'with no one-time key left', isSealed),
    ];
    if (!isSealed) {
      const { CIPHERTEXT_KIND_WHISPER: whisper, CIPHERTEXT_KIND_PREKEY: prekey } = CiphertextKind;
      expect(waiting.map((one) => Envelope.decode(one).kind)).toEqual([whisper, prekey, prekey, prekey]);
    }
    // Twice: what was made for the key before the last one opens, too.
    const bob = inboxOf(await rotated(await rotated(before)));
    await bob.deliver(...waiting);
    expect(await bob.heldReasons()).toEqual([]);
    expect(await bob.texts(alice)).toContain('on the session');
    expect(await bob.texts(carol)).toEqual(['a first one', 'and another']);
    expect(await bob.texts(dan)).toEqual(['with no one-time key left']);
    expect(bob.failures).toEqual([]);
  });

  it('is held when it comes after the former keys have had their time', async () => {
    const before = await testDevice();
    const [carol, dan] = [await newcomer(before), await newcomer(before)];
    const waiting = [await text(carol, before, 1, 'sealed', true), await text(dan, before, 1, 'named', false)];
    const bob = inboxOf(await rotated(before));
    before.clock.advance(formerIdentityFor);
    await bob.deliver(...waiting);
    expect(await bob.heldReasons()).toEqual(['undecryptable', 'undecryptable']);
  });

  it('begins no session twice with a last-resort key of before', async () => {
    const before = await testDevice();
    const dan = await newcomer(before, { ec: 'none', kyber: 'last-resort' });
    const first = await text(dan, before, 1, 'once', false);
    await inboxOf(before).deliver(first);
    const { userId, deviceId } = dan.account;
    const after = await rotated(before);
    await after.executor.run([peerLock(userId)], (overlay) => overlay.delete('session', { userId, deviceId }));
    // Another message of the session that is gone here: it brings the same base key.
    const bob = inboxOf(after);
    await bob.deliver(await text(dan, before, 2, 'again', false));
    expect(await bob.heldReasons()).toEqual(['replayed-prekey']);
  });
});

describe('former identity keys', () => {
  it('are eight at most, newest first, and go when 31 days are over', async () => {
    let device = await testDevice();
    const pairs: Uint8Array[] = [];
    for (let at = 0; at < 10; at++) {
      pairs.unshift(device.account.identityKeyPair);
      device = await rotated(device);
      device.clock.advance(1_000);
    }
    const kept = device.account.formerIdentities.map(({ identityKeyPair }) => identityKeyPair);
    expect(kept).toEqual(pairs.slice(0, 8));
    device.clock.advance(formerIdentityFor);
    expect((await rotated(device)).account.formerIdentities).toHaveLength(1);
  });
});
