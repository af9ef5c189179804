import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { HandTime } from '../journeys/hand-time.ts';
import { exchange, JourneyWorld } from '../journeys/journey-world.ts';
import { filesWith, holdsAny, slicesOf, storedCiphertexts } from './mail-bytes.ts';
import { RawDevice } from './raw-device.ts';

const day = 24 * 3_600_000;
/** What docs/self-hosting.md states: sweeps and scrubs are a minute apart. */
const statedTime = 60_000;

describe('P4: after 30 days undelivered mail is unreadable, and within the stated time it is gone from the disks', () => {
  it('is given a millisecond before its end, by nothing at its end, and is in no file after the sweep and the scrub', async () => {
    const time = new HandTime();
    await using world = await JourneyWorld.open({ time });
    const alice = await world.person();
    const bob = await world.person();
    await exchange(alice, bob);
    const userIds = [alice, bob].map(({ client }) => client.account?.userId ?? '');
    const absent = await RawDevice.inPlaceOf(bob, world.url);
    const texts = ['short', 'x'.repeat(60_000)];
    for (const text of texts) await alice.say(bob, text);
    const sent = await alice.history(bob);
    await alice.stop();

    const kept = storedCiphertexts(world.data);
    expect(kept.length).toBeGreaterThanOrEqual(texts.length);
    const slices = kept.flatMap(slicesOf);
    expect(filesWith(world.data, slices)).not.toEqual([]);
    const expiresAt = sent.at(-1)?.expiresAt ?? 0;
    expect(expiresAt).toBe((sent.at(-1)?.acceptedAt ?? 0) + 30 * day);

    // The sweeper has not run: what is refused here is refused by the clock alone.
    time.set(expiresAt - 1);
    const given = await absent.stored();
    expect(given).toHaveLength(kept.length);
    expect(kept.every((ciphertext) => holdsAny(Buffer.concat(given), slicesOf(ciphertext)))).toBe(true);
    time.set(expiresAt);
    expect(await absent.stored()).toEqual([]);
    expect(holdsAny(await absent.readable(userIds), slices)).toBe(false);

    using _watching = world.watchData();
    time.advance(statedTime);
    await world.watch.until(() => filesWith(world.data, slices).length === 0);
    expect(storedCiphertexts(world.data)).toEqual([]);
    expect(await absent.stored()).toEqual([]);
  });

  it('mail that was acked is in no file within the stated time', async () => {
    const time = new HandTime();
    await using world = await JourneyWorld.open({ time });
    const alice = await world.person();
    const bob = await world.person({ receipts: false });
    // A first message holds the sender's identity key, which the relay keeps with the account.
    await exchange(alice, bob);
    await bob.stop();
    const text = `for bob ${crypto.randomUUID()}`;
    await alice.say(bob, text);
    const slices = storedCiphertexts(world.data).flatMap(slicesOf);
    const acked = world.steps.length;
    expect(filesWith(world.data, slices)).not.toEqual([]);

    await bob.open();
    await bob.received(text);
    await world.watch.until(() => world.steps.includes('ack.durable', acked));
    using _watching = world.watchData();
    time.advance(statedTime);
    await world.watch.until(() => filesWith(world.data, slices).length === 0);
  });

  it('profiles and avatars never expire', async () => {
    const time = new HandTime();
    await using world = await JourneyWorld.open({ time });
    const avatar = new Uint8Array(randomBytes(5_000));
    const bob = world.newcomer();
    await bob.open();
    await bob.register({ profile: { username: 'Bob', avatar } });
    time.advance(400 * day);
    time.advance(statedTime);
    // Who meets Bob a year later learns his name and picture.
    const alice = await world.person();
    await bob.live();
    await bob.say(alice, 'long time');
    await alice.received('long time');
    const bobId = bob.client.account?.userId;
    if (bobId === undefined) throw new Error('bob has no account');
    await world.watch.until(() => alice.events.some((event) => event.type === 'profile.changed'));
    expect((await alice.client.chats.list()).chats[0]?.username).toBe('Bob');
    expect(await alice.client.profile.fetchAvatar(bobId)).toEqual(avatar);
  });
});
