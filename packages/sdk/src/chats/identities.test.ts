import { beforeEach, describe, expect, it } from 'vitest';
import { ModelRelay } from '../../test/model-relay.ts';
import { type SendingDevice, sendingDevice } from '../../test/sending-device.ts';
import { meetDevice, randomness, startSession, type TestDevice, testDevice } from '../../test/test-device.ts';
import { noteForeignIdentity } from '../crypto/identity-trust.ts';
import { checkStructure } from '../crypto/precheck.ts';
import { Ratchet } from '../crypto/ratchet.ts';
import type { Chat } from './chat.ts';

let alice: TestDevice;
let bob: TestDevice;
let out: SendingDevice;
let chat: Chat;

beforeEach(async () => {
  alice = await testDevice();
  bob = await testDevice();
  await meetDevice(alice, bob);
  out = sendingDevice(alice, new ModelRelay(), () => meetDevice(alice, bob));
  await out.connect();
  chat = out.chat(bob.account.userId);
});

const foreign = () => testDevice({ previous: { ...bob.account, rootSecret: randomness.bytes(32) } });

describe('a key that no list names', () => {
  it('neither bars a contact nor takes the verification, and can not be accepted', async () => {
    await chat.setVerified(true);
    const digits = (await chat.safetyNumber()).digits;
    const { userId } = bob.account;
    await alice.executor.run([], (overlay) => noteForeignIdentity(overlay, userId, new Uint8Array(33).fill(5), 1));
    expect(await chat.identity()).toMatchObject({ verified: true, changed: false, blocked: false });
    expect(await chat.safetyNumber()).toMatchObject({ digits, verified: true });
    await chat.acceptIdentity();
    expect(await chat.safetyNumber()).toMatchObject({ digits, verified: true });
    await chat.send('hello');
    await out.run();
    expect(out.relay.stored).toHaveLength(1);
    expect(await chat.identity()).toMatchObject({ verified: true, changed: false, blocked: false });
  });

  it('is not sent under when its session is the current one: a new one is made', async () => {
    const made = await foreign();
    const forger = { ...made, account: { ...made.account, registrationId: bob.account.registrationId } };
    forger.origin = () => ({ ...made.origin(), account: forger.account });
    await startSession(forger, alice);
    const open = async () => {
      const sealed = await forger.executor.run([], (overlay) =>
        new Ratchet(forger.account, overlay, 1).seal(alice.address, new Uint8Array(160)),
      );
      await alice.executor.run([], (overlay) =>
        new Ratchet(alice.account, overlay, 1).open(
          forger.address,
          checkStructure(sealed.kind, sealed.ciphertext),
          sealed.ciphertext,
        ),
      );
    };
    await open();
    // The list names Bob's key; then another message makes the session that was put aside the current one.
    await meetDevice(alice, bob);
    await open();
    expect(await alice.store.get('identity', { userId: bob.account.userId })).toMatchObject({ pending: undefined });
    await chat.send('hello');
    await out.run();
    expect(out.sessionCalls).toHaveLength(1);
    expect(out.relay.stored).toHaveLength(1);
  });
});

describe('a contact', () => {
  it('is verified by the key whose safety number was shown, not by the one that has taken its place', async () => {
    await chat.safetyNumber();
    const again = await testDevice({ previous: bob.account });
    await meetDevice(alice, again, 'accept');
    await expect(chat.setVerified(true)).rejects.toMatchObject({ code: 'identity-changed' });
    expect(await chat.identity()).toMatchObject({ verified: false });
    await chat.safetyNumber();
    await chat.setVerified(true);
    expect(await chat.identity()).toMatchObject({ verified: true });
  });
});
