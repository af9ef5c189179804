import { CiphertextKind, RatchetMessage } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { reopened, startSession, type TestDevice, testDevice } from '../../test/test-device.ts';
import { SottoError } from '../sotto-error.ts';
import { withPending } from './identity-trust.ts';
import { checkStructure } from './precheck.ts';
import { type Opened, peerLock, Ratchet, type SealedCiphertext } from './ratchet.ts';

const day = 24 * 3_600_000;
const plaintext = Uint8Array.of(1, 2, 3);
const noOneTime = { signed: 1, 'last-resort': 1, ec: 0, kyber: 0 };

function seal(from: TestDevice, to: TestDevice): Promise<SealedCiphertext> {
  return from.executor.run([peerLock(to.account.userId)], (overlay) =>
    new Ratchet(from.account, overlay, from.clock.now()).seal(to.address, plaintext),
  );
}

function open(to: TestDevice, from: TestDevice, { kind, ciphertext }: SealedCiphertext): Promise<Opened> {
  return to.executor.run([peerLock(from.account.userId)], (overlay) =>
    new Ratchet(to.account, overlay, to.clock.now()).open(from.address, checkStructure(kind, ciphertext), ciphertext),
  );
}

async function pair(prekeys?: typeof noOneTime): Promise<readonly [TestDevice, TestDevice]> {
  const [alice, bob] = [await testDevice(), await testDevice(prekeys && { prekeys })];
  await startSession(alice, bob);
  return [alice, bob];
}

async function kindsLeft({ store }: TestDevice): Promise<readonly string[]> {
  return (await store.prekeys()).map(({ kind }) => kind).sort();
}

function canSend(from: TestDevice, to: TestDevice, registrationId = to.account.registrationId): Promise<boolean> {
  return from.executor.run([], (overlay) =>
    new Ratchet(from.account, overlay, from.clock.now()).canSend(to.address, registrationId),
  );
}

