import { CiphertextKind, PrekeyMessage, RatchetMessage } from '@sotto/proto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { PreKeySignalMessage, SignalMessage } from '#libsignal';
import { startSession, type TestDevice, testDevice } from '../../test/test-device.ts';
import { Hold } from './hold.ts';
import { advanceChains, checkJump, checkStructure, isPqRatchet, largestJump } from './precheck.ts';
import { type Opened, Ratchet, type SealedCiphertext } from './ratchet.ts';

const whisper = CiphertextKind.CIPHERTEXT_KIND_WHISPER;
const prekey = CiphertextKind.CIPHERTEXT_KIND_PREKEY;

function seal(from: TestDevice, to: TestDevice): Promise<SealedCiphertext> {
  return from.executor.run(['all'], (overlay) =>
    new Ratchet(from.account, overlay, from.clock.now()).seal(to.address, Uint8Array.of(1, 2, 3)),
  );
}

async function open(to: TestDevice, from: TestDevice, sealed: SealedCiphertext): Promise<Opened> {
  const checked = checkStructure(sealed.kind, sealed.ciphertext);
  return to.executor.run(['all'], (overlay) =>
    new Ratchet(to.account, overlay, to.clock.now()).open(from.address, checked, sealed.ciphertext),
  );
}

function innerOf({ kind, ciphertext }: SealedCiphertext): RatchetMessage {
  const bytes = kind === prekey ? PrekeyMessage.decode(ciphertext.subarray(1)).message : ciphertext;
  return RatchetMessage.decode(bytes.subarray(1, bytes.length - 8));
}

/** The type byte of a pq_ratchet, after version, epoch and index, and how many bytes follow the chunk's index (or the type). */
function pqForm(bytes: Uint8Array): string {
  let at = 1;
  const skip = () => {
    while ((bytes[at] ?? 0) >= 128) at++;
    at++;
  };
  skip();
  skip();
  const type = bytes[at++];
  if (type !== 0 && type !== 4) skip();
  return `type ${type}: ${bytes.length - at}`;
}

/** Deterministic noise for schedules: what libsignal draws itself is random anyway. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

/** Conversations both ways with loss and reordering; gives everything that was sealed. */
async function conversation(seed: number, messages: number): Promise<readonly SealedCiphertext[]> {
  const roll = dice(seed);
  const alice = await testDevice();
  const bob = await testDevice();
  await startSession(alice, bob);
  const all: SealedCiphertext[] = [];
  const onTheWay: { readonly toBob: boolean; readonly sealed: SealedCiphertext }[] = [];
  let bobKnows = false;
  while (all.length < messages) {
    const toBob = !bobKnows || roll(2) === 0;
    for (let burst = 1 + roll(1 + (seed % 7)); burst > 0; burst--) {
      const sealed = toBob ? await seal(alice, bob) : await seal(bob, alice);
      all.push(sealed);
      if (roll(100) >= seed % 30) onTheWay.push({ toBob, sealed });
    }
    while (onTheWay.length > roll(12)) {
      const [next] = onTheWay.splice(roll(Math.min(onTheWay.length, 5)), 1);
      if (next === undefined) break;
      const { plaintext } = await (next.toBob ? open(bob, alice, next.sealed) : open(alice, bob, next.sealed));
      expect(plaintext).toEqual(Uint8Array.of(1, 2, 3));
      bobKnows ||= next.toBob;
    }
  }
  return all;
}

