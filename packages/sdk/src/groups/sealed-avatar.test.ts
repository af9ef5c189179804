import fc from 'fast-check';
import { expect, it } from 'vitest';
import { maxAvatarBytes } from '../accounts/sealed-profile.ts';
import { sealBucket } from '../crypto/sealed-bucket.ts';
import { defaultPlatform } from '../platform/platform.node.ts';
import { openGroupAvatar, sealGroupAvatar } from './sealed-avatar.ts';

const { sha256, randomness } = defaultPlatform();
const wireId = randomness.bytes(32);
const misbehaved = expect.objectContaining({ code: 'relay-misbehaved', retryable: true });

it.each([1, 511, 512, maxAvatarBytes])('an avatar of %i bytes opens, and is the group’s', (length) => {
  const bytes = randomness.bytes(length);
  const { avatar, sealed } = sealGroupAvatar(bytes, wireId, { sha256, randomness });
  expect([avatar.hash.length, avatar.key.length, avatar.location.length]).toEqual([32, 32, 32]);
  expect(sealed.length).toBeLessThanOrEqual(1024 * 1024 + 1024);
  expect((sealed.length - 28) % 512).toBe(0);
  expect(Buffer.compare(openGroupAvatar(sealed, avatar, wireId, sha256), bytes)).toBe(0);
});

it('the same avatar is never the same to the relay', () => {
  const bytes = randomness.bytes(100);
  const [one, other] = [0, 1].map(() => sealGroupAvatar(bytes, wireId, { sha256, randomness }));
  expect(one?.avatar.hash).toEqual(other?.avatar.hash);
  expect(one?.avatar.key).not.toEqual(other?.avatar.key);
  expect(one?.avatar.location).not.toEqual(other?.avatar.location);
});

it('an avatar changed in any byte, cut, of another group, key or hash does not open', () => {
  const { avatar, sealed } = sealGroupAvatar(randomness.bytes(90), wireId, { sha256, randomness });
  const open = (bytes: Uint8Array, changed = avatar, id = wireId) => openGroupAvatar(bytes, changed, id, sha256);
  fc.assert(
    fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      expect(() => open(sealed.with(at, (sealed[at] ?? 0) ^ flip))).toThrow(misbehaved);
      expect(() => open(sealed.slice(0, at))).toThrow(misbehaved);
    }),
  );
  expect(() => open(sealed, avatar, randomness.bytes(32))).toThrow(misbehaved);
  for (const part of ['hash', 'key'] as const) {
    expect(() => open(sealed, { ...avatar, [part]: randomness.bytes(32) })).toThrow(misbehaved);
  }
});

it('an avatar over 1 MiB is refused, though its member has made it so', () => {
  const bytes = new Uint8Array(maxAvatarBytes + 1);
  const { avatar, sealed } = sealGroupAvatar(bytes, wireId, { sha256, randomness });
  expect(() => openGroupAvatar(sealed, avatar, wireId, sha256)).toThrow(misbehaved);
  const key = randomness.bytes(32);
  const otherPurpose = sealBucket(bytes, 512, { key, context: new TextEncoder().encode('avatar') }, randomness);
  expect(() => openGroupAvatar(otherPurpose, { ...avatar, key }, wireId, sha256)).toThrow(misbehaved);
});