describe('a session', () => {
  it('begins with one-time keys, which are gone afterwards', async () => {
    const [alice, bob] = await pair();
    const sealed = await seal(alice, bob);
    expect(sealed.kind).toBe(CiphertextKind.CIPHERTEXT_KIND_PREKEY);
    expect(await open(bob, alice, sealed)).toMatchObject({ plaintext, newSession: true, newIdentity: false });
    expect(await kindsLeft(bob)).toEqual(['ec', 'ec', 'kyber', 'kyber', 'last-resort', 'signed']);
    expect(bob.disk.tables.kyberUse.size).toBe(0);
    expect(await open(bob, alice, await seal(alice, bob))).toMatchObject({
      plaintext,
      newSession: false,
      newIdentity: false,
    });
    const back = await seal(bob, alice);
    expect(back.kind).toBe(CiphertextKind.CIPHERTEXT_KIND_WHISPER);
    expect(await open(alice, bob, back)).toMatchObject({ plaintext, newSession: false, newIdentity: false });
    expect((await seal(alice, bob)).kind).toBe(CiphertextKind.CIPHERTEXT_KIND_WHISPER);
  });

  it('begins without one-time keys, too, and remembers the use of the last-resort key', async () => {
    const [alice, bob] = await pair(noOneTime);
    await open(bob, alice, await seal(alice, bob));
    expect(await kindsLeft(bob)).toEqual(['last-resort', 'signed']);
    expect(bob.disk.tables.kyberUse.size).toBe(1);
  });

  it('may begin twice on the last-resort key, by two people, but not by a replay', async () => {
    const [alice, bob] = await pair(noOneTime);
    const carol = await testDevice();
    await startSession(carol, bob);
    const first = await seal(alice, bob);
    await open(bob, alice, first);
    await open(bob, carol, await seal(carol, bob));
    expect(bob.disk.tables.kyberUse.size).toBe(2);
    await bob.executor.run([], (overlay) => overlay.delete('session', alice.address));
    await expect(open(bob, alice, first)).rejects.toMatchObject({ reason: 'replayed-prekey' });
    expect(await bob.store.get('session', alice.address)).toBeUndefined();
  });

  it.each(['ec', 'kyber', 'signed'] as const)('does not begin when the %s key is gone', async (kind) => {
    const [alice, bob] = await pair();
    const prekeys = await bob.store.prekeys();
    await bob.executor.run([], (overlay) => {
      for (const prekey of prekeys) if (prekey.kind === kind) overlay.delete('prekey', prekey);
    });
    const left = await kindsLeft(bob);
    await expect(open(bob, alice, await seal(alice, bob))).rejects.toMatchObject({ reason: 'missing-prekey' });
    expect(await kindsLeft(bob)).toEqual(left);
    expect(await bob.store.get('identity', { userId: alice.account.userId })).toBeUndefined();
  });

  it('opens nothing twice, nothing changed, and nothing without it; none of which harms it', async () => {
    const [alice, bob] = await pair();
    const first = await seal(alice, bob);
    await open(bob, alice, first);
    await open(alice, bob, await seal(bob, alice));
    const second = await seal(alice, bob);
    await open(bob, alice, second);
    await expect(open(bob, alice, second)).rejects.toMatchObject({ reason: 'not-a-duplicate' });
    await expect(open(bob, alice, first)).rejects.toMatchObject({ reason: 'not-a-duplicate' });
    const third = await seal(alice, bob);
    const wrong = third.ciphertext.slice();
    wrong[wrong.length - 1] = (wrong.at(-1) ?? 0) ^ 1;
    await expect(open(bob, alice, { ...third, ciphertext: wrong })).rejects.toMatchObject({ reason: 'undecryptable' });
    const carol = await testDevice();
    await expect(open(carol, alice, third)).rejects.toMatchObject({ reason: 'no-session' });
    expect(await open(bob, alice, third)).toMatchObject({ plaintext, newSession: false, newIdentity: false });
  });

  it('keeps the highest counter of each chain in its row', async () => {
    const [alice, bob] = await pair();
    const sealed = [await seal(alice, bob), await seal(alice, bob), await seal(alice, bob)];
    for (const index of [2, 0, 1]) {
      const next = sealed[index];
      if (next) await open(bob, alice, next);
      expect((await bob.store.get('session', alice.address))?.chains).toMatchObject([{ highest: 2 }]);
    }
    await open(alice, bob, await seal(bob, alice));
    await open(bob, alice, await seal(alice, bob));
    expect((await bob.store.get('session', alice.address))?.chains).toMatchObject([{ highest: 2 }, { highest: 0 }]);
  });

  it('never uses a counter twice, however many are sealed at once', async () => {
    const [alice, bob] = await pair();
    await open(bob, alice, await seal(alice, bob));
    await open(alice, bob, await seal(bob, alice));
    const sealed = await Promise.all(Array.from({ length: 100 }, () => seal(alice, bob)));
    const counters = sealed.map(({ ciphertext }) => {
      const { ratchetKey, counter } = RatchetMessage.decode(ciphertext.subarray(1, ciphertext.length - 8));
      return `${Buffer.from(ratchetKey).toString('hex')}.${counter}`;
    });
    expect(new Set(counters).size).toBe(100);
    for (const { plaintext: opened } of await Promise.all(sealed.map((next) => open(bob, alice, next)))) {
      expect(opened).toEqual(plaintext);
    }
  });

  it('goes back with the operation that failed: the same counter is used for another message', async () => {
    const [alice, bob] = await pair();
    const failing = alice.executor.run([peerLock(bob.account.userId)], async (overlay) => {
      await new Ratchet(alice.account, overlay, 0).seal(bob.address, plaintext);
      throw new Error('dropped');
    });
    await expect(failing).rejects.toThrow('dropped');
    const { kind, ciphertext } = await seal(alice, bob);
    expect(checkStructure(kind, ciphertext).counter).toBe(0);
  });

  it('can be sent on only as it was registered, and for 30 days while nothing came back', async () => {
    const [alice, bob] = await pair();
    expect(await canSend(alice, bob)).toBe(true);
    expect(await canSend(alice, bob, bob.account.registrationId + 1)).toBe(false);
    expect(await canSend(bob, alice)).toBe(false);
    alice.clock.advance(31 * day);
    expect(await canSend(alice, bob)).toBe(false);
    await expect(seal(alice, bob)).rejects.toMatchObject({ code: 'bundle-invalid', retryable: false });
  });
});

