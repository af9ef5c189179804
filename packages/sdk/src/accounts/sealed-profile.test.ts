import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPlatform } from '../platform/platform.node.ts';
import { checkAvatar, maxAvatarBytes, openAvatar, openProfile, sealAvatar, sealProfile } from './sealed-profile.ts';

const { sha256, randomness } = defaultPlatform();
const key = randomness.bytes(32);
const misbehaved = expect.objectContaining({ code: 'relay-misbehaved' });

describe('sealed profiles', () => {
  it('open with their key, and all have one length', () => {
    const lengths = ['A', '👋'.repeat(50)].flatMap((username) =>
      [undefined, sha256()].map((avatarHash) => {
        const sealed = sealProfile({ username, avatarHash }, key, randomness);
        expect(openProfile(sealed, key)).toEqual({ username, avatarHash });
        return sealed.length;
      }),
    );
    expect(new Set(lengths)).toEqual(new Set([12 + 256 + 16]));
  });

  it('do not open with another key, changed in any byte, cut, or taken for an avatar', () => {
    const sealed = sealProfile({ username: 'Alice', avatarHash: undefined }, key, randomness);
    expect(() => openProfile(sealed, randomness.bytes(32))).toThrow(misbehaved);
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = sealed.with(at, (sealed[at] ?? 0) ^ flip);
        expect(() => openProfile(changed, key)).toThrow(misbehaved);
        expect(() => openProfile(sealed.slice(0, at), key)).toThrow(misbehaved);
      }),
    );
    expect(() => openAvatar(sealed, sha256(), key, sha256)).toThrow(misbehaved);
  });

  it('refuse names that nobody may have', () => {
    const sealed = sealProfile({ username: 'x'.repeat(51), avatarHash: undefined }, key, randomness);
    expect(() => openProfile(sealed, key)).toThrow(misbehaved);
  });
});

describe('sealed avatars', () => {
  it.each([1, 511, 512, maxAvatarBytes])('of %i bytes open, and are the profile’s', (length) => {
    const avatar = randomness.bytes(length);
    const sealed = sealAvatar(avatar, key, randomness);
    expect(sealed.length).toBeLessThanOrEqual(1024 * 1024 + 1024);
    expect((sealed.length - 28) % 512).toBe(0);
    expect(Buffer.compare(openAvatar(sealed, sha256(avatar), key, sha256), avatar)).toBe(0);
    expect(() => openAvatar(sealed, sha256(), key, sha256)).toThrow(misbehaved);
  });

  it('have at most 1 MiB', () => {
    expect(() => checkAvatar(new Uint8Array(maxAvatarBytes))).not.toThrow();
    expect(() => checkAvatar(new Uint8Array(maxAvatarBytes + 1))).toThrow(
      expect.objectContaining({ code: 'avatar-too-large' }),
    );
  });
});
