import { beforeEach, describe, expect, it } from 'vitest';
import { userIdOf } from '../../test/numbered-uuid.ts';
import { type OpenExecutor, openExecutor } from '../../test/open-executor.ts';
import { randomness } from '../../test/test-device.ts';
import { firstIdentity } from '../crypto/identity-trust.ts';
import type { Overlay } from '../crypto/overlay.ts';
import type { DeviceId } from '../ports/ids.ts';
import { learnSecret, secretBytes, secretDelivered, secretToGive } from './ephemeral-secrets.ts';

const userId = userIdOf(7);
const ownDevice = 1 as DeviceId;
const sender = { userId, deviceId: 2 as DeviceId };
const [firstKey, secondKey] = [new Uint8Array(33).fill(1), new Uint8Array(33).fill(2)];

let open: OpenExecutor;

beforeEach(async () => {
  open = await openExecutor();
});

function run<Value>(operation: (overlay: Overlay) => Promise<Value> | Value): Promise<Value> {
  return open.executor.run([], operation);
}

/** Says which identity key is trusted for the person. */
function trust(key: Uint8Array): Promise<void> {
  return run((overlay) => overlay.put('identity', firstIdentity(userId, key, 1)));
}

/** What a message that is sealed now carries. */
function given(deviceListVersion = 1): Promise<Uint8Array | undefined> {
  return run((overlay) => secretToGive(overlay, { userId, ownDevice, deviceListVersion, randomness }));
}

/** Takes the position of a message that is written now. */
function position(): Promise<number> {
  return run((overlay) => overlay.nextPosition());
}

function delivered(at: number): Promise<void> {
  return run((overlay) => secretDelivered(overlay, userId, ownDevice, at));
}

function learned(): Promise<Uint8Array | undefined> {
  return run(
    async (overlay) =>
      (await overlay.get('ephemeralSecret', { userId, direction: 'in', deviceId: sender.deviceId }))?.secret,
  );
}

describe('the own secret for a person', () => {
  it('is given to nobody whose identity is not known', async () => {
    expect(await given()).toBeUndefined();
  });

  it('is in each message until one that carried it was delivered', async () => {
    await trust(firstKey);
    const before = await position();
    const secret = await given();
    expect(secret).toHaveLength(secretBytes);
    expect(await given()).toEqual(secret);
    // A message from before it was made carried none.
    await delivered(before);
    expect(await given()).toEqual(secret);
    await delivered(await position());
    expect(await given()).toBeUndefined();
  });

  it('is another one under another identity key, and is given again', async () => {
    await trust(firstKey);
    const secret = await given();
    const late = await position();
    await delivered(late);
    await trust(secondKey);
    const next = await given();
    expect(next).toHaveLength(secretBytes);
    expect(next).not.toEqual(secret);
    // A receipt for what was written to whoever had the key before says nothing of this one.
    await delivered(late);
    expect(await given()).toEqual(next);
    await delivered(await position());
    expect(await given()).toBeUndefined();
    // A key that comes back is a change as well.
    await trust(firstKey);
    expect(await given()).not.toEqual(secret);
  });

  it('is the same when their device list changes, and is given again: a new device has not heard of it', async () => {
    await trust(firstKey);
    const secret = await given(1);
    const late = await position();
    await delivered(late);
    expect(await given(2)).toEqual(secret);
    await delivered(late);
    expect(await given(2)).toEqual(secret);
    await delivered(await position());
    expect(await given(2)).toBeUndefined();
  });

  it('is of one person alone', async () => {
    await trust(firstKey);
    const secret = await given();
    const other = userIdOf(8);
    const theirs = await run(async (overlay) => {
      const identity = await overlay.get('identity', { userId });
      if (identity !== undefined) overlay.put('identity', { ...identity, userId: other });
      return secretToGive(overlay, { userId: other, ownDevice, deviceListVersion: 1, randomness });
    });
    expect(theirs).toHaveLength(secretBytes);
    expect(theirs).not.toEqual(secret);
  });
});

describe('the secret of a device of theirs', () => {
  it('is kept with the identity key under which it came; the latest counts', async () => {
    const [one, two] = [randomness.bytes(secretBytes), randomness.bytes(secretBytes)];
    await trust(firstKey);
    await run((overlay) => learnSecret(overlay, sender, one, firstKey));
    await run((overlay) => learnSecret(overlay, sender, two, firstKey));
    expect(await learned()).toEqual(two);
    await trust(secondKey);
    const record = () =>
      run((overlay) => overlay.get('ephemeralSecret', { userId, direction: 'in', deviceId: sender.deviceId }));
    expect((await record())?.identityKey).toEqual(firstKey);
    await run((overlay) => learnSecret(overlay, sender, two, secondKey));
    expect((await record())?.identityKey).toEqual(secondKey);
  });

  it('is not written again when it is the same, and not at all when it has another length', async () => {
    await trust(firstKey);
    const secret = randomness.bytes(secretBytes);
    await run((overlay) => learnSecret(overlay, sender, secret, firstKey));
    const commits = open.store.commits.length;
    await run((overlay) => learnSecret(overlay, sender, secret, firstKey));
    for (const length of [0, 31, 33]) {
      await run((overlay) => learnSecret(overlay, sender, randomness.bytes(length), firstKey));
    }
    expect(open.store.commits).toHaveLength(commits);
    expect(await learned()).toEqual(secret);
  });
});