describe('the precheck', () => {
  const real: SealedCiphertext[] = [];

  beforeAll(async () => {
    for (const seed of [1, 6, 12, 25]) real.push(...(await conversation(seed, 1_500)));
  });

  it('passes every real message of long random conversations', () => {
    const forms = new Set<string>();
    for (const sealed of real) {
      checkStructure(sealed.kind, sealed.ciphertext);
      const { pqRatchet } = innerOf(sealed);
      expect(isPqRatchet(pqRatchet)).toBe(true);
      forms.add(pqForm(pqRatchet));
    }
    expect(real.length).toBeGreaterThanOrEqual(6_000);
    expect([...forms].sort()).toEqual([
      'type 0: 0',
      'type 1: 32',
      'type 2: 32',
      'type 3: 32',
      'type 4: 0',
      'type 5: 32',
      'type 6: 32',
    ]);
  });

  it('names the prekeys and the counter as libsignal does', () => {
    for (const sealed of real.slice(0, 200)) {
      const checked = checkStructure(sealed.kind, sealed.ciphertext);
      const bytes = new Uint8Array(sealed.ciphertext);
      if (sealed.kind === whisper) {
        expect(checked).toMatchObject({ kind: 'whisper', counter: SignalMessage.deserialize(bytes).counter() });
      } else {
        const message = PreKeySignalMessage.deserialize(bytes);
        expect(checked.kind).toBe('prekey');
        expect(checked.prekeyIds).toMatchObject({
          ec: message.preKeyId() ?? undefined,
          signed: message.signedPreKeyId(),
        });
        expect(checked.prekeyIds?.kyber).toBeGreaterThan(0);
      }
    }
  });

  it('throws nothing but Hold for any shorter or longer form of a real message', () => {
    const samples = [whisper, prekey].flatMap((kind) => real.filter((sealed) => sealed.kind === kind).slice(0, 3));
    expect(samples).toHaveLength(6);
    for (const { kind, ciphertext } of samples) {
      for (let length = 0; length < ciphertext.length; length++) {
        expectHoldOrValue(kind, ciphertext.subarray(0, length));
        expectHoldOrValue(kind, ciphertext.subarray(length));
      }
    }
  });

  it('holds every cut of a pq_ratchet that libsignal makes', () => {
    for (const sealed of real.slice(0, 500)) {
      const { pqRatchet } = innerOf(sealed);
      for (let length = 0; length < pqRatchet.length; length++) {
        expect(isPqRatchet(pqRatchet.subarray(0, length))).toBe(false);
      }
      expect(isPqRatchet(Uint8Array.of(...pqRatchet, 0))).toBe(false);
    }
    expect(() => checkStructure(whisper, ratchetMessage(0, Uint8Array.of(1, 0, 0)))).toThrow(Hold);
  });

  it('throws nothing but Hold for flipped and random bytes of any kind', () => {
    const kinds = fc.constantFrom(0, 1, 2, 3, 4, 5, 77) as fc.Arbitrary<CiphertextKind>;
    fc.assert(
      fc.property(kinds, fc.uint8Array({ maxLength: 200 }), fc.boolean(), (kind, bytes, versioned) => {
        if (versioned && bytes.length > 0) bytes[0] = 0x44;
        expectHoldOrValue(kind, bytes);
      }),
      { numRuns: 3_000 },
    );
    fc.assert(
      fc.property(fc.nat(real.length - 1), fc.nat(2_000), fc.integer({ min: 1, max: 255 }), (index, at, flip) => {
        const sealed = real[index];
        if (sealed === undefined) return;
        const bytes = sealed.ciphertext.slice();
        bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ flip;
        expectHoldOrValue(sealed.kind, bytes);
      }),
      { numRuns: 3_000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(typeof isPqRatchet(bytes)).toBe('boolean');
      }),
      { numRuns: 2_000 },
    );
  });

  it('knows no other kinds, and no other version', () => {
    const [first] = real;
    for (const kind of [0, 3, 4, 5, 99]) {
      expect(() => checkStructure(kind as CiphertextKind, first?.ciphertext ?? new Uint8Array())).toThrow(
        'unknown-kind',
      );
    }
    for (const kind of [whisper, prekey]) {
      const sealed = real.find((other) => other.kind === kind);
      const older = sealed?.ciphertext.slice() ?? new Uint8Array();
      older[0] = 0x33;
      expect(() => checkStructure(kind, older)).toThrow('malformed-ciphertext');
    }
  });

  it('lets a counter jump by 2,000 and no further, for new and known chains, in both kinds', () => {
    const chainOf = (counter: number) => checkStructure(whisper, ratchetMessage(counter));
    checkJump(chainOf(largestJump), []);
    expect(() => checkJump(chainOf(largestJump + 1), [])).toThrow('counter-jump');
    const chains = advanceChains([], chainOf(500));
    checkJump(chainOf(500 + largestJump), chains);
    expect(() => checkJump(chainOf(501 + largestJump), chains)).toThrow('counter-jump');
    checkJump(chainOf(3), chains);
    expect(() => checkJump(chainOf(0xffff_ffff), chains)).toThrow('counter-jump');
    const wrapped = checkStructure(prekey, prekeyMessage(ratchetMessage(largestJump + 1)));
    expect(() => checkJump(wrapped, [])).toThrow('counter-jump');
  });

  it('advances chains to the highest counter seen, and keeps the latest eight', () => {
    const on = (key: number, counter: number) =>
      checkStructure(whisper, ratchetMessage(counter, undefined, new Uint8Array(33).fill(key)));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(11), fc.nat(5_000)), { maxLength: 60 }), (seen) => {
        let chains = advanceChains([], on(99, 0));
        const order: number[] = [99];
        const highest = new Map([[99, 0]]);
        for (const [key, counter] of seen) {
          chains = advanceChains(chains, on(key, counter));
          if (!order.includes(key)) {
            order.push(key);
            highest.set(key, counter);
            const gone = order.length > 8 ? order.shift() : undefined;
            if (gone !== undefined) highest.delete(gone);
          } else highest.set(key, Math.max(highest.get(key) ?? 0, counter));
        }
        expect(chains.map((chain) => chain.highest)).toEqual(order.map((key) => highest.get(key)));
      }),
    );
  });
});

function expectHoldOrValue(kind: CiphertextKind, bytes: Uint8Array): void {
  try {
    expect(checkStructure(kind, bytes).ratchetKey).toHaveLength(44);
  } catch (error) {
    if (!(error instanceof Hold)) throw error;
  }
}

const emptyPqRatchet = Uint8Array.of(1, 0, 0, 0);

function ratchetMessage(
  counter: number,
  pqRatchet = emptyPqRatchet,
  ratchetKey = new Uint8Array(33).fill(5),
): Uint8Array {
  const body = RatchetMessage.encode({
    ratchetKey,
    counter,
    previousCounter: 0,
    ciphertext: new Uint8Array(16),
    pqRatchet,
  });
  return Uint8Array.of(0x44, ...body, ...new Uint8Array(8));
}

function prekeyMessage(message: Uint8Array): Uint8Array {
  const body = PrekeyMessage.encode({ baseKey: new Uint8Array(33), identityKey: new Uint8Array(33), message });
  return Uint8Array.of(0x44, ...body);
}
