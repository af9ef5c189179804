import { describe, expect, it } from 'vitest';
import { nativeLibrary, pairs, wasmLibrary } from './libraries.ts';
import { outcomeOf } from './outcome.ts';
import { Seeded } from './seeded.ts';

const native = nativeLibrary.library;
const wasm = wasmLibrary.library;
const random = new Seeded(5);
const some = (length: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length }, () => random.below(256));
const text = (words: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(words);

describe('what has one right answer', () => {
  it('derives the same keys (HKDF)', () => {
    for (const length of [0, 1, 32, 33, 100, 8_160]) {
      for (const salt of [null, some(0), some(32)]) {
        const [material, label] = [some(random.below(80)), some(random.below(80))];
        expect(wasm.hkdf(length, material, label, salt)).toEqual(native.hkdf(length, material, label, salt));
      }
    }
  });

  it('hashes PINs to the same (Argon2id)', () => {
    const [pin, salt] = [text('4711 and more'), some(32)];
    const [ours, theirs] = [wasm.PinHash.fromSalt(pin, salt), native.PinHash.fromSalt(pin, salt)];
    expect(ours.accessKey).toEqual(theirs.accessKey);
    expect(ours.encryptionKey).toEqual(theirs.encryptionKey);
  });

  it('seals the same under AES-256-GCM-SIV', () => {
    for (const length of [0, 1, 15, 16, 17, 1_000]) {
      const [key, message, nonce, data] = [some(32), some(length), some(12), some(random.below(40))];
      const sealed = wasm.Aes256GcmSiv.new(key).encrypt(message, nonce, data);
      expect(sealed).toEqual(native.Aes256GcmSiv.new(key).encrypt(message, nonce, data));
      expect(wasm.Aes256GcmSiv.new(key).decrypt(sealed, nonce, data)).toEqual(message);
    }
  });

  it('makes the same fingerprints', () => {
    for (const version of [0, 1, 2]) {
      const [alice, bob] = [native.PrivateKey.generate(), native.PrivateKey.generate()];
      const [aliceId, bobId] = [some(16), some(16)];
      const [ours, theirs] = [wasm, native].map((library) => {
        const key = (of: typeof alice) => library.PublicKey.deserialize(of.getPublicKey().serialize());
        return library.Fingerprint.new(5_200, version, aliceId, key(alice), bobId, key(bob));
      });
      expect(ours?.displayableFingerprint().toString()).toBe(theirs?.displayableFingerprint().toString());
      expect(ours?.scannableFingerprint().toBuffer()).toEqual(theirs?.scannableFingerprint().toBuffer());
    }
  });

  it('reads and writes the same service ids', () => {
    const uuid = '9d0652a3-dcc3-4d11-975f-74d61598733f';
    for (const form of [uuid, `PNI:${uuid}`, uuid.toUpperCase()]) {
      const ours = wasm.ServiceId.parseFromServiceIdString(form);
      const theirs = native.ServiceId.parseFromServiceIdString(form);
      expect(ours.getServiceIdString()).toBe(theirs.getServiceIdString());
      expect(ours.getServiceIdBinary()).toEqual(theirs.getServiceIdBinary());
      expect(ours.getServiceIdFixedWidthBinary()).toEqual(theirs.getServiceIdFixedWidthBinary());
      expect(ours.toString()).toBe(theirs.toString());
      expect(ours.getRawUuid()).toBe(theirs.getRawUuid());
      expect(wasm.ServiceId.parseFromServiceIdBinary(ours.getServiceIdBinary()).isEqual(ours)).toBe(true);
    }
    expect(wasm.Aci.fromUuid(uuid)).toBeInstanceOf(wasm.Aci);
    expect(() => wasm.Pni.parseFromServiceIdString(uuid)).toThrow(TypeError);
  });

  it('counts with the same numbers', () => {
    const enums = ['CiphertextMessageType', 'ContentHint', 'Direction', 'IdentityChange'] as const;
    for (const name of enums) {
      const theirs = Object.entries(native[name]).filter(([, value]) => typeof value === 'number');
      expect(Object.entries(wasm[name])).toEqual(theirs);
    }
    expect(native.ErrorCode).toMatchObject(wasm.ErrorCode);
  });
});

describe.each(pairs)('keys of %o for %o', ({ library: from }, { library: to }) => {
  it('are the same bytes, and mean the same', () => {
    const key = from.PrivateKey.generate();
    const same = to.PrivateKey.deserialize(key.serialize());
    expect(same.serialize()).toEqual(key.serialize());
    expect(same.getPublicKey().serialize()).toEqual(key.getPublicKey().serialize());
    expect(same.getPublicKey().getPublicKeyBytes()).toEqual(key.getPublicKey().getPublicKeyBytes());
    const peer = from.PrivateKey.generate();
    const theirs = to.PublicKey.deserialize(peer.getPublicKey().serialize());
    expect(same.agree(theirs)).toEqual(key.agree(peer.getPublicKey()));
    const pair = from.IdentityKeyPair.generate();
    expect(to.IdentityKeyPair.deserialize(pair.serialize()).serialize()).toEqual(pair.serialize());
  });

  it('sign, and verify', () => {
    const key = from.PrivateKey.generate();
    const seen = to.PublicKey.deserialize(key.getPublicKey().serialize());
    const signature = key.sign(text('words'));
    expect(seen.verify(text('words'), signature)).toBe(true);
    expect(seen.verify(text('other'), signature)).toBe(false);
    const [alternate, pair] = [from.IdentityKeyPair.generate(), from.IdentityKeyPair.generate()];
    const link = pair.signAlternateIdentity(alternate.publicKey);
    const [one, two] = [pair, alternate].map(({ publicKey }) => to.PublicKey.deserialize(publicKey.serialize()));
    if (one === undefined || two === undefined) throw new Error('two keys');
    expect(one.verifyAlternateIdentity(two, link)).toBe(true);
    expect(two.verifyAlternateIdentity(one, link)).toBe(false);
  });

  it('seal, and open (HPKE)', () => {
    const key = to.PrivateKey.generate();
    const seen = from.PublicKey.deserialize(key.getPublicKey().serialize());
    const sealed = seen.seal(text('secret'), 'what for', text('beside'));
    expect(key.open(sealed, 'what for', text('beside'))).toEqual(text('secret'));
    expect(() => key.open(sealed, 'what else', text('beside'))).toThrow(to.LibSignalErrorBase);
  });

  it('of Kyber and records of prekeys are the same bytes', () => {
    const kyber = from.KEMKeyPair.generate();
    expect(to.KEMPublicKey.deserialize(kyber.getPublicKey().serialize()).serialize()).toEqual(
      kyber.getPublicKey().serialize(),
    );
    expect(to.KEMSecretKey.deserialize(kyber.getSecretKey().serialize()).serialize()).toEqual(
      kyber.getSecretKey().serialize(),
    );
    const key = from.PrivateKey.generate();
    const once = from.PreKeyRecord.new(7, key.getPublicKey(), key);
    const sameOnce = to.PreKeyRecord.deserialize(once.serialize());
    expect([sameOnce.id(), sameOnce.serialize()]).toEqual([7, once.serialize()]);
    expect(sameOnce.privateKey().serialize()).toEqual(key.serialize());
    expect(sameOnce.publicKey().serialize()).toEqual(key.getPublicKey().serialize());
    const signed = from.SignedPreKeyRecord.new(8, 1_800_000_000_001, key.getPublicKey(), key, some(64));
    const sameSigned = to.SignedPreKeyRecord.deserialize(signed.serialize());
    expect([sameSigned.id(), sameSigned.timestamp(), sameSigned.signature(), sameSigned.serialize()]).toEqual([
      8,
      1_800_000_000_001,
      signed.signature(),
      signed.serialize(),
    ]);
    const last = from.KyberPreKeyRecord.new(9, 1_800_000_000_002, kyber, some(64));
    const sameLast = to.KyberPreKeyRecord.deserialize(last.serialize());
    expect([sameLast.id(), sameLast.timestamp(), sameLast.signature(), sameLast.serialize()]).toEqual([
      9,
      1_800_000_000_002,
      last.signature(),
      last.serialize(),
    ]);
    expect(sameLast.secretKey().serialize()).toEqual(kyber.getSecretKey().serialize());
    expect(sameLast.keyPair().getPublicKey().serialize()).toEqual(kyber.getPublicKey().serialize());
  });
});

describe('what is refused', () => {
  const own = native.IdentityKeyPair.generate().serialize();
  const bad = [0, 1, 3, 33, 34, 66, 300].flatMap((length) => [
    some(length),
    some(length).fill(5),
    some(length).fill(0x11),
  ]);
  const kinds = [
    'PublicKey',
    'PrivateKey',
    'IdentityKeyPair',
    'KEMPublicKey',
    'KEMSecretKey',
    'PreKeyRecord',
    'SignedPreKeyRecord',
    'KyberPreKeyRecord',
    'SignalMessage',
    'PreKeySignalMessage',
    'SenderKeyMessage',
    'SenderKeyDistributionMessage',
    'ServerCertificate',
    'SenderCertificate',
    'UnidentifiedSenderMessageContent',
    'PlaintextContent',
    'DecryptionErrorMessage',
  ] as const;

  it.each(kinds)('%s.deserialize refuses the same', async (kind) => {
    for (const bytes of bad) {
      const [ours, theirs] = await Promise.all(
        [wasm, native].map((library) => outcomeOf(() => library[kind].deserialize(bytes).serialize())),
      );
      expect(ours).toBe(theirs);
    }
  });

  it('elsewhere, too', async () => {
    const calls: ((library: typeof wasm) => unknown)[] = [
      (library) => library.ProtocolAddress.new('a', 0),
      (library) => library.ProtocolAddress.new('a', 1).toString(),
      (library) => library.ProtocolAddress.new('a', 127).toString(),
      (library) => library.ProtocolAddress.new('a', 128),
      (library) => library.ProtocolAddress.new('a', -1),
      (library) => library.ProtocolAddress.new('a', 1.5),
      (library) => library.hkdf(8_161, some(1), some(1), null),
      (library) => library.hkdf(-1, some(1), some(1), null),
      (library) => library.Aes256GcmSiv.new(some(31)),
      (library) => library.Aes256GcmSiv.new(some(32)).encrypt(some(1), some(11), some(0)),
      (library) => library.Aes256GcmSiv.new(some(32)).decrypt(some(15), some(12), some(0)),
      (library) => library.Aes256GcmSiv.new(some(32)).decrypt(some(40), some(12), some(0)),
      (library) => library.IdentityKeyPair.deserialize(own).privateKey.open(some(3), 'x'),
      (library) => library.IdentityKeyPair.deserialize(own).privateKey.open(some(0), 'x'),
      (library) => library.IdentityKeyPair.deserialize(own).privateKey.open(some(80).fill(1), 'x'),
      (library) => library.ServiceId.parseFromServiceIdString('nobody'),
      (library) => library.ServiceId.parseFromServiceIdBinary(some(3)),
      (library) => library.PublicKey.deserialize('text' as unknown as Uint8Array),
      (library) =>
        library.ScannableFingerprint._fromBuffer(some(3)).compare(library.ScannableFingerprint._fromBuffer(some(3))),
      (library) => library.SessionRecord.deserialize(some(3).fill(255)),
      (library) => library.SessionRecord.deserialize(some(0)).hasCurrentState(),
      (library) => library.SessionRecord.deserialize(some(0)).localRegistrationId(),
      (library) => library.SenderKeyRecord.deserialize(some(3).fill(255)),
      (library) => library.DecryptionErrorMessage.extractFromSerializedBody(some(3)),
      (library) => library.DecryptionErrorMessage.forOriginal(some(3), 2, 1, 1),
      (library) => library.PreKeyRecord.new(-1, ...halves(library)),
      (library) => library.PreKeyRecord.new(2 ** 32, ...halves(library)),
      (library) => library.Fingerprint.new(0, 2, some(1), halves(library)[0], some(1), halves(library)[0]),
      (library) => library.Fingerprint.new(1_000_001, 2, some(1), halves(library)[0], some(1), halves(library)[0]),
    ];
    for (const [at, call] of calls.entries()) {
      const [ours, theirs] = await Promise.all([wasm, native].map((library) => outcomeOf(() => call(library))));
      expect(`${at}: ${ours}`).toBe(`${at}: ${theirs}`);
    }
  });

  function halves(library: typeof wasm) {
    const { publicKey, privateKey } = library.IdentityKeyPair.deserialize(own);
    return [publicKey, privateKey] as const;
  }
});