describe('an identity key that changed', () => {
  async function changed(): Promise<readonly [TestDevice, TestDevice, TestDevice]> {
    const [alice, bob] = await pair();
    await open(bob, alice, await seal(alice, bob));
    await open(alice, bob, await seal(bob, alice));
    return [alice, bob, await testDevice({ previous: bob.account })];
  }

  it('blocks a new session, and the old one goes on', async () => {
    const [alice, bob, other] = await changed();
    await expect(startSession(alice, other)).rejects.toMatchObject({ code: 'identity-changed' });
    expect(await open(bob, alice, await seal(alice, bob))).toMatchObject({
      plaintext,
      newSession: false,
      newIdentity: false,
    });
  });

  it('is told when a message begins a session with it, once, and is not trusted for sending', async () => {
    const [alice, bob, other] = await changed();
    const before = await alice.store.get('identity', bob.address);
    await startSession(other, alice);
    alice.clock.advance(5);
    const opened = { plaintext, newSession: true, newIdentity: true };
    expect(await open(alice, other, await seal(other, alice))).toMatchObject(opened);
    expect(await open(alice, other, await seal(other, alice))).toMatchObject({ ...opened, newSession: false });
    const identity = await alice.store.get('identity', bob.address);
    expect(identity).toEqual({
      ...before,
      pending: { key: expect.any(Uint8Array), seenAt: alice.clock.now(), listed: false },
    });
    expect(alice.published.flat().map(({ fact }) => fact)).toEqual([
      { type: 'identity.changed', userId: bob.account.userId },
    ]);
    await expect(seal(alice, other)).rejects.toMatchObject({ code: 'identity-changed' });
    await alice.executor.run([], (overlay) => identity && overlay.put('identity', withPending(identity, 7)));
    const sealed = await seal(alice, other);
    expect(await open(other, alice, sealed)).toMatchObject({ plaintext, newSession: false, newIdentity: false });
  });

  it('does not make a late message of the session before it a change of its own', async () => {
    const [alice, bob, other] = await changed();
    await open(bob, alice, await seal(alice, bob));
    const late = await seal(bob, alice);
    await startSession(other, alice);
    await open(alice, other, await seal(other, alice));
    const identity = await alice.store.get('identity', bob.address);
    const accepted = identity && withPending(identity, 7);
    await alice.executor.run([], (overlay) => accepted && overlay.put('identity', accepted));
    expect(await open(alice, bob, late)).toMatchObject({ plaintext, newSession: false, newIdentity: true });
    expect(await alice.store.get('identity', bob.address)).toEqual(accepted);
  });
});

describe('a store that fails', () => {
  it.each(['session', 'identity'])('while a %s is read is told as such', async (kind) => {
    const [before, bob] = await pair();
    const sealed = await seal(before, bob);
    // Opened anew, so that nothing is in memory.
    const devices = [await reopened(before), await reopened(bob)] as const;
    const [alice] = devices;
    const failure = new SottoError('store-unavailable', 'no disk', { retryable: true });
    for (const device of devices) device.store.failReads(kind, failure);
    await expect(seal(alice, bob)).rejects.toBe(failure);
    await expect(startSession(alice, bob)).rejects.toBe(failure);
    await expect(open(devices[1], alice, sealed)).rejects.toBe(failure);
    for (const device of devices) device.store.failReads(kind, undefined);
    expect(await open(devices[1], alice, sealed)).toMatchObject({ plaintext, newSession: true, newIdentity: false });
  });
});
