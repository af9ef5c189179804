import { describe, expect, it } from 'vitest';
import { exchange, JourneyWorld } from './journey-world.ts';

describe('safety numbers', () => {
  it('are the same on both sides, scan, and can be marked as verified; those of others differ', async () => {
    await using world = await JourneyWorld.open();
    const [alice, bob, carol] = [await world.person(), await world.person(), await world.person()];
    // Before the first message: the key comes from the relay's signed list.
    const ofAlice = await (await alice.chat(bob)).safetyNumber();
    await exchange(alice, bob);
    const withAlice = await bob.chat(alice);
    const withBob = await alice.chat(bob);
    const ofBob = await withAlice.safetyNumber();
    expect(ofBob.digits).toBe(ofAlice.digits);
    expect(ofBob.digits).toMatch(/^(\d{5} ){11}\d{5}$/);
    expect(await withBob.safetyNumber()).toEqual(ofAlice);
    const ofCarol = await (await carol.chat(alice)).safetyNumber();
    expect(ofCarol.digits).not.toBe(ofAlice.digits);
    expect(await withBob.verifySafetyNumber(ofBob.qr)).toBe('match');
    expect(await withAlice.verifySafetyNumber(ofAlice.qr)).toBe('match');
    expect(await withBob.verifySafetyNumber(ofCarol.qr)).toBe('mismatch');
    expect(await withBob.verifySafetyNumber(Uint8Array.of(1, 2, 3))).toBe('unreadable');
    expect(ofAlice.verified).toBe(false);
    await withBob.setVerified(true);
    await alice.stop();
    await alice.open();
    expect((await (await alice.chat(bob)).safetyNumber()).verified).toBe(true);
    expect(await (await alice.chat(bob)).identity()).toEqual({
      verified: true,
      changed: false,
      blocked: false,
      policy: 'block-verified',
    });
    await (await alice.chat(bob)).setVerified(false);
    expect((await (await alice.chat(bob)).safetyNumber()).verified).toBe(false);
  });
});
