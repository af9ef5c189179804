import { beforeEach, describe, expect, it } from 'vitest';
import { delivered, type ReceivingDevice, receivingDevice } from '../../test/receiving-device.ts';
import { startSession, type TestDevice, testDevice } from '../../test/test-device.ts';

const day = 86_400_000;
const [first, second, third] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
let alice: TestDevice;
let bob: ReceivingDevice;
let seq = 0;

beforeEach(async () => {
  alice = await testDevice();
  bob = receivingDevice(await testDevice());
  await startSession(alice, bob.device);
  seq = 0;
});

/** A text of Alice's that says this key, sealed at a time by her clock. */
function saying(profileKey: Uint8Array | undefined, profileKeyAt: number, acceptedAt = 1): Promise<Uint8Array> {
  const words = profileKey === undefined ? {} : { profileKey };
  const fields = { seq: ++seq, sentAt: 1, text: { body: 'x' }, profileKeyAt, ...words };
  return delivered(alice, bob.device, fields, { envelope: { acceptedAt } });
}

async function known(): Promise<number | undefined> {
  return (await bob.device.store.get('user', { id: alice.account.userId }))?.profileKey?.[0];
}

describe('the profile key of somebody', () => {
  it('is the one that was said last, in whatever order it comes, and whatever the relay says of that', async () => {
    const start = bob.device.clock.now();
    const said = await Promise.all([saying(first, start), saying(second, start + 10), saying(third, start + 20)]);
    const [one, two, three] = said;
    const late = await saying(first, start + 5, start + 100);
    await bob.deliver(one ?? late);
    expect(await known()).toBe(1);
    await bob.deliver(three ?? late);
    expect(await known()).toBe(3);
    // Held back by the relay: one that was known, and one that never was.
    await bob.deliver(late, two ?? late);
    expect([await known(), await bob.heldReasons()]).toEqual([3, []]);
  });

  it('is noted anew once a day at most, so that later words of it stand against what is late', async () => {
    const start = bob.device.clock.now();
    const late = await saying(first, start + 20 * day);
    const read = async () => (await bob.device.store.get('user', { id: alice.account.userId }))?.profileKeyAt;
    await bob.deliver(await saying(second, start));
    await bob.deliver(await saying(second, start + day - 1));
    expect(await read()).toBe(start);
    bob.device.clock.advance(40 * day);
    await bob.deliver(await saying(second, start + 40 * day));
    expect(await read()).toBe(start + 40 * day);
    await bob.deliver(late);
    expect(await known()).toBe(2);
  });

  it('is learnt again by a clock that was set back, after a month, and a day after one that was far ahead', async () => {
    const start = bob.device.clock.now();
    await bob.deliver(await saying(first, start));
    await bob.deliver(await saying(second, start - 300 * day));
    expect(await known()).toBe(1);
    bob.device.clock.advance(31 * day + 1);
    await bob.deliver(await saying(second, start - 269 * day));
    expect(await known()).toBe(2);

    const ahead = bob.device.clock.now();
    await bob.deliver(await saying(third, ahead + 300 * day));
    expect(await known()).toBe(3);
    await bob.deliver(await saying(first, ahead + day + 1));
    expect(await known()).toBe(1);
  });

  it('is taken of clients that do not say when, as long as no other says it', async () => {
    await bob.deliver(await saying(first, 0));
    await bob.deliver(await saying(second, 0));
    expect(await known()).toBe(2);
    await bob.deliver(await saying(third, bob.device.clock.now()));
    await bob.deliver(await saying(second, 0));
    expect(await known()).toBe(3);
  });
});
